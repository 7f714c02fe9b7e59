# nokv_program(nokv-redis): installs a program with its manual pages and completions, which it makes
# itself from its tree of commands.
include(GNUInstallDirs)

function(nokv_program target)
  set(pages "${CMAKE_BINARY_DIR}/pages/${target}")
  set(stamp "${pages}/stamp")
  add_custom_command(
    OUTPUT "${stamp}"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${pages}/man"
    COMMAND ${target} gen-docs --man "${pages}/man"
    COMMAND ${target} completion bash > "${pages}/${target}"
    COMMAND ${target} completion zsh > "${pages}/_${target}"
    COMMAND ${target} completion fish > "${pages}/${target}.fish"
    COMMAND ${CMAKE_COMMAND} -E touch "${stamp}"
    DEPENDS ${target} VERBATIM)
  add_custom_target(${target}_pages ALL DEPENDS "${stamp}")
  install(TARGETS ${target} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY "${pages}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${pages}/${target}"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES "${pages}/_${target}" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES "${pages}/${target}.fish"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
endfunction()

# nokv_program_alias(nokv nokv-tso): a link to a program that is another one under that name. Its
# manual page is that of the command `nokv tso`.
function(nokv_program_alias target alias)
  add_custom_command(TARGET ${target} POST_BUILD
                     COMMAND ${CMAKE_COMMAND} -E create_symlink ${target} ${alias}
                     WORKING_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" VERBATIM)
  install(FILES "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${alias}"
          DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
