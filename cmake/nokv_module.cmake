# nokv_module(NAME base
#             HEADERS ... SOURCES ...     relative to the module's folder; every header is listed
#             DEPS ...                    other nokv modules, by name (public)
#             LIBS ...                    third-party targets or libraries (private)
#             TESTS ...                   *_test.cc, all linked into nokv_<name>_test
#             TEST_DEPS ...)              further nokv modules that only the tests use
#
# Defines the library nokv_<name>, its unit-test binary, and (with NOKV_LINK_TESTS) a program that
# links the whole library with nothing but its declared dependencies.
#
# Aggregate targets: nokv_libraries (every module), nokv_unit_tests (tests labelled unit),
# nokv_link_tests and nokv_fuzzers.

set_property(GLOBAL PROPERTY NOKV_KNOWN_TESTS "")
add_custom_target(nokv_libraries)
add_custom_target(nokv_unit_tests)
add_custom_target(nokv_link_tests)
add_custom_target(nokv_fuzzers)

function(nokv_module)
  cmake_parse_arguments(M "" "NAME" "HEADERS;SOURCES;DEPS;LIBS;TESTS;TEST_DEPS;TEST_LIBS" ${ARGN})
  set(target nokv_${M_NAME})
  foreach(dep ${M_DEPS})
    if(NOT TARGET nokv_${dep})
      message(FATAL_ERROR "module ${M_NAME} names ${dep} in DEPS, which is no module below it: "
                          "see scripts/lint/layers.txt")
    endif()
  endforeach()
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES} ${M_HEADERS})
    add_dependencies(nokv_libraries ${target})
    set(scope PUBLIC)
    set(private PRIVATE)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    set(private INTERFACE)
  endif()
  target_include_directories(${target} ${scope} "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
  foreach(dep ${M_DEPS})
    target_link_libraries(${target} ${scope} nokv_${dep})
  endforeach()
  target_link_libraries(${target} ${private} ${M_LIBS})

  if(NOKV_BUILD_TESTS AND M_TESTS)
    nokv_test(NAME ${target}_test SOURCES ${M_TESTS} DEPS ${M_NAME} ${M_TEST_DEPS} LIBS ${M_TEST_LIBS})
  endif()

  if(NOKV_LINK_TESTS AND M_SOURCES)
    set(stub "${CMAKE_BINARY_DIR}/link_test.cc")
    if(NOT EXISTS "${stub}")
      file(WRITE "${stub}" "int main() { return 0; }\n")
    endif()
    add_executable(${target}_link_test EXCLUDE_FROM_ALL "${stub}")
    target_link_libraries(${target}_link_test PRIVATE
      -Wl,--whole-archive $<TARGET_FILE:${target}> -Wl,--no-whole-archive ${M_LIBS} Threads::Threads)
    foreach(dep ${M_DEPS})
      target_link_libraries(${target}_link_test PRIVATE nokv_${dep})
    endforeach()
    set_target_properties(${target}_link_test PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/link_tests" LINK_DEPENDS $<TARGET_FILE:${target}>)
    add_dependencies(${target}_link_test ${target})
    add_dependencies(nokv_link_tests ${target}_link_test)
  endif()
endfunction()

# nokv_test(NAME x SOURCES ... DEPS modules... LIBS ... [LABEL unit|sim|slow|conformance])
# Labels are explained in docs/testing.md.
function(nokv_test)
  cmake_parse_arguments(T "" "NAME;LABEL" "SOURCES;DEPS;LIBS" ${ARGN})
  if(NOT NOKV_BUILD_TESTS)
    return()
  endif()
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  find_package(GTest REQUIRED)
  add_executable(${T_NAME} ${T_SOURCES})
  foreach(dep ${T_DEPS})
    target_link_libraries(${T_NAME} PRIVATE nokv_${dep})
  endforeach()
  target_link_libraries(${T_NAME} PRIVATE ${T_LIBS} GTest::gmock GTest::gtest_main Threads::Threads)
  target_include_directories(${T_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}")
  add_test(NAME ${T_NAME} COMMAND ${T_NAME} --gtest_brief=1)
  set_tests_properties(${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT 300)
  if(T_LABEL STREQUAL "unit")
    add_dependencies(nokv_unit_tests ${T_NAME})
  endif()
  foreach(source ${T_SOURCES})
    cmake_path(ABSOLUTE_PATH source NORMALIZE OUTPUT_VARIABLE absolute)
    set_property(GLOBAL APPEND PROPERTY NOKV_KNOWN_TESTS "${absolute}")
    # Only to those that ask: with a path in the command line a compiler cache cannot serve two
    # checkouts.
    file(STRINGS "${absolute}" uses REGEX "NOKV_(SOURCE|BINARY)_DIR" LIMIT_COUNT 1)
    if(uses)
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS
        NOKV_SOURCE_DIR="${CMAKE_SOURCE_DIR}" NOKV_BINARY_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    endif()
  endforeach()
endfunction()

# nokv_fuzz(NAME x_fuzz SOURCES ... DEPS modules... LIBS ...): a libFuzzer program, built with NOKV_FUZZ only.
function(nokv_fuzz)
  cmake_parse_arguments(F "" "NAME" "SOURCES;DEPS;LIBS" ${ARGN})
  if(NOT NOKV_FUZZ)
    return()
  endif()
  add_executable(${F_NAME} ${F_SOURCES})
  foreach(dep ${F_DEPS})
    target_link_libraries(${F_NAME} PRIVATE nokv_${dep})
  endforeach()
  target_include_directories(${F_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
  target_link_libraries(${F_NAME} PRIVATE ${F_LIBS})
  target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
  add_dependencies(nokv_fuzzers ${F_NAME})
endfunction()

# Fails the configuration when a *_test.cc belongs to no test binary: a test that never runs is worse than none.
function(nokv_finish)
  if(NOT NOKV_BUILD_TESTS)
    return()
  endif()
  get_property(known GLOBAL PROPERTY NOKV_KNOWN_TESTS)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*_test.cc" "${CMAKE_SOURCE_DIR}/sim/*_test.cc"
       "${CMAKE_SOURCE_DIR}/bench/*_test.cc" "${CMAKE_SOURCE_DIR}/tests/*_test.cc")
  foreach(file ${found})
    if(NOT file IN_LIST known)
      message(FATAL_ERROR "${file} is in no test target: add it to TESTS of its module's CMakeLists.txt")
    endif()
  endforeach()
endfunction()
