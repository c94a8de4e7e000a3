// What the processes of the event tests run: publishers, members of a group, followers, and one that holds the ledger's
// lock, through the public API but for the last. They say on their standard output, a line an event, what they do
// (worker.h). The wall clock is in the hands of the test where ALDIS_TEST_CLOCK names one (redis/stopped_clock.c, which
// is linked in).

#include <sys/prctl.h>
#include <sys/signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "aldis/events.h"
#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "core/clock.h"
#include "core/format.h"
#include "engines/local/ledger.h"
#include "worker.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kBlock = 10s;

std::string ordinal_of(const std::string& event_id) { return event_id.substr(event_id.find('-') + 1); }

// Waits for the event of the stream "go" behind that position.
Result<void> wait_for_go(EventStreamer& events, std::string& position) {
  for (;;) {
    auto batch = events.consume_events({"go"}, {.start = position, .block_ms = kBlock, .count = 1});
    if (!batch) return std::unexpected(batch.error());
    position = batch->position;
    if (!batch->items.empty()) return {};
  }
}

// name= first= last= types=N: events first..last, over the streams t0..tN-1. rounds=R: the same R times more, each time
// when the next "go" was published. then=pause: does not end.
int publish(const Arguments& arguments) {
  auto workspace = Workspace::open(options_of(arguments));
  if (!workspace) return failed(workspace.error());
  EventStreamer events(*workspace);
  const std::string name = arguments.text("name");
  const int types = arguments.has("types") ? arguments.number("types") : 1;
  std::string position = "0";
  for (int round = arguments.has("rounds") ? arguments.number("rounds") : 0; round >= 0; --round) {
    for (int number = arguments.number("first"); number <= arguments.number("last"); ++number) {
      ::alarm(kStuckAfterSeconds);
      const auto event = events.publish_event(fmt::format("t{}", number % types),
                                              *Json::parse(fmt::format(R"({{"number":{}}})", number)), name);
      if (!event) return failed(event.error());
      say("published {} {} {} {}", name, number, event->event_type, event->event_id);
    }
    say("finished {}", name);
    if (round == 0) break;
    if (auto gone = wait_for_go(events, position); !gone) return failed(gone.error());
  }
  if (arguments.has("then")) ::pause();
  return 0;
}

// type= batch= take_over_ms=: reads as a member of the group "workers" and acknowledges. keep=yes: it does not,
// and holds its first events for ever.
// stop=yes: it stops itself before.
int work(const Arguments& arguments) {
  auto workspace = Workspace::open(options_of(arguments));
  if (!workspace) return failed(workspace.error());
  EventStreamer events(*workspace);
  const std::string type = arguments.text("type");
  const ConsumeOptions options{.start = "0",
                               .block_ms = kBlock,
                               .count = static_cast<std::size_t>(arguments.number("batch")),
                               .group = "workers",
                               .consumer = fmt::format("member-{}", ::getpid()),
                               .take_over_after = std::chrono::milliseconds{arguments.number("take_over_ms")}};
  say("ready {}", ::getpid());
  for (;;) {
    ::alarm(kStuckAfterSeconds);
    const auto batch = events.consume_events({type}, options);
    if (!batch) return failed(batch.error());
    std::vector<std::string> ids;
    std::string ordinals;
    for (const StreamItem& item : batch->items) {
      if (const auto* gap = std::get_if<Gap>(&item)) {
        say("gap {} {} {} {}", ::getpid(), gap->from, gap->to, gap->lost);
        continue;
      }
      ids.push_back(std::get<StreamEvent>(item).event_id);
      ordinals += " " + ordinal_of(ids.back());
    }
    if (ids.empty()) continue;
    say("given {}{}", ::getpid(), ordinals);
    if (arguments.has("keep")) ::pause();
    if (arguments.has("stop")) ::raise(SIGSTOP);
    const auto done = events.acknowledge(type, "workers", ids);
    if (!done) return failed(done.error());
    say("acknowledged {} {}{}", ::getpid(), *done, ordinals);
  }
}

// start= (type=, else all): says after each read where it goes on, and behind it what it has read, in one line.
// alarm=once: is stuck if it lives so long.
int follow(const Arguments& arguments) {
  auto workspace = Workspace::open(options_of(arguments));
  if (!workspace) return failed(workspace.error());
  EventStreamer events(*workspace);
  std::vector<std::string> types;
  if (arguments.has("type")) types.push_back(arguments.text("type"));
  ConsumeOptions options{.start = arguments.text("start"), .block_ms = kBlock};
  const bool once = arguments.has("alarm");
  ::alarm(kStuckAfterSeconds);
  say("ready {}", ::getpid());
  for (;;) {
    if (!once) ::alarm(kStuckAfterSeconds);
    const auto batch = events.consume_events(types, options);
    if (!batch) return failed(batch.error());
    options.start = batch->position;
    std::string line;
    for (const StreamItem& item : batch->items) {
      if (const auto* gap = std::get_if<Gap>(&item)) {
        line += fmt::format(" gap:{}={}-{}-{}", gap->event_type, gap->from, gap->to, gap->lost);
      } else {
        const auto& event = std::get<StreamEvent>(item);
        line += fmt::format(" {}={}", event.event_type, ordinal_of(event.event_id));
      }
    }
    if (!line.empty()) say("read {}{}", batch->position, line);
  }
}

// Begins a write to the ledger, and stops itself in the middle.
int hold_lock(const Arguments& arguments) {
  const WorkspaceOptions options = options_of(arguments);
  const auto ledger = Ledger::make({.state_directory = options.state_directory,
                                    .namespace_name = options.namespace_name,
                                    .clock = std::make_shared<SystemClock>()});
  const auto held = ledger->write(LedgerSync::normal, [](LedgerTransaction&) -> Result<void> {
    say("holding {}", ::getpid());
    ::raise(SIGSTOP);
    return {};
  });
  return held ? 0 : failed(held.error());
}

// agent= signals=N: with stream_events on, starts a heartbeat, beats, sends N signals, beats, and stops.
int coordinate(const Arguments& arguments) {
  WorkspaceOptions options = options_of(arguments);
  options.stream_events = true;
  auto workspace = Workspace::open(options);
  if (!workspace) return failed(workspace.error());
  const std::string agent = arguments.text("agent");
  ::alarm(kStuckAfterSeconds);
  HeartbeatCoordinator heartbeats(*workspace);
  if (auto started = heartbeats.start_heartbeat(agent); !started) return failed(started.error());
  say("did start");
  auto signals = CoordinationSignals::open(*workspace, agent);
  if (!signals) return failed(signals.error());
  for (int i = 0; i < arguments.number("signals"); ++i) {
    if (auto beat = heartbeats.beat(); !beat) return failed(beat.error());
    say("did beat");
    if (auto sent = signals->signal("task", "boss"); !sent) return failed(sent.error());
    say("did signal");
  }
  if (auto stopped = heartbeats.stop_heartbeat(); !stopped) return failed(stopped.error());
  say("did stop");
  return 0;
}

int run(int count, char** words) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an abandoned worker would go on for ever
  const std::string role = count > 1 ? words[1] : "";
  const Arguments arguments(count, words);
  if (role == "publish") return publish(arguments);
  if (role == "work") return work(arguments);
  if (role == "follow") return follow(arguments);
  if (role == "hold-lock") return hold_lock(arguments);
  if (role == "coordinate") return coordinate(arguments);
  return 2;
}

}  // namespace
}  // namespace aldis::testing

int main(int count, char** words) { return aldis::testing::run(count, words); }
