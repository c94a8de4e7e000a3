# Installs the build into a fresh prefix, builds the outside project against it and runs it:
#   cmake -D BUILD=<build directory> -D COMPILER=<C++ compiler> -P run.cmake
set(work ${BUILD}/consumer)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR} -B ${work}/build -D CMAKE_PREFIX_PATH=${work}/prefix
    -D CMAKE_CXX_COMPILER=${COMPILER} "-D CMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Werror")
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/prefix/bin/aldis --version)

# The board is in memory: the build directory may be on a file system that boards refuse.
string(RANDOM LENGTH 12 suffix)
set(board /dev/shm/aldis-consumer-${suffix})
execute_process(COMMAND ${work}/build/consumer ${board} RESULT_VARIABLE result)
file(REMOVE_RECURSE ${board})
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the outside program answered ${result}")
endif()

# A tool finds the courier that was installed beside the library.
set(home ${work}/home)
file(MAKE_DIRECTORY ${home})
run(env -i HOME=${home} ${work}/build/consumer_telemetry)
