#pragma once
// Splits a command line into words, options and arguments. Used by dispatch.cc; implemented in command_line.cc, with
// parser.h for the options of one command.
//
// Model: first `find_words` picks the command's words from anywhere among the options; then only that command's options
// are looked for, and every bad thing becomes a line in `problems`, so that they are reported together. Values are what
// was typed, byte for byte. Options may stand anywhere; after `--` everything is an argument. For `run`, what follows
// the first
// `--` never comes here.
// Threads: one thread.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace aldis::cli {

struct CommandWords {
  std::vector<std::string> words;  // at most two: a group and a command of it
  std::vector<std::string> rest;   // all other arguments in their order
};

// Whether some command has an option of this name that is followed by a value.
bool takes_value(std::string_view name);

CommandWords find_words(std::span<const std::string> arguments);

// The value of an option that decides how errors are printed; read before anything else is. Empty: not given.
std::string find_option_value(std::span<const std::string> arguments, std::string_view name);

struct ParsedCommandLine {
  std::map<std::string_view, std::vector<std::string>> options;  // by OptionSpec::name
  std::vector<std::string> arguments;
  std::vector<std::string> problems;
};

ParsedCommandLine parse_command_line(const CommandSpec& command, const std::vector<std::string>& rest);

// "aldis signals send TYPE --to AGENT [OPTION...]"
std::string usage_line(const CommandSpec& command);

// The word of `candidates` that differs from `word` in at most two letters; empty if none does.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace aldis::cli
