# Language level, warnings, hardening, sanitizers and linker: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
# Sanitizers, fuzzers: fast enough to run the tests, quick to build, still with line numbers.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(NOKV_CCACHE ccache)
if(NOKV_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${NOKV_CCACHE}")
endif()

find_program(NOKV_MOLD mold)
if(NOKV_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla
                    -fstack-protector-strong -fno-omit-frame-pointer)
# SSE4.2 and PCLMUL are the floor of every x86-64 server of the last ten years.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
  add_compile_options(-march=x86-64-v2)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # std::stable_sort of libstdc++ 12 calls what it calls deprecated itself.
  add_compile_options(-Wthread-safety -Wno-unused-command-line-argument -Wno-deprecated-declarations)
endif()
if(NOKV_SANITIZE)
  add_compile_options(-fsanitize=${NOKV_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NOKV_SANITIZE})
  add_compile_definitions(NOKV_EXPENSIVE_CHECKS=1)
endif()
if(NOKV_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(NOKV_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
