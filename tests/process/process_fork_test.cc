// fork on the real engine, with the workspace's thread running: what the child inherits is refused and harmless, and
// the child can join the store anew.

#include <gtest/gtest.h>

#include <optional>

#include "aldis/signals.h"
#include "fakes/forked_child.h"
#include "fleet.h"

namespace aldis::testing {
namespace {

using namespace std::string_literals;

class Fork : public ::testing::Test {
 protected:
  Fleet fleet;
  std::optional<Workspace> workspace = fleet.join();
  std::optional<CoordinationSignals> alice = *CoordinationSignals::open(*workspace, "alice");
};

TEST_F(Fork, the_child_is_refused_and_the_parent_goes_on) {
  ASSERT_TRUE(alice->signal("go", "alice"));
  EXPECT_EQ(in_a_child([&] {
              const auto checked = alice->check_signal({});
              return !checked && checked.error().code == ErrorCode::failed_precondition ? "refused"s : "not refused"s;
            }),
            "refused");
  EXPECT_TRUE(std::holds_alternative<Delivered>(*alice->check_signal({})));
}

TEST_F(Fork, the_child_may_let_go_of_everything) {
  ASSERT_TRUE(
      alice->on_signal({"question"}, {}, [&](const SignalNews&) { EXPECT_TRUE(alice->signal("answer", "bob")); }, {}));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(in_a_child([&] {
                alice.reset();
                workspace.reset();
                return "let go"s;
              }),
              "let go");
    auto bob = *CoordinationSignals::open(*workspace, "bob");
    ASSERT_TRUE(bob.signal("question", "alice"));
    const auto answer = bob.wait_for_signal({"answer"}, "alice");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(std::holds_alternative<Delivered>(*answer));
  }
}

TEST_F(Fork, the_child_can_join_the_store_anew) {
  EXPECT_EQ(in_a_child([&] {
              auto own = Workspace::open(workspace->options());
              if (!own) return "open: " + own.error().message;
              auto carol = CoordinationSignals::open(*own, "carol");
              if (!carol) return "signals: " + carol.error().message;
              const auto sent = carol->signal("from-the-child", "alice");
              return sent ? "joined" : "to alice: " + sent.error().message;
            }),
            "joined");
  const auto outcome = alice->check_signal({"from-the-child"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(std::holds_alternative<Delivered>(*outcome));
}

}  // namespace
}  // namespace aldis::testing
