#pragma once
// The settings in force and where each comes from: flag, else environment, else config file, else default. Used by
// every command through Invocation and shown by `aldis config show`; implemented in settings.cc.
//
// Errors: invalid_argument for a value that can never be right, failed_precondition for a config file that cannot be
// read.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "cli/arguments.h"
#include "core/environment.h"

namespace aldis::cli {

struct Setting {
  std::string value;
  std::string source = "default";  // flag, environment, file or default
  std::string origin;              // "--store", "ALDIS_STORE" or the path of the file
};

struct Settings {
  Setting store;
  Setting namespace_name;
  Setting runtime_directory;  // empty: chosen by the library
  Setting state_directory;    // likewise
  Setting stream_events;      // "true" or "false"
  Setting agent;              // empty: none
  Setting output;
  Setting connect_timeout_text;
  Setting config_file;  // absolute path; empty if there is no home to look in
  bool config_file_exists = false;

  std::string configuration_directory;      // of the file that --config or ALDIS_CONFIG names; empty: none is named
  std::string own_configuration_directory;  // of this user, whatever is named; empty: there is no home to look in
  std::chrono::nanoseconds connect_timeout{};
  std::optional<std::chrono::nanoseconds> timeout;  // --timeout: of the whole command
  std::vector<std::string> warnings;
};

// Values that can never be right become problems of `arguments`.
Result<Settings> resolve_settings(const CommandSpec& command, Arguments& arguments, const Environment& environment);

}  // namespace aldis::cli
