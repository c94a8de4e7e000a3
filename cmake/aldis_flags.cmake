# One interface target that every target of ours links: language level, warnings, include root, sanitizer.
add_library(aldis_flags INTERFACE)
target_compile_features(aldis_flags INTERFACE cxx_std_23)
target_include_directories(aldis_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_options(
  aldis_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror -fvisibility=hidden
            $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wthread-safety-beta>)
set(CMAKE_CXX_EXTENSIONS OFF)

set(ALDIS_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
if(ALDIS_SANITIZE)
  # What a sanitizer adds to the code makes g++ see uninitialized values where there are none; the other builds look.
  target_compile_options(aldis_flags INTERFACE -fsanitize=${ALDIS_SANITIZE} -fno-sanitize-recover=all
                                               -fno-omit-frame-pointer
                                               $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(aldis_flags INTERFACE -fsanitize=${ALDIS_SANITIZE})
endif()

# add_aldis_test(NAME SOURCES... [LIBS ...] [SERVED ...]): a GoogleTest program whose tests CTest knows one by one.
# Those whose parameter is one of SERVED share a server that is started once a program, so they are one test in CTest.
include(GoogleTest)
function(add_aldis_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;ENVIRONMENT;SERVED" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aldis_flags aldis_static ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  list(TRANSFORM ARG_SERVED PREPEND "*/" OUTPUT_VARIABLE served)
  string(JOIN ":" served ${served})
  gtest_discover_tests(${name} TEST_PREFIX "${name}." TEST_FILTER "*-${served}" DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${ARG_ENVIRONMENT}")
  foreach(kind IN LISTS ARG_SERVED)
    add_test(NAME ${name}.${kind} COMMAND ${name} --gtest_filter=*/${kind})
    set_tests_properties(${name}.${kind} PROPERTIES TIMEOUT 600 ENVIRONMENT "${ARG_ENVIRONMENT}"
                                                    FAIL_REGULAR_EXPRESSION "Running 0 tests")
  endforeach()
endfunction()
