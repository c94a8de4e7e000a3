// CoordinationSignals in a forked child: every call is refused, and nothing there hangs or touches the parent's work.

#include <gtest/gtest.h>

#include <optional>

#include "fakes/forked_child.h"
#include "signals_world.h"

namespace aldis::testing {
namespace {

template <class T>
bool is_refused(const Result<T>& result) {
  return !result && result.error().code == ErrorCode::failed_precondition;
}

TEST(SignalsFork, every_call_in_the_child_is_refused) {
  SignalsWorld world;
  const Workspace workspace = world.workspace();
  auto bob = *CoordinationSignals::open(workspace, "bob");
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  const auto refused = in_a_child([&] {
    int count = 0;
    count += is_refused(CoordinationSignals::open(workspace, "carol"));
    count += is_refused(bob.signal("go", "alice"));
    count += is_refused(bob.broadcast("go"));
    count += is_refused(bob.check_signal({}));
    count += is_refused(bob.wait_for_signal({}));
    count += is_refused(bob.on_signal({}, {}, [](const SignalNews&) {}, {}));
    count += is_refused(bob.get_pending_signals());
    count += is_refused(bob.clear_signals());
    count += is_refused(bob.acknowledge("sig_00000000000000000000000000"));
    count += is_refused(bob.receipt("sig_00000000000000000000000000"));
    count += is_refused(bob.wait_for_receipt("sig_00000000000000000000000000", 10s));
    return std::to_string(count);
  });
  EXPECT_EQ(refused, "11");
  EXPECT_TRUE(is<Delivered>(bob.check_signal({}))) << "the parent goes on";
}

TEST(SignalsFork, destructors_in_the_child_end_although_the_thread_is_not_there) {
  SignalsWorld world(SignalsWorld::Time::real_sleeps);
  std::optional<Workspace> workspace = world.workspace();
  std::optional<CoordinationSignals> bob = *CoordinationSignals::open(*workspace, "bob");
  std::atomic<int> calls = 0;
  ASSERT_TRUE(bob->on_signal({"go"}, {},
                             [&](const SignalNews&) {
                               ++calls;
                               calls.notify_all();
                             },
                             {}));
  const auto ended = in_a_child([&] {
    bob.reset();
    workspace.reset();
    return std::string("let go");
  });
  EXPECT_EQ(ended, "let go");
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  calls.wait(0);
  EXPECT_EQ(calls, 1) << "the parent's thread goes on";
}

}  // namespace
}  // namespace aldis::testing
