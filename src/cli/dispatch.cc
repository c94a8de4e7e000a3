#include "cli/dispatch.h"

#include <algorithm>

#include "cli/describe.h"
#include "cli/envelope.h"
#include "cli/invocation.h"
#include "cli/version.h"
#include "core/format.h"
#include "core/ids.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kRequestPrefix = "req_";

struct Session {
  const Environment& environment;
  const Clock& clock;
  SteadyTime started;
  OutputStyle style;
  std::string command;
};

int finish(const Session& session, const Reply& reply) {
  const EnvelopeFacts facts{.command = session.command,
                            .request_id = format_id(kRequestPrefix, make_id(session.clock.wall_now())),
                            .trace_id = session.environment.get("ALDIS_TRACE_ID").value_or(""),
                            .timestamp = session.clock.wall_now(),
                            .duration = session.clock.steady_now() - session.started};
  print_reply(reply, facts, session.style);
  return reply.exit_code();
}

// Text for people goes to stdout on a terminal; elsewhere to stderr, so that stdout stays one JSON document.
int finish_with_help(const Session& session, const std::string& text) {
  Reply reply;
  if (session.style.table()) {
    reply.view = text;
  } else {
    write_stderr(text);
    reply.meta = R"("help":true)";
  }
  return finish(session, reply);
}

int finish_with_schema(const Session& session, std::string schema) {
  Reply reply;
  reply.view = schema + "\n";
  reply.data = std::move(schema);
  return finish(session, reply);
}

bool asks_for(const std::vector<std::string>& rest, std::string_view flag, std::string_view letter = {}) {
  const auto end = std::find(rest.begin(), rest.end(), "--");
  for (auto argument = rest.begin(); argument != end; ++argument) {
    if (*argument == flag || (!letter.empty() && *argument == letter)) return true;
    if (takes_value(*argument) && argument + 1 != end) ++argument;  // a value is a value, whatever it looks like
  }
  return false;
}

int refuse_words(const Session& session, const CommandWords& words) {
  const bool in_group = find_group(words.words.front()) != nullptr;
  const std::string given = in_group && words.words.size() > 1 ? words.words[0] + " " + words.words[1] : words.words[0];
  std::vector<std::string_view> candidates;
  for (const CommandSpec* command : all_commands()) candidates.push_back(command->name);
  for (const GroupSpec& group : all_groups()) candidates.push_back(group.name);
  const bool incomplete = in_group && words.words.size() == 1;
  Reply reply = bad_arguments({incomplete ? fmt::format("{} needs a command: see aldis {} --help", given, given)
                                          : fmt::format("there is no command {}", given)});
  const std::string_view near = closest(given, candidates);
  if (!incomplete) {
    reply.failure->suggestion =
        near.empty() ? "aldis --help lists the commands" : fmt::format("did you mean aldis {}?", near);
  }
  return finish(session, reply);
}

// Everything that is answered without a command, settings or a store; nothing if there is a command to run.
std::optional<int> answer_early(const Session& session, const CommandWords& words, const CommandSpec* command) {
  const bool help = asks_for(words.rest, "--help", "-h");
  const bool schema = asks_for(words.rest, "--schema");
  if (words.words.empty()) {
    if (asks_for(words.rest, "--version", "-V")) {
      write_stdout(fmt::format("aldis {}\n", kVersionText));
      return 0;
    }
    if (schema && !help) return finish_with_schema(session, manifest_json());
    const bool bare = words.rest.empty() || words.rest.front().starts_with("--output");
    if (help || bare) return finish_with_help(session, help_text());
    return finish(session,
                  bad_arguments({fmt::format("no command given, only {}: see aldis --help", words.rest.front())}));
  }
  if (command != nullptr) {
    if (help) return finish_with_help(session, help_text(*command));
    if (!schema) return std::nullopt;
    return finish_with_schema(session, command_schema_json(*command));
  }
  const GroupSpec* group = words.words.size() == 1 ? find_group(words.words.front()) : nullptr;
  if (group != nullptr && help) return finish_with_help(session, help_text(*group));
  if (group != nullptr && schema) return finish_with_schema(session, group_schema_json(*group));
  return refuse_words(session, words);
}

std::string joined(const std::vector<std::string>& words) {
  return words.size() == 2 ? words[0] + " " + words[1] : words.empty() ? std::string() : words[0];
}

}  // namespace

int dispatch(std::span<const std::string> arguments, const Environment& environment, const Clock& clock) {
  const SteadyTime started = clock.steady_now();
  std::span<const std::string> program;
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  const CommandWords before = find_words(arguments.first(static_cast<std::size_t>(separator - arguments.begin())));
  const CommandSpec* command = find_command(joined(before.words));
  const bool splits = command != nullptr && command->runs_program;
  if (splits && separator != arguments.end()) program = {separator + 1, arguments.end()};
  const CommandWords words = splits ? before : find_words(arguments);

  std::string wanted = find_option_value(splits ? std::span<const std::string>(before.rest) : arguments, "--output");
  if (wanted.empty()) wanted = environment.get("ALDIS_OUTPUT").value_or("auto");
  const TerminalFacts terminal = examine_stdout();
  Session session{environment, clock, started, choose_style(wanted, environment, terminal), joined(words.words)};
  if (const std::optional<int> done = answer_early(session, words, command)) return *done;

  Arguments parsed(parse_command_line(*command, words.rest));
  const Result<Settings> settings = resolve_settings(*command, parsed, environment);
  if (!settings) return finish(session, fail_with(settings.error()));
  session.style = choose_style(settings->output.value, environment, terminal);
  const Invocation invocation{*command, parsed,        *settings, environment,
                              clock,    session.style, program,   separator != arguments.end()};
  Reply reply = command->execute(invocation);
  reply.warnings.insert(reply.warnings.begin(), settings->warnings.begin(), settings->warnings.end());
  return finish(session, reply);
}

}  // namespace aldis::cli
