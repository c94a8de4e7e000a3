#pragma once
// What a command is: its words, options, exit codes and the function that does it. One constant per command, in
// commands/*.cc; `--help`, `--schema` and the manifest are all written from it, so they cannot disagree.

#include <cstddef>
#include <span>
#include <string_view>

#include "cli/exit_codes.h"

namespace aldis::cli {

struct Invocation;
struct Reply;

enum class ValueType { flag, text, number, integer, choice };

struct OptionSpec {
  std::string_view name;   // "--ttl"
  std::string_view value;  // "S", as help shows it; empty for a flag
  ValueType type = ValueType::text;
  std::string_view help;
  std::string_view fallback = {};  // the default, as JSON; empty: none
  bool required = false;
  bool repeatable = false;
  std::span<const std::string_view> choices = {};
};

struct ArgumentSpec {
  std::string_view name;  // "TYPE"
  std::string_view help;
  std::size_t count_min = 1;
  std::size_t count_max = 1;
};

struct ExampleSpec {
  std::string_view description;
  std::string_view command;
};

enum class Danger { safe, mutating, destructive };

struct CommandSpec {
  std::string_view name;     // "signals send"
  std::string_view summary;  // one sentence
  std::span<const ArgumentSpec> arguments = {};
  std::span<const OptionSpec> options = {};  // besides the common ones
  Danger danger = Danger::safe;
  bool acts_as_agent = false;  // takes --agent
  bool lists = false;          // takes --limit and --cursor
  bool runs_program = false;   // takes `-- CMD [ARG...]`
  bool streams = false;        // prints lines as it goes: what else it has to say goes to stderr
  bool waits = false;  // --timeout says how long it waits for something: 0 is a value, and no limit for the store
  std::span<const ExitCode> exits = {};   // besides the common ones
  std::string_view output_schema = "{}";  // JSON Schema of `data`; of a stream: of each line
  std::span<const ExampleSpec> examples = {};
  std::string_view notes = {};  // more for --help
  Reply (*execute)(const Invocation&) = nullptr;
};

// Options that every command takes, those of commands that act as an agent, and those of lists.
std::span<const OptionSpec> common_options();
std::span<const OptionSpec> agent_options();
std::span<const OptionSpec> list_options();

// Exit codes that every command may end with.
std::span<const ExitCode> common_exits();

// Calls `visit` with each option that `command` takes, its own first.
template <class Visit>
void for_each_option(const CommandSpec& command, Visit visit) {
  for (const OptionSpec& option : command.options) visit(option);
  if (command.acts_as_agent) {
    for (const OptionSpec& option : agent_options()) visit(option);
  }
  if (command.lists) {
    for (const OptionSpec& option : list_options()) visit(option);
  }
  for (const OptionSpec& option : common_options()) visit(option);
}

struct GroupSpec {
  std::string_view name;
  std::string_view summary;
};

std::span<const GroupSpec> all_groups();
std::span<const CommandSpec* const> all_commands();  // in the order of help

const GroupSpec* find_group(std::string_view name);
const CommandSpec* find_command(std::string_view name);

}  // namespace aldis::cli
