// A tool that reports with the installed library: enables telemetry, reports one event, and asks the installed courier
// what it would send. Needs HOME to be an empty directory, and none of the variables that switch telemetry off.

#include <aldis/telemetry.h>

#include <iostream>

namespace {

enum class Command { greet, leave };
consteval auto telemetry_names(Command) { return aldis::telemetry_values("greet", "leave"); }

struct CommandRun {
  Command command;
  aldis::Bounded<0, 100> greetings;

  static constexpr auto telemetry =
      aldis::telemetry_event("command_run", aldis::telemetry_field("command", &CommandRun::command),
                             aldis::telemetry_field("greetings", &CommandRun::greetings));
};

using Telemetry = aldis::TelemetryClient<CommandRun>;

const aldis::TelemetryOptions kOptions{.tool = "consumer", .version = "1.0.0", .spool_only = true};

bool answers(Telemetry& telemetry, const std::vector<std::string>& arguments, const std::string& expected) {
  const aldis::TelemetryAnswer answer = telemetry.telemetry_command(arguments);
  if (answer.exit_code == 0 && answer.data.find(expected) != std::string::npos) return true;
  std::cerr << "telemetry " << arguments.front() << " answered " << answer.exit_code << ' ' << answer.data << '\n';
  if (answer.error) std::cerr << answer.error->message << '\n';
  return false;
}

}  // namespace

int main() {
  Telemetry asking(kOptions);
  if (!answers(asking, {"enable", "--endpoint", "https://telemetry.example/v1/logs"}, R"("active":true)")) return 1;
  Telemetry reporting(kOptions);
  reporting.event(CommandRun{.command = Command::leave, .greetings = 42});
  if (reporting.finish(7) != 7) return 1;
  return answers(asking, {"preview"}, R"(\"stringValue\":\"leave\")") && answers(asking, {"reset"}, "") ? 0 : 1;
}
