# cmake -D SOURCE=… -D BUILD=… -P install.cmake: what receiver.mjs needs, in the build tree. The lock file says
# what is installed, byte for byte; an installation that was made from it is kept.
file(MAKE_DIRECTORY ${BUILD})
file(SHA256 ${SOURCE}/package-lock.json wanted)
set(stamp ${BUILD}/installed)
foreach(name package.json package-lock.json receiver.mjs)
  file(COPY_FILE ${SOURCE}/${name} ${BUILD}/${name} ONLY_IF_DIFFERENT)
endforeach()
if(EXISTS ${stamp})
  file(READ ${stamp} found)
  if(found STREQUAL wanted)
    return()
  endif()
endif()
execute_process(COMMAND npm ci --ignore-scripts --no-audit --no-fund WORKING_DIRECTORY ${BUILD}
                COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${stamp} ${wanted})
