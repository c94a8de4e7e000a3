#pragma once
// Reads the config file (TOML; its keys are in docs/formats.md). Used by settings.cc; implemented in config_file.cc,
// the one file that uses toml++.
//
// Errors: failed_precondition naming the file and the line. A key that nobody knows is a warning, so that an older
// build reads a newer file.

#include <map>
#include <string>
#include <vector>

#include "aldis/result.h"

namespace aldis::cli {

struct ConfigFile {
  std::map<std::string, std::string, std::less<>> values;  // numbers as they would be typed
  std::vector<std::string> warnings;
};

Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace aldis::cli
