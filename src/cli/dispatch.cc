#include "cli/dispatch.h"

#include <algorithm>

#include "cli/describe.h"
#include "cli/envelope.h"
#include "cli/invocation.h"
#include "cli/usage_events.h"
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
  TerminalFacts terminal;
  OutputStyle style;
  std::string command;
  UsageTelemetry& telemetry;
};

std::chrono::nanoseconds time_spent(const Session& session) { return session.clock.steady_now() - session.started; }

int finish(const Session& session, const Reply& reply) {
  if (reply.passed_exit_code) return reply.exit_code();  // stdout and stderr belong to the program that was run
  const std::optional<std::string> update = session.telemetry.update_available();
  const EnvelopeFacts facts{.command = session.command,
                            .request_id = format_id(kRequestPrefix, make_id(session.clock.wall_now())),
                            .trace_id = session.environment.get("ALDIS_TRACE_ID").value_or(""),
                            .update_available = update.value_or(""),
                            .timestamp = session.clock.wall_now(),
                            .duration = time_spent(session)};
  print_reply(reply, facts, session.style);
  if (update && session.terminal.is_terminal && stderr_is_terminal()) {
    write_stderr(fmt::format("aldis {} is available; this is {}\n", *update, kVersionText));
  }
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

// What decides whether this run is reported: the command's words first, wherever they were typed, then all else but the
// command line of a program to run.
TelemetryOptions telemetry_options(const CommandWords& words, const EnvironmentSnapshot& variables) {
  std::vector<std::string> arguments = words.words;
  arguments.insert(arguments.end(), words.rest.begin(), words.rest.end());
  return {.tool = "aldis",
          .version = std::string(kVersionText),
          .arguments = std::move(arguments),
          .environment = variables};
}

struct Request {
  const CommandSpec& command;
  const CommandWords& words;
  const EnvironmentSnapshot& variables;
  std::span<const std::string> program;
  bool has_separator;
};

Reply run_command(Session& session, const Request& request) {
  Arguments parsed(parse_command_line(request.command, request.words.rest));
  const Result<Settings> settings = resolve_settings(request.command, parsed, session.environment);
  if (!settings) return fail_with(settings.error());
  session.style = choose_style(settings->output.value, request.variables, session.terminal);
  const Invocation invocation{request.command,       parsed,         *settings,         session.environment,
                              session.clock,         session.style,  session.telemetry, request.program,
                              request.has_separator, session.started};
  Reply reply = request.command.execute(invocation);
  reply.warnings.insert(reply.warnings.begin(), settings->warnings.begin(), settings->warnings.end());
  return reply;
}

Reply execute(Session& session, const Request& request) {
  Reply reply = run_command(session, request);
  reply.streamed = request.command.streams;
  return reply;
}

}  // namespace

int dispatch(std::span<const std::string> arguments, const EnvironmentSnapshot& variables, const Clock& clock) {
  const SteadyTime started = clock.steady_now();
  const Environment environment(variables);
  std::span<const std::string> program;
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  const CommandWords before = find_words(arguments.first(static_cast<std::size_t>(separator - arguments.begin())));
  const CommandSpec* command = find_command(joined(before.words));
  const bool splits = command != nullptr && command->runs_program;
  if (splits && separator != arguments.end()) program = {separator + 1, arguments.end()};
  const CommandWords words = splits ? before : find_words(arguments);

  const TerminalFacts terminal = examine_stdout();
  UsageTelemetry telemetry(telemetry_options(words, variables));
  // The program that `run` runs is the user's own: it keeps its environment.
  if (!splits) ToolEnvironment(variables, terminal.is_terminal).apply();

  std::string wanted = find_option_value(splits ? std::span<const std::string>(before.rest) : arguments, "--output");
  if (wanted.empty()) wanted = environment.get("ALDIS_OUTPUT").value_or("auto");
  const OutputStyle style = choose_style(wanted, variables, terminal);
  Session session{environment, clock, started, terminal, style, joined(words.words), telemetry};
  if (const std::optional<int> done = answer_early(session, words, command)) return *done;

  const Reply reply = execute(session, {*command, words, variables, program, separator != arguments.end()});
  report_use(telemetry, *command, reply, session.style.format, time_spent(session));
  return telemetry.finish(finish(session, reply));
}

}  // namespace aldis::cli
