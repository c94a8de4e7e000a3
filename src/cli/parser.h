#pragma once
// Tells options from arguments. Used by command_line.cc; implemented in parser.cc, the one file that uses CLI11.
//
// Model: values are what was typed, byte for byte: the library's own rewriting ('[a,b]' as a list of two) is off for
// every option. Nothing is judged here, and the library's exceptions and exit codes stay inside.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace aldis::cli {

struct ParsedTokens {
  std::map<std::string_view, std::vector<std::string>> options;  // by OptionSpec::name; a flag has one value, "true"
  std::vector<std::string> arguments;
  std::vector<std::string> unknown;  // options that the command does not have
  bool last_needs_value = false;     // the last token is an option without its value: nothing was parsed
  std::string failure;               // anything else that the library has to say; empty: nothing
};

ParsedTokens parse_tokens(const CommandSpec& command, const std::vector<std::string>& tokens);

}  // namespace aldis::cli
