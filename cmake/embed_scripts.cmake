# Lua scripts as C++ constants: what src/engines/redis/scripts holds becomes scripts.h and scripts.cc in the build tree.
#
# embed_scripts(TARGET scripts/beat.lua scripts/lib/time.lua …) gives the target `const Script kBeat`, with its text
# and the SHA-1 by which a server knows it, declared in "engines/redis/scripts.h". A file of scripts/lib is for others:
# a line "-- include: time.lua" stands for its text, once a script. Paths are relative to the current source directory.
# A script begins with a line "#!lua flags=…", which Redis knows from 7.0 on. For older servers it is left out; what it
# says, that the script may run on a full server and must not on a replica, they learn from a first write that needs no
# memory: after it they look no more whether there is some.
cmake_minimum_required(VERSION 3.25)

function(embed_scripts target)
  set(declarations "")
  foreach(path IN LISTS ARGN)
    if(NOT path MATCHES "/lib/")
      script_constant("${path}" constant)
      string(APPEND declarations "extern const Script ${constant};\n")
    endif()
  endforeach()
  set(include_directory ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  string(CONCAT header "#pragma once\n#include \"engines/redis/script.h\"\n"
                       "namespace aldis {\n${declarations}}  // namespace aldis\n")
  file(CONFIGURE OUTPUT ${include_directory}/engines/redis/scripts.h CONTENT "@header@" @ONLY)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  add_custom_command(
    OUTPUT ${include_directory}/scripts.cc
    COMMAND ${CMAKE_COMMAND} "-DSCRIPTS=${files}" -DOUTPUT=${include_directory}/scripts.cc -P
            ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding the Lua scripts"
    VERBATIM)
  target_sources(${target} PRIVATE ${include_directory}/scripts.cc)
  target_include_directories(${target} PUBLIC ${include_directory})
endfunction()

# scripts/take_signal.lua: kTakeSignal
function(script_constant path result)
  get_filename_component(name "${path}" NAME_WE)
  string(REPLACE "_" ";" words "${name}")
  set(constant "k")
  foreach(word IN LISTS words)
    string(SUBSTRING "${word}" 0 1 first)
    string(SUBSTRING "${word}" 1 -1 rest)
    string(TOUPPER "${first}" first)
    string(APPEND constant "${first}${rest}")
  endforeach()
  set(${result} "${constant}" PARENT_SCOPE)
endfunction()

# The text of the script with what it includes. No list holds it: brackets and semicolons of Lua would not survive.
function(read_script path result)
  get_filename_component(directory "${path}" DIRECTORY)
  file(READ "${path}" text)
  set(text "\n${text}")
  set(seen "")
  while(text MATCHES "\n-- include: ([a-z0-9_]+\\.lua)\n")
    set(line "${CMAKE_MATCH_0}")
    set(name "${CMAKE_MATCH_1}")
    set(included "")
    if(NOT name IN_LIST seen)
      list(APPEND seen "${name}")
      file(READ "${directory}/lib/${name}" included)
    endif()
    string(FIND "${text}" "${line}" begin)
    string(LENGTH "${line}" length)
    math(EXPR end "${begin} + ${length}")
    string(SUBSTRING "${text}" 0 ${begin} before)
    string(SUBSTRING "${text}" ${end} -1 after)
    set(text "${before}\n${included}${after}")
  endwhile()
  string(SUBSTRING "${text}" 1 -1 text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(cpp "#include \"engines/redis/scripts.h\"\nnamespace aldis {\n")
  foreach(path IN LISTS SCRIPTS)
    if(NOT path MATCHES "/lib/")
      script_constant("${path}" constant)
      get_filename_component(name "${path}" NAME_WE)
      read_script("${path}" text)
      if(text MATCHES "-- include:[^\n]*")
        message(FATAL_ERROR "${path}: \"${CMAKE_MATCH_0}\" names no file of lib")
      endif()
      if(NOT text MATCHES "^(#!lua[^\n]*\n)")
        message(FATAL_ERROR "${path} must begin with #!lua and its flags")
      endif()
      set(first_line "${CMAKE_MATCH_1}")
      string(LENGTH "${first_line}" begin)
      string(SUBSTRING "${text}" ${begin} -1 plain)
      if(first_line MATCHES "allow-oom")
        string(PREPEND plain "redis.call('DEL', KEYS[1] .. ':-')\n")
      endif()
      string(SHA1 sha1 "${text}")
      string(SHA1 plain_sha1 "${plain}")
      string(APPEND cpp "const Script ${constant} = {\"${name}\",\n"
                        "    {R\"_____script_____(${text})_____script_____\", \"${sha1}\"},\n"
                        "    {R\"_____script_____(${plain})_____script_____\", \"${plain_sha1}\"}};\n")
    endif()
  endforeach()
  string(APPEND cpp "}  // namespace aldis\n")
  file(WRITE ${OUTPUT} "${cpp}")
endif()
