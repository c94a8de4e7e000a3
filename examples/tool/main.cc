// A small tool with telemetry that nobody who runs it feels. It does next to nothing, so what is left is how it is
// done: copy it. README.md says what each part is for.

#include <aldis/json.h>
#include <aldis/telemetry.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using aldis::json_quote;

// All that can ever be told: there is no type for text.
enum class Command { list, fail, slow };
consteval auto telemetry_names(Command) { return aldis::telemetry_values("list", "fail", "slow"); }
enum class Code { out_of_luck, unknown_command };
consteval auto telemetry_names(Code) { return aldis::telemetry_values("out_of_luck", "unknown_command"); }
enum class Phase { arguments, work };
consteval auto telemetry_names(Phase) { return aldis::telemetry_values("arguments", "work"); }

struct Run {
  Command command;
  static constexpr auto telemetry = aldis::telemetry_event("run", aldis::telemetry_field("command", &Run::command));
};
struct Listed {
  aldis::Bounded<0, 10'000> rows;
  static constexpr auto telemetry = aldis::telemetry_event("listed", aldis::telemetry_field("rows", &Listed::rows));
};
using Telemetry = aldis::TelemetryClient<Run, Listed, aldis::TelemetryErrors<Code, Phase>>;
using Answer = aldis::TelemetryAnswer;  // fits every command of a tool, so one function prints them all

constexpr const char* kVersion = "1.2.3";
constexpr const char* kHelp = "Usage: tool list | fail | slow | telemetry COMMAND | --version [--no-update-check]\n";

Answer run(const std::vector<std::string>& words, Telemetry& telemetry) {
  if (!words.empty() && words[0] == "telemetry") return telemetry.telemetry_command(std::span(words).subspan(1));
  const std::string command = words.empty() ? "--help" : words.size() == 1 ? words[0] : "";
  if (command == "--help") return {.data = json_quote(kHelp), .text = kHelp};
  if (command == "list") {
    telemetry.event(Run{Command::list});
    telemetry.event(Listed{2});
    return {.data = R"([{"name":"anvil","count":1},{"name":"hammer","count":3}])", .text = "1 anvil\n3 hammers\n"};
  }
  if (command == "fail") {
    telemetry.event(Run{Command::fail});
    telemetry.error(Code::out_of_luck, Phase::work);
    return {.exit_code = 7, .error = Answer::Failure{"OUT_OF_LUCK", "failed, as it was asked to"}};
  }
  if (command == "slow") {
    telemetry.event(Run{Command::slow});
    poll(nullptr, 0, 1000);
    return {.text = "that took a second\n"};
  }
  telemetry.error(Code::unknown_command, Phase::arguments);
  return {.exit_code = 2, .error = Answer::Failure{"INVALID_ARGUMENT", "there is no such command", kHelp}};
}

void print_text(const Answer& answer, bool colour) {
  std::fputs(answer.text.c_str(), stdout);
  for (const auto& text : answer.warnings) std::fprintf(stderr, "warning: %s\n", text.c_str());
  if (!answer.error) return;
  std::fprintf(stderr, colour ? "\x1b[31merror:\x1b[0m %s\n" : "error: %s\n", answer.error->message.c_str());
  if (!answer.error->suggestion.empty()) std::fprintf(stderr, "%s\n", answer.error->suggestion.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::string> words(argv + (argc > 0), argv + argc);
  const auto environment = aldis::environment_snapshot();
  Telemetry telemetry({.tool = "tool", .version = kVersion, .arguments = words, .environment = environment});
  const bool terminal = isatty(STDOUT_FILENO) == 1, both_terminals = terminal && isatty(STDERR_FILENO) == 1;
  aldis::ToolEnvironment(environment, terminal).apply();  // after the client: what it sets is nobody's wish

  std::erase(words, "--no-update-check");  // the client has seen it
  if (words == std::vector<std::string>{"--version"}) return std::printf("tool %s\n", kVersion), 0;
  const Answer answer = run(words, telemetry);
  const auto update = telemetry.update_available();
  auto meta = "{\"duration_ms\":" + std::to_string((std::chrono::steady_clock::now() - begun).count() / 1'000'000);
  if (update) meta += ",\"update_available\":" + json_quote(*update);
  const bool for_people = terminal && !aldis::runs_in_ci(environment);
  if (for_people) print_text(answer, both_terminals && aldis::allows_colour(environment));
  if (!for_people) std::puts(aldis::to_json(answer, meta + "}").c_str());
  if (update && both_terminals) std::fprintf(stderr, "tool %s is available; this is %s\n", update->c_str(), kVersion);
  return telemetry.finish(answer.exit_code);
}
