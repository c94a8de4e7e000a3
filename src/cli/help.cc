#include <algorithm>

#include "cli/command_line.h"
#include "cli/describe.h"
#include "cli/version.h"
#include "core/environment.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::string option_label(const OptionSpec& option) {
  return option.value.empty() ? std::string(option.name) : fmt::format("{} {}", option.name, option.value);
}

std::string option_lines(const CommandSpec& command) {
  std::size_t width = 0;
  for_each_option(command, [&](const OptionSpec& option) { width = std::max(width, option_label(option).size()); });
  std::string text;
  for_each_option(command, [&](const OptionSpec& option) {
    std::string help(option.help);
    if (option.required) help += " (required)";
    if (option.repeatable) help += " (may be repeated)";
    if (!option.fallback.empty()) help += fmt::format(" [default: {}]", option.fallback);
    text += fmt::format("  {:<{}}  {}\n", option_label(option), width, help);
  });
  return text;
}

std::string argument_lines(const CommandSpec& command) {
  std::string text;
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string bound = argument.count_max > 1 ? fmt::format(" (at most {})", argument.count_max) : "";
    text += fmt::format("  {:<8}  {}{}\n", argument.name, argument.help, bound);
  }
  return text;
}

std::string exit_lines(const CommandSpec& command) {
  std::string text;
  const auto add = [&](ExitCode code) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(code), describe(code).description);
  };
  for (const ExitCode code : common_exits()) add(code);
  for (const ExitCode code : command.exits) add(code);
  return text;
}

}  // namespace

std::string help_text() {
  std::string text = fmt::format(
      "aldis {}: telemetry and coordination for fleets of AI agents\n\nUsage: aldis COMMAND [OPTION...]\n\nCommands:\n",
      kVersionText);
  for (const CommandSpec* command : all_commands())
    text += fmt::format("  {:<20}  {}\n", command->name, command->summary);
  text += "\nEnvironment:\n";
  for (const EnvironmentVariable& variable : environment_table()) {
    text += fmt::format("  {:<20}  {}\n", variable.name, variable.meaning);
  }
  return text +
         "\naldis COMMAND --help says more; aldis manifest says all of it as JSON.\n"
         "On a terminal answers are tables, elsewhere JSON (--output table|json|jsonl).\n";
}

std::string help_text(const GroupSpec& group) {
  std::string text = fmt::format("aldis {}: {}\n\nUsage: aldis {} COMMAND [OPTION...]\n\nCommands:\n", group.name,
                                 group.summary, group.name);
  const std::string prefix = std::string(group.name) + " ";
  for (const CommandSpec* command : all_commands()) {
    if (command->name.starts_with(prefix)) text += fmt::format("  {:<20}  {}\n", command->name, command->summary);
  }
  return text;
}

std::string help_text(const CommandSpec& command) {
  std::string text = fmt::format("{}\n\nUsage: {}\n", command.summary, usage_line(command));
  if (!command.notes.empty()) text += fmt::format("\n{}\n", command.notes);
  if (!command.arguments.empty()) text += "\nArguments:\n" + argument_lines(command);
  text += "\nOptions:\n" + option_lines(command);
  if (!command.examples.empty()) {
    text += "\nExamples:\n";
    for (const ExampleSpec& example : command.examples) {
      text += fmt::format("  # {}\n  {}\n", example.description, example.command);
    }
  }
  return text + "\nExit codes:\n" + exit_lines(command);
}

}  // namespace aldis::cli
