#pragma once
// A Lua script of scripts/, embedded at build time: what it is called, its text, and the name that the server knows it
// by. The scripts themselves are declared in scripts.h, which the build makes from the files
// (cmake/embed_scripts.cmake).
//
// Threads: a value type with static storage behind it.

#include <string_view>

namespace aldis {

struct ScriptText {
  std::string_view text;
  std::string_view sha1;  // of the text, 40 lower-case hexadecimal digits: what EVALSHA takes
};

struct Script {
  std::string_view name;
  ScriptText flagged;  // with its line of flags, for Redis 7.0 and newer
  ScriptText plain;    // without, for older ones
};

}  // namespace aldis
