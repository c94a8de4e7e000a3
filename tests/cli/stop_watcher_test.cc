// aldis run --stop-on heeds what was sent after the start, however often it was held and given back.

#include "cli/stop_watcher.h"

#include <gmock/gmock.h>

#include <csignal>

#include "core/clock.h"
#include "program.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

class StopWatcher : public ::testing::Test {
 protected:
  std::string send() { return boss.signal("abort", "a")->signal_id; }
  Result<cli::StopWatcher> open() { return cli::StopWatcher::open(workspace, "a", "abort", SystemClock().wall_now()); }

  // Somebody who reserves the oldest signal and dies at the end of the scope.
  struct Holder {
    explicit Holder(StopWatcher& test) : process({"/bin/sleep", "1000"}, test.sandbox.environment()) {
      TakeOptions options{.acknowledge_within = 1h};
      options.holder = {.kind = ProcessBinding::Kind::other, .pid = process.pid()};
      const Result<CheckOutcome> outcome = test.mailbox.check_signal({"abort"}, {}, options);
      EXPECT_TRUE(outcome && std::holds_alternative<Delivered>(*outcome));
    }
    Running process;
  };

  // What waits when nobody holds anything any more.
  std::vector<CoordinationSignal> pending() { return mailbox.get_pending_signals("abort").value(); }

  Sandbox sandbox;
  Workspace workspace = *Workspace::open({.runtime_directory = sandbox.directory() + "/run"});
  CoordinationSignals boss = *CoordinationSignals::open(workspace, "boss");
  CoordinationSignals mailbox = *CoordinationSignals::open(workspace, "a");
};

TEST_F(StopWatcher, heeds_no_old_signal_that_somebody_held_at_the_start_and_gave_back) {
  const std::string old = send();
  auto holder = std::make_unique<Holder>(*this);
  const Result<cli::StopWatcher> watcher = open();
  const std::string later = send();
  holder.reset();
  const std::vector<CoordinationSignal> found = pending();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].signal_id, old);
  EXPECT_FALSE(watcher->heeds(found[0]));
  EXPECT_EQ(found[1].signal_id, later);
  EXPECT_TRUE(watcher->heeds(found[1]));
}

TEST_F(StopWatcher, heeds_a_signal_that_was_sent_later_although_somebody_held_it_meanwhile) {
  const Result<cli::StopWatcher> watcher = open();
  send();
  {
    const Holder holder(*this);
  }
  const std::vector<CoordinationSignal> found = pending();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].attempt, 2u);
  EXPECT_TRUE(watcher->heeds(found[0]));
}

TEST_F(StopWatcher, heeds_no_old_signal_that_waited_at_the_start_and_was_held_meanwhile) {
  send();
  const Result<cli::StopWatcher> watcher = open();
  EXPECT_FALSE(watcher->heeds(pending().front()));
  {
    const Holder holder(*this);
  }
  EXPECT_FALSE(watcher->heeds(pending().front()));
}

}  // namespace
}  // namespace aldis::testing
