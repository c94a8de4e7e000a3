#include "telemetry/command_options.h"

#include "core/format.h"

namespace aldis::telemetry {
namespace {

struct Option {
  std::string_view name;
  std::string_view value;  // as help shows it; empty: a flag
  std::string_view help;
};

constexpr Option kEnableOptions[] = {
    {"--endpoint", "URL", "where to send it, https://…; what was named before stays until another is"},
    {"--format", "FORMAT", "otlp (the default) or jsonl"},
    {"--lifetime-ms", "N", "how long a sender may live: 100 to 10000 (500)"},
    {"--update-url", "URL", "where to ask for newer versions, once a week; - to stop asking"},
    {"--allow-http", "", "take http:// to other hosts than this one, too"},
};

struct Command {
  std::string_view name;
  std::string_view summary;
  std::span<const Option> options = {};
};

constexpr Command kCommands[] = {
    {"status", "whether it is on, what waits to be sent, and how the last attempt ended"},
    {"explain", "every rule that could switch it off, in order, and which one decided"},
    {"enable", "switch it on; sends nothing by itself", kEnableOptions},
    {"disable", "switch it off and delete what was not sent"},
    {"preview", "show the requests that would be sent now, byte for byte"},
    {"flush", "send what waits, now"},
    {"reset", "delete everything that telemetry has written, the consent too"},
};

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

const Option* find_option(const Command& command, std::string_view name) {
  for (const Option& option : command.options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::string names_of_commands() {
  std::string names;
  for (const Command& command : kCommands) names += fmt::format("{}{}", names.empty() ? "" : ", ", command.name);
  return names;
}

class Reader {
 public:
  Reader(const Command& command, std::span<const std::string> words) : command_(command), words_(words) {
    found_.command = command.name;
  }

  CommandOptions read() {
    while (next_ < words_.size()) take(words_[next_++]);
    return std::move(found_);
  }

 private:
  void take(std::string_view word) {
    if (word == "--help" || word == "-h") {
      found_.wants_help = true;
      return;
    }
    if (!word.starts_with('-')) return problem(fmt::format("unexpected argument {}", word));
    const std::size_t equals = word.find('=');
    const Option* option = find_option(command_, word.substr(0, equals));
    if (option == nullptr) return problem(fmt::format("unknown option {}", word.substr(0, equals)));
    const std::optional<std::string> value = value_of(*option, word, equals);
    if (!value) return problem(fmt::format("{} needs a value", option->name));
    const bool is_new = found_.values.insert_or_assign(option->name, *value).second;
    if (!is_new) problem(fmt::format("{} is given twice", option->name));
  }

  std::optional<std::string> value_of(const Option& option, std::string_view word, std::size_t equals) {
    if (option.value.empty()) {
      if (equals != std::string_view::npos) problem(fmt::format("{} takes no value", option.name));
      return "";
    }
    if (equals != std::string_view::npos) return std::string(word.substr(equals + 1));
    if (next_ < words_.size()) return words_[next_++];
    return std::nullopt;
  }

  void problem(std::string text) { found_.problems.push_back(std::move(text)); }

  const Command& command_;
  std::span<const std::string> words_;
  std::size_t next_ = 0;
  CommandOptions found_;
};

std::string label_of(const Option& option) {
  return option.value.empty() ? std::string(option.name) : fmt::format("{} {}", option.name, option.value);
}

}  // namespace

std::optional<std::string> CommandOptions::get(std::string_view name) const {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

CommandOptions read_command_options(std::span<const std::string> words) {
  CommandOptions none;
  if (words.empty()) {
    none.problems.push_back(fmt::format("telemetry needs a command: {}", names_of_commands()));
    return none;
  }
  const std::string& name = words.front();
  if (const Command* command = find_command(name)) return Reader(*command, words.subspan(1)).read();
  none.wants_help = name == "--help" || name == "-h";
  if (!none.wants_help) {
    none.problems.push_back(fmt::format("there is no telemetry command {}: {}", name, names_of_commands()));
  }
  return none;
}

std::string command_help(std::string_view tool, std::string_view command) {
  const Command* found = find_command(command);
  if (found == nullptr) {
    std::string text = fmt::format("Usage: {} telemetry COMMAND [OPTION...]\n\nCommands:\n", tool);
    for (const Command& each : kCommands) text += fmt::format("  {:<8} {}\n", each.name, each.summary);
    return text;
  }
  std::string text = fmt::format("Usage: {} telemetry {}{}\n\n{}\n", tool, command,
                                 found->options.empty() ? "" : " [OPTION...]", found->summary);
  if (!found->options.empty()) text += "\nOptions:\n";
  for (const Option& option : found->options) text += fmt::format("  {:<17} {}\n", label_of(option), option.help);
  return text;
}

TelemetryAnswer refuse(int exit_code, std::string code, std::string message, std::string suggestion) {
  TelemetryAnswer answer;
  answer.exit_code = exit_code;
  answer.error = {.code = std::move(code), .message = std::move(message), .suggestion = std::move(suggestion)};
  return answer;
}

TelemetryAnswer refuse_options(std::string_view tool, std::string_view command,
                               const std::vector<std::string>& problems) {
  std::string message;
  for (const std::string& problem : problems) message += (message.empty() ? "" : "; ") + problem;
  return refuse(2, "INVALID_ARGUMENT", std::move(message),
                fmt::format("see {} telemetry {}{}--help", tool, command, command.empty() ? "" : " "));
}

}  // namespace aldis::telemetry
