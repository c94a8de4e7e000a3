// What the processes of the fleet tests run: one agent that sends, reads or waits through the public API, and says on
// its standard output, a line an event, what it does (worker.h). The longest timeout below is 20 s.

#include <sys/prctl.h>
#include <sys/signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "core/format.h"
#include "worker.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

Result<CoordinationSignals> join(const Arguments& arguments, const std::string& agent) {
  WorkspaceOptions options = options_of(arguments);
  options.call_timeout = 20s;  // many share a writer lock that is not fair
  auto workspace = Workspace::open(options);
  if (!workspace) return std::unexpected(workspace.error());
  return CoordinationSignals::open(*workspace, agent);
}

// mailboxes=N first=A last=B: signals A..B, evenly over mailbox-0..N-1 and two types.
int send(const Arguments& arguments) {
  const std::string agent = arguments.text("agent");
  auto signals = join(arguments, agent);
  if (!signals) return failed(signals.error());
  const int mailboxes = arguments.number("mailboxes");
  for (int number = arguments.number("first"); number <= arguments.number("last"); ++number) {
    ::alarm(kStuckAfterSeconds);
    const std::string mailbox = fmt::format("mailbox-{}", number % mailboxes);
    const std::string type = number / mailboxes % 2 == 0 ? "red" : "blue";
    say("sending {} {}", agent, number);
    auto sent = signals->signal(type, mailbox, *Json::parse(fmt::format(R"({{"number":{}}})", number)), 1h);
    while (!sent && sent.error().code == ErrorCode::resource_exhausted) {  // the mailbox is full: let it be read
      if (auto pause = signals->wait_for_signal({"never"}, {}, 5ms); !pause) return failed(pause.error());
      sent = signals->signal(type, mailbox, *Json::parse(fmt::format(R"({{"number":{}}})", number)), 1h);
    }
    if (!sent) return failed(sent.error());
    say("sent {} {} {}", agent, number, sent->signal_id);
  }
  say("finished {}", agent);
  return 0;
}

int read(const Arguments& arguments) {
  auto signals = join(arguments, arguments.text("agent"));
  if (!signals) return failed(signals.error());
  TakeOptions options;
  if (arguments.has("reserve")) options.acknowledge_within = 10min;
  for (;;) {
    ::alarm(kStuckAfterSeconds);
    auto outcome = signals->wait_for_signal({"red", "blue", "stop"}, {}, 10s, options);
    if (!outcome) return failed(outcome.error());
    if (std::holds_alternative<TimedOut>(*outcome)) continue;
    const auto* delivered = std::get_if<Delivered>(&*outcome);
    if (delivered == nullptr)
      return failed({.code = ErrorCode::internal, .message = "neither delivered nor timed out"});
    const CoordinationSignal& signal = delivered->signal;
    const bool is_stop = signal.signal_type == "stop";
    if (!is_stop) {
      const std::string number = signal.payload.text().substr(sizeof R"({"number":)" - 1);
      say("holds {} {} {} {} {} {}", ::getpid(), signal.source_agent, number.substr(0, number.size() - 1),
          signal.signal_type, signal.signal_id, signal.attempt);
    }
    if (options.acknowledge_within) {
      if (auto done = signals->acknowledge(signal.signal_id); !done) return failed(done.error());
      if (!is_stop) say("acknowledged {} {}", ::getpid(), signal.signal_id);
    }
    if (is_stop) return 0;
  }
}

// threads=N: each waits for `type`, or for "end".
int wait(const Arguments& arguments) {
  auto signals = join(arguments, arguments.text("agent"));
  if (!signals) return failed(signals.error());
  ::alarm(kStuckAfterSeconds);
  std::vector<std::jthread> threads;
  for (int i = 0; i < arguments.number("threads"); ++i) {
    threads.emplace_back([&] {
      say("waiting {}", ::getpid());
      const auto outcome = signals->wait_for_signal({arguments.text("type"), "end"}, {}, 20s);
      if (!outcome) {
        failed(outcome.error());
      } else if (const auto* delivered = std::get_if<Delivered>(&*outcome)) {
        say("took {} {}", ::getpid(), delivered->signal.signal_type);
      } else {
        say("took {} nothing", ::getpid());
      }
    });
  }
  return 0;
}

// Waits for a signal from `source`, and says how that ended.
int wait_for_source(const Arguments& arguments) {
  auto signals = join(arguments, arguments.text("agent"));
  if (!signals) return failed(signals.error());
  ::alarm(kStuckAfterSeconds);
  say("waiting {}", ::getpid());
  const auto outcome = signals->wait_for_signal({}, arguments.text("source"), 20s);
  if (!outcome) return failed(outcome.error());
  const auto* gone = std::get_if<SourceGone>(&*outcome);
  say("{} {}", gone != nullptr ? "gone" : "not-gone", gone != nullptr ? gone->evidence : "");
  return 0;
}

// Shows a heartbeat until it is killed.
int live(const Arguments& arguments) {
  auto workspace = Workspace::open(options_of(arguments));
  if (!workspace) return failed(workspace.error());
  HeartbeatCoordinator heartbeats(*workspace);
  if (auto started = heartbeats.start_heartbeat(arguments.text("agent"), {.ttl = 1h}); !started) {
    return failed(started.error());
  }
  say("alive {}", ::getpid());
  for (;;) ::pause();
}

int run(int count, char** words) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an abandoned worker would go on for ever
  const std::string role = count > 1 ? words[1] : "";
  const Arguments arguments(count, words);
  if (role == "send") return send(arguments);
  if (role == "read") return read(arguments);
  if (role == "wait") return wait(arguments);
  if (role == "wait-for-source") return wait_for_source(arguments);
  if (role == "live") return live(arguments);
  return 2;
}

}  // namespace
}  // namespace aldis::testing

int main(int count, char** words) { return aldis::testing::run(count, words); }
