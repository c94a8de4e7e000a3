// Waiting in processes of their own: one winner, deaths while asleep, and namespaces that never meet.

#include <gmock/gmock.h>

#include <algorithm>

#include "aldis/signals.h"
#include "core/format.h"
#include "fleet.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CoordinationSignals open(const Fleet& fleet, const std::string& agent, const std::string& namespace_name = "default") {
  return *CoordinationSignals::open(fleet.join(namespace_name), agent);
}

// Hears lines until `count` of them begin with `word`; the others are failures.
std::vector<Words> hear(Fleet& fleet, const std::string& word, int count) {
  std::vector<Words> lines;
  while (std::ssize(lines) < count) {
    const auto line = fleet.hear();
    if (!line || line->front() != word) {
      ADD_FAILURE() << "expected " << word << ", heard " << ::testing::PrintToString(line);
      return lines;
    }
    lines.push_back(*line);
  }
  return lines;
}

TEST(Waiting, a_hundred_waiters_one_signal_one_winner) {
  Fleet fleet;
  auto sender = open(fleet, "sender");
  std::vector<pid_t> workers;
  for (int i = 0; i < 4; ++i) workers.push_back(fleet.start({"wait", "agent=bob", "type=prize", "threads=25"}));
  hear(fleet, "waiting", 100);
  ASSERT_TRUE(sender.signal("prize", "bob"));
  EXPECT_EQ(hear(fleet, "took", 1).at(0).at(2), "prize");
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(sender.signal("end", "bob"));
  for (const Words& line : hear(fleet, "took", 99)) EXPECT_EQ(line.at(2), "end");
  for (const pid_t worker : workers) EXPECT_EQ(fleet.wait_for_end(worker), 0);
  EXPECT_EQ(fleet.hear(0ms), std::nullopt);
}

TEST(Waiting, a_waiter_that_is_killed_asleep_takes_nothing_with_it) {
  Fleet fleet;
  auto sender = open(fleet, "sender");
  for (int round = 0; round < 20; ++round) {
    const pid_t doomed = fleet.start({"wait", "agent=bob", "type=prize", "threads=5"});
    const pid_t survivor = fleet.start({"wait", "agent=bob", "type=prize", "threads=1"});
    hear(fleet, "waiting", 6);
    fleet.kill(doomed);
    hear(fleet, "killed", 1);
    const auto sent = sender.signal("prize", "bob");
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_THAT(hear(fleet, "took", 1).at(0), ElementsAre("took", std::to_string(survivor), "prize"));
    EXPECT_EQ(fleet.wait_for_end(survivor), 0);
  }
}

TEST(Waiting, a_source_that_is_killed_ends_the_wait_for_it) {
  Fleet fleet;
  const pid_t source = fleet.start({"live", "agent=alice"});
  hear(fleet, "alive", 1);
  const pid_t waiter = fleet.start({"wait-for-source", "agent=bob", "source=alice"});
  hear(fleet, "waiting", 1);
  fleet.kill(source);
  hear(fleet, "killed", 1);
  EXPECT_THAT(hear(fleet, "gone", 1).at(0), ::testing::Contains(std::to_string(source)));
  EXPECT_EQ(fleet.wait_for_end(waiter), 0);
}

TEST(Waiting, what_a_killed_process_sent_before_is_not_lost_with_it) {
  Fleet fleet;
  const pid_t sender = fleet.start({"send", "agent=alice", "mailboxes=1", "first=0", "last=9"});
  hear(fleet, "sending", 1);
  EXPECT_EQ(fleet.wait_for_end(sender), 0);
  auto mailbox = open(fleet, "mailbox-0");
  for (int i = 0; i < 10; ++i) {
    const auto outcome = mailbox.check_signal({}, "alice");
    ASSERT_TRUE(outcome && std::holds_alternative<Delivered>(*outcome));
    EXPECT_EQ(std::get<Delivered>(*outcome).signal.payload.text(), fmt::format(R"({{"number":{}}})", i));
  }
}

TEST(Waiting, namespaces_never_see_each_other) {
  Fleet fleet;
  const std::vector<std::string> namespaces = {"production", "testing"};
  std::vector<pid_t> workers;
  for (const std::string& name : namespaces) {
    for (const char* agent : {"agent=alice", "agent=bob"}) {
      workers.push_back(fleet.start({"send", agent, "mailboxes=1", "first=0", "last=999"}, name));
    }
  }
  std::map<std::string, int> sent;
  for (int finished = 0; finished < 4;) {
    const auto line = fleet.hear();
    ASSERT_TRUE(line);
    if (line->front() == "sent") ++sent[line->at(3)];
    finished += line->front() == "finished";
  }
  for (const pid_t worker : workers) EXPECT_EQ(fleet.wait_for_end(worker), 0);
  EXPECT_EQ(sent.size(), 4000u);
  auto production = open(fleet, "mailbox-0", "production");
  auto testing = open(fleet, "mailbox-0", "testing");
  EXPECT_EQ(production.clear_signals(), 2000u);
  const auto left = testing.get_pending_signals();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->size(), 2000u) << "clearing one namespace leaves the other alone";
  const auto foreign = production.receipt(left->front().signal_id);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace aldis::testing
