#pragma once
// Reads the words of a `telemetry` command and answers what is wrong with them. Used by the commands; implemented in
// command_options.cc.
//
// Model: the first word names the command, `--name value` and `--name=value` are the same, and everything that is wrong
// is noted, so that it is reported together. Threads: values.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/telemetry.h"

namespace aldis::telemetry {

struct CommandOptions {
  std::string command;                                          // "enable"; empty: none that is known
  std::map<std::string_view, std::string, std::less<>> values;  // by name, "--endpoint"; a flag is empty
  std::vector<std::string> problems;
  bool wants_help = false;

  bool has(std::string_view name) const { return values.contains(name); }
  std::optional<std::string> get(std::string_view name) const;
};

CommandOptions read_command_options(std::span<const std::string> words);

std::string command_help(std::string_view tool, std::string_view command);  // of one, or of all of them

TelemetryAnswer refuse(int exit_code, std::string code, std::string message, std::string suggestion = {});
// All of them in one answer. REQUIRES: there are some.
TelemetryAnswer refuse_options(std::string_view tool, std::string_view command,
                               const std::vector<std::string>& problems);

}  // namespace aldis::telemetry
