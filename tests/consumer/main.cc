// Uses each public class once through the installed headers and shared library: one agent beats, sends itself a signal
// and takes it, asks for an approval that another grants, and publishes an event. The argument is a directory for the
// board and the ledger, not there yet.

#include <aldis/approvals.h>
#include <aldis/audit.h>
#include <aldis/events.h>
#include <aldis/heartbeats.h>
#include <aldis/signals.h>
#include <aldis/workspace.h>

#include <iostream>
#include <variant>
#include <vector>

namespace {

int report(const char* step, const aldis::Error& error) {
  std::cerr << step << ": " << aldis::to_string(error.code) << ": " << error.message << '\n';
  return 1;
}

// Asks, grants, and looks at the record of it.
int approve(const aldis::Workspace& workspace) {
  auto gate = aldis::ApprovalGate::open(workspace, "consumer");
  if (!gate) return report("gate", gate.error());
  const auto request = gate->open_request("deploy");
  if (!request) return report("request", request.error());
  auto other_gate = aldis::ApprovalGate::open(workspace);  // nobody answers a request of its own
  if (!other_gate) return report("gate", other_gate.error());
  const auto answered = other_gate->respond_to_approval(*request, true, "dana");
  if (!answered) return report("respond", answered.error());
  const auto outcome = gate->wait(request->request_id);
  if (!outcome) return report("wait", outcome.error());
  const auto verified = aldis::AuditLog(workspace).verify();
  if (!verified) return report("verify", verified.error());
  if (outcome->approved() && !verified->fault && verified->entries == 3) return 0;
  return report("approve", {.message = "not approved, or not recorded"});
}

int publish(const aldis::Workspace& workspace) {
  aldis::EventStreamer streamer(workspace);
  const auto event = streamer.publish_event("build.done");
  if (!event) return report("publish", event.error());
  const auto batch = streamer.consume_events({"build.done"}, {.start = "0"});
  if (!batch) return report("consume", batch.error());
  if (batch->items == std::vector<aldis::StreamItem>{*event}) return 0;
  return report("consume", {.message = "not what was published"});
}

}  // namespace

int main(int argc, char** argv) {
  aldis::WorkspaceOptions options;
  if (argc > 1) {
    options.runtime_directory = argv[1];
    options.state_directory = options.runtime_directory + "/state";
  }
  const auto workspace = aldis::Workspace::open(options);
  if (!workspace) return report("open", workspace.error());

  aldis::HeartbeatCoordinator heartbeats(*workspace);
  if (const auto started = heartbeats.start_heartbeat("consumer"); !started) return report("start", started.error());
  if (const auto beaten = heartbeats.beat("running", 0.5); !beaten) return report("beat", beaten.error());

  if (const int failed = approve(*workspace); failed != 0) return failed;
  if (const int failed = publish(*workspace); failed != 0) return failed;

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
