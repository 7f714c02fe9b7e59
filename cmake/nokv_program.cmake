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
