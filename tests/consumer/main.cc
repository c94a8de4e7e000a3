// Uses each public class once through the installed headers and shared library: one agent beats, sends itself a signal
// and takes it. The argument is an empty directory for the board.

#include <aldis/heartbeats.h>
#include <aldis/signals.h>
#include <aldis/workspace.h>

#include <iostream>
#include <variant>

namespace {

int report(const char* step, const aldis::Error& error) {
  std::cerr << step << ": " << aldis::to_string(error.code) << ": " << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  aldis::WorkspaceOptions options;
  if (argc > 1) options.runtime_directory = argv[1];
  const auto workspace = aldis::Workspace::open(options);
  if (!workspace) return report("open", workspace.error());

  aldis::HeartbeatCoordinator heartbeats(*workspace);
  if (const auto started = heartbeats.start_heartbeat("consumer"); !started) return report("start", started.error());
  if (const auto beaten = heartbeats.beat("running", 0.5); !beaten) return report("beat", beaten.error());

  auto signals = aldis::CoordinationSignals::open(*workspace, "consumer");
  if (!signals) return report("signals", signals.error());
  const auto payload = aldis::Json::parse(R"({"text":"hello"})");
  if (!payload) return report("parse", payload.error());
  const auto sent = signals->signal("greeting", "consumer", *payload);
  if (!sent) return report("send", sent.error());
  const auto outcome = signals->check_signal({"greeting"});
  if (!outcome) return report("check", outcome.error());
  const auto* delivered = std::get_if<aldis::Delivered>(&*outcome);
  if (delivered == nullptr || delivered->signal != *sent) return report("check", {.message = "not what was sent"});

  const auto status = heartbeats.get_agent_status("consumer");
  if (!status) return report("status", status.error());
  std::cout << status->agent_id << " is " << aldis::to_string(status->state) << " and received "
            << delivered->signal.payload.text() << " at " << aldis::format_timestamp(sent->timestamp) << '\n';
  if (const auto stopped = heartbeats.stop_heartbeat(); !stopped) return report("stop", stopped.error());
}
