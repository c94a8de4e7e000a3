#include "cli/command_line.h"

#include <algorithm>
#include <utility>

#include "cli/parser.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

bool is_option(std::string_view argument) { return argument.size() > 1 && argument[0] == '-'; }

const OptionSpec* find_option(const CommandSpec& command, std::string_view name) {
  const OptionSpec* found = nullptr;
  for_each_option(command, [&](const OptionSpec& option) {
    if (option.name == name) found = &option;
  });
  return found;
}

// Before the library sees them: `--name=value` becomes two arguments, since the library would take an empty value for a
// missing one, and a flag with a value is a problem.
std::vector<std::string> normalise(const CommandSpec& command, const std::vector<std::string>& rest,
                                   std::vector<std::string>& problems) {
  std::vector<std::string> normal;
  bool only_arguments = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::string& argument = rest[i];
    only_arguments = only_arguments || argument == "--";
    if (only_arguments || !argument.starts_with("--")) {
      normal.push_back(argument == "-h" && !only_arguments ? "--help" : argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const OptionSpec* option = find_option(command, argument.substr(0, equals));
    if (option != nullptr && option->type == ValueType::flag && equals != std::string::npos) {
      problems.push_back(fmt::format("{} takes no value", option->name));
    } else if (option != nullptr && equals != std::string::npos) {
      normal.push_back(argument.substr(0, equals));
      normal.push_back(argument.substr(equals + 1));
    } else {
      normal.push_back(argument);
      if (option != nullptr && option->type != ValueType::flag && i + 1 < rest.size()) normal.push_back(rest[++i]);
    }
  }
  return normal;
}

// Parses, and when the last token is an option without its value, says so and parses the others.
void parse_all(const CommandSpec& command, std::vector<std::string> tokens, ParsedCommandLine& parsed) {
  ParsedTokens read = parse_tokens(command, tokens);
  while (read.last_needs_value) {
    parsed.problems.push_back(fmt::format("{} needs a value", tokens.back()));
    parsed.options[find_option(command, tokens.back())->name] = {};
    tokens.pop_back();
    read = parse_tokens(command, tokens);
  }
  if (!read.failure.empty()) parsed.problems.push_back(std::move(read.failure));
  for (const std::string& name : read.unknown) parsed.problems.push_back(fmt::format("unknown option {}", name));
  for (auto& [name, values] : read.options) parsed.options[name] = std::move(values);
  parsed.arguments = std::move(read.arguments);
}

void check_counts(const CommandSpec& command, ParsedCommandLine& parsed) {
  for_each_option(command, [&](const OptionSpec& option) {
    const auto given = parsed.options.find(option.name);
    if (given == parsed.options.end()) {
      if (option.required) parsed.problems.push_back(fmt::format("{} is missing", option.name));
    } else if (given->second.size() > 1 && !option.repeatable && option.type != ValueType::flag) {
      parsed.problems.push_back(fmt::format("{} is given {} times", option.name, given->second.size()));
    }
  });
  std::size_t least = 0;
  std::size_t most = 0;
  for (const ArgumentSpec& argument : command.arguments) {
    if (parsed.arguments.size() < least + argument.count_min) {
      parsed.problems.push_back(fmt::format("{} is missing", argument.name));
    }
    least += argument.count_min;
    most += argument.count_max;
  }
  const std::size_t repeats = command.arguments.empty() ? 0 : command.arguments.back().count_max;
  if (parsed.arguments.size() > most && repeats > 1) {
    parsed.problems.push_back(fmt::format("{} is given {} times, and at most {} times at once",
                                          command.arguments.back().name, parsed.arguments.size() - (most - repeats),
                                          repeats));
    return;
  }
  for (std::size_t i = most; i < parsed.arguments.size(); ++i) {
    parsed.problems.push_back(fmt::format("unexpected argument {}", parsed.arguments[i]));
  }
}

}  // namespace

bool takes_value(std::string_view name) {
  bool found = false;
  for (const CommandSpec* command : all_commands()) {
    for_each_option(*command, [&](const OptionSpec& option) {
      found = found || (option.name == name && option.type != ValueType::flag);
    });
    if (found) return true;
  }
  return false;
}

CommandWords find_words(std::span<const std::string> arguments) {
  CommandWords found;
  bool open = true;  // whether the next plain argument is a word of the command
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") open = false;
    if (open && !is_option(argument)) {
      found.words.push_back(argument);
      open = found.words.size() == 1 && find_group(argument) != nullptr;
      continue;
    }
    found.rest.push_back(argument);
    if (open && i + 1 < arguments.size() && takes_value(argument)) found.rest.push_back(arguments[++i]);
  }
  return found;
}

std::string find_option_value(std::span<const std::string> arguments, std::string_view name) {
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == name) return i + 1 < arguments.size() ? arguments[i + 1] : std::string();
    if (argument.starts_with(name) && argument.substr(name.size()).starts_with('=')) {
      return std::string(argument.substr(name.size() + 1));
    }
  }
  return {};
}

ParsedCommandLine parse_command_line(const CommandSpec& command, const std::vector<std::string>& rest) {
  ParsedCommandLine parsed;
  parse_all(command, normalise(command, rest, parsed.problems), parsed);
  check_counts(command, parsed);
  return parsed;
}

std::string usage_line(const CommandSpec& command) {
  std::string line = fmt::format("aldis {}", command.name);
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string name = fmt::format("{}{}", argument.name, argument.count_max > 1 ? "..." : "");
    line += argument.count_min > 0 ? fmt::format(" {}", name) : fmt::format(" [{}]", name);
  }
  for_each_option(command, [&](const OptionSpec& option) {
    if (option.required) line += fmt::format(" {} {}", option.name, option.value);
  });
  line += " [OPTION...]";
  if (command.runs_program) line += " -- CMD [ARG...]";
  return line;
}

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kFarthest = 2;
  std::string_view best;
  std::size_t best_distance = kFarthest + 1;
  for (const std::string_view candidate : candidates) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t replaced = diagonal + (word[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace aldis::cli
