// on_signal: callbacks from the one thread of a workspace. These tests sleep for real, until something happens.

#include <gmock/gmock.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "core/format.h"
#include "signals_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What callbacks brought, for the test's thread to wait for.
template <class T>
class Inbox {
 public:
  void put(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  // The first `count` items, or what there is when nothing came for very long.
  std::vector<T> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return items_.size() >= count; })) << items_.size() << " came";
    return items_;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> items_;
};

std::string describe(const SignalNews& news) {
  if (const auto* delivered = std::get_if<Delivered>(&news)) return delivered->signal.signal_type;
  return "expired " + std::get<Expired>(news).signal_type;
}

class OnSignal : public ::testing::Test {
 protected:
  std::function<void(const SignalNews&)> collect() {
    return [this](const SignalNews& news) { inbox.put(describe(news)); };
  }
  // Returns when the pump has seen everything that was sent before.
  void let_the_pump_pass(CoordinationSignals& registered, const std::string& agent) {
    Inbox<int> passed;
    std::stop_source stop;
    ASSERT_TRUE(registered.on_signal({"pass"}, {}, [&](const SignalNews&) { passed.put(1); }, stop.get_token()));
    ASSERT_TRUE(alice.signal("pass", agent));
    passed.wait_for(1);
  }

  // The store's time; the pump is rung each time, as if something had happened.
  template <class Condition>
  void let_time_pass_until(Condition condition) {
    while (!condition()) {
      world.clock->advance(1ms);
      world.memory_waker->ring({});
      std::this_thread::yield();
    }
  }

  SignalsWorld world{SignalsWorld::Time::real_sleeps};
  Workspace workspace = world.workspace();
  CoordinationSignals alice = *CoordinationSignals::open(workspace, "alice");
  CoordinationSignals bob = *CoordinationSignals::open(workspace, "bob");
  Inbox<std::string> inbox;
};

TEST_F(OnSignal, calls_back_with_what_is_there_and_with_what_comes) {
  ASSERT_TRUE(alice.signal("before", "bob"));
  ASSERT_TRUE(bob.on_signal({}, {}, collect(), {}));
  inbox.wait_for(1);
  ASSERT_TRUE(alice.signal("after", "bob"));
  ASSERT_TRUE(alice.broadcast("to-all"));
  EXPECT_THAT(inbox.wait_for(3), ElementsAre("before", "after", "to-all"));
}

TEST_F(OnSignal, keeps_the_order_of_a_type) {
  ASSERT_TRUE(bob.on_signal(
      {}, {}, [&](const SignalNews& news) { inbox.put(std::get<Delivered>(news).signal.payload.text()); }, {}));
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(fmt::format(R"({{"n":{}}})", i));
    ASSERT_TRUE(alice.signal("go", "bob", *Json::parse(sent.back())));
  }
  EXPECT_EQ(inbox.wait_for(200), sent);
}

TEST_F(OnSignal, calls_back_with_an_expiry) {
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1s));
  world.clock->advance(1s);
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}));
  EXPECT_THAT(inbox.wait_for(1), ElementsAre("expired go"));
}

TEST_F(OnSignal, heeds_types_and_source) {
  ASSERT_TRUE(bob.on_signal({"go", "run"}, "alice", collect(), {}));
  auto carol = *CoordinationSignals::open(workspace, "carol");
  ASSERT_TRUE(carol.signal("go", "bob"));
  ASSERT_TRUE(alice.signal("stop", "bob"));
  ASSERT_TRUE(alice.signal("run", "bob"));
  EXPECT_THAT(inbox.wait_for(1), ElementsAre("run"));
  EXPECT_EQ(bob.get_pending_signals()->size(), 2u);
}

TEST_F(OnSignal, makes_the_agent_appear) {
  ASSERT_TRUE(bob.on_signal({"something-else"}, {}, collect(), {}));
  ASSERT_TRUE(alice.broadcast("go", {}, 1s));
  world.clock->advance(1s);
  EXPECT_TRUE(is<Expired>(bob.check_signal({"go"}))) << "it was there when the broadcast came";
}

TEST_F(OnSignal, serves_several_agents_from_one_thread) {
  auto carol = *CoordinationSignals::open(workspace, "carol");
  Inbox<std::thread::id> threads;
  const auto note = [&](const SignalNews&) { threads.put(std::this_thread::get_id()); };
  ASSERT_TRUE(bob.on_signal({}, {}, note, {}));
  ASSERT_TRUE(carol.on_signal({}, {}, note, {}));
  ASSERT_TRUE(alice.on_signal({}, {}, note, {}));
  for (const char* agent : {"alice", "bob", "carol"}) ASSERT_TRUE(alice.signal("go", agent));
  const auto ids = threads.wait_for(3);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[1], ids[2]);
  EXPECT_NE(ids[0], std::this_thread::get_id());
}

TEST_F(OnSignal, serves_ten_thousand_registrations) {
  std::vector<CoordinationSignals> agents;
  for (int i = 0; i < 10'000; ++i) {
    agents.push_back(*CoordinationSignals::open(workspace, fmt::format("agent-{}", i)));
    ASSERT_TRUE(agents.back().on_signal({"go"}, {}, collect(), {}));
  }
  for (int i = 0; i < 10'000; i += 100) ASSERT_TRUE(alice.signal("go", fmt::format("agent-{}", i)));
  EXPECT_EQ(inbox.wait_for(100).size(), 100u);
}

TEST_F(OnSignal, looks_only_into_mailboxes_that_rang) {
  std::vector<CoordinationSignals> agents;
  for (int i = 0; i < 100; ++i) {
    agents.push_back(*CoordinationSignals::open(workspace, fmt::format("agent-{}", i)));
    ASSERT_TRUE(agents.back().on_signal({"go"}, {}, collect(), {}));
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(alice.signal("go", fmt::format("agent-{}", i)));
  inbox.wait_for(100);
  const int takes = world.signals->takes;
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(alice.signal("go", "agent-7"));
    inbox.wait_for(100 + i);
  }
  // One that delivers and one that finds nothing more; what is left of the first round comes on top.
  EXPECT_LE(world.signals->takes - takes, 10 * 2 + 100);
}

TEST_F(OnSignal, looks_again_by_itself_while_a_process_holds_something) {
  const ProcessIdentity taker = world.table->spawn(100);
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1h));
  ASSERT_TRUE(is<Delivered>(world.as("bob", taker).check_signal({}, {}, reserving(1h))));
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}));
  let_the_pump_pass(bob, "bob");
  world.table->set(taker, ProcessEvidence::gone);
  world.clock->advance(world.waker->recheck_interval());  // the pump sleeps no longer than that
  EXPECT_THAT(inbox.wait_for(1), ElementsAre("go"));
}

TEST_F(OnSignal, a_busy_registration_does_not_starve_the_others) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(alice.signal("flood", "bob"));
  auto carol = *CoordinationSignals::open(workspace, "carol");
  ASSERT_TRUE(alice.signal("go", "carol"));
  std::latch registered(1);
  ASSERT_TRUE(bob.on_signal({}, {},
                            [&](const SignalNews& news) {
                              registered.wait();
                              inbox.put(describe(news));
                            },
                            {}));
  ASSERT_TRUE(carol.on_signal({}, {}, collect(), {}));
  registered.count_down();
  const auto order = inbox.wait_for(1001);
  EXPECT_LE(std::ranges::find(order, "go") - order.begin(), 100);
}

TEST_F(OnSignal, ends_when_its_stop_is_requested) {
  std::stop_source stop;
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), stop.get_token()));
  ASSERT_TRUE(alice.signal("go", "bob"));
  inbox.wait_for(1);
  stop.request_stop();
  ASSERT_TRUE(alice.signal("go", "bob"));
  let_the_pump_pass(bob, "bob");
  EXPECT_EQ(inbox.size(), 1u);
  EXPECT_EQ(bob.get_pending_signals("go")->size(), 1u);
}

TEST_F(OnSignal, lets_go_of_the_callback_when_its_stop_is_requested) {
  std::stop_source stop;
  Inbox<int> released;
  std::shared_ptr<int> held(new int(1), [&released](int* value) {
    released.put(*value);
    delete value;
  });
  ASSERT_TRUE(bob.on_signal({}, {}, [held](const SignalNews&) {}, stop.get_token()));
  held.reset();
  stop.request_stop();
  released.wait_for(1);
}

TEST_F(OnSignal, may_be_stopped_from_its_own_callback) {
  std::stop_source stop;
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(bob.on_signal(
      {"go"}, {},
      [&](const SignalNews& news) {
        stop.request_stop();
        inbox.put(describe(news));
      },
      stop.get_token()));
  inbox.wait_for(1);
  let_the_pump_pass(bob, "bob");
  EXPECT_EQ(inbox.size(), 1u);
}

TEST_F(OnSignal, that_was_stopped_before_calls_nobody) {
  std::stop_source stop;
  stop.request_stop();
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), stop.get_token()));
  let_the_pump_pass(bob, "bob");
  EXPECT_EQ(inbox.size(), 0u);
}

TEST_F(OnSignal, ends_with_its_object_and_not_before_the_callback_that_runs) {
  std::latch entered(1);
  std::atomic<bool> left = false;
  {
    auto carol = *CoordinationSignals::open(workspace, "carol");
    ASSERT_TRUE(alice.signal("go", "carol"));
    ASSERT_TRUE(carol.on_signal({}, {},
                                [&](const SignalNews&) {
                                  entered.count_down();
                                  // Long enough for a destructor that does not wait to be caught by the check below
                                  // (and by the sanitizers).
                                  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(alice.signal("note", "nobody"));
                                  left = true;
                                },
                                {}));
    entered.wait();
  }
  EXPECT_TRUE(left);
  ASSERT_TRUE(alice.signal("go", "carol"));
  let_the_pump_pass(bob, "bob");
  EXPECT_EQ(CoordinationSignals::open(workspace, "carol")->get_pending_signals()->size(), 1u);
}

TEST_F(OnSignal, its_object_may_be_moved) {
  auto carol = *CoordinationSignals::open(workspace, "carol");
  ASSERT_TRUE(carol.on_signal({}, {}, collect(), {}));
  CoordinationSignals moved = std::move(carol);
  ASSERT_TRUE(alice.signal("go", "carol"));
  inbox.wait_for(1);
}

TEST_F(OnSignal, its_object_may_go_in_the_callback) {
  auto carol = std::make_unique<CoordinationSignals>(*CoordinationSignals::open(workspace, "carol"));
  ASSERT_TRUE(alice.signal("go", "carol"));
  ASSERT_TRUE(alice.signal("go", "carol"));
  ASSERT_TRUE(carol->on_signal({}, {},
                               [&](const SignalNews& news) {
                                 carol.reset();
                                 inbox.put(describe(news));
                               },
                               {}));
  inbox.wait_for(1);
  let_the_pump_pass(bob, "bob");
  EXPECT_EQ(inbox.size(), 1u);
}

TEST_F(OnSignal, the_last_workspace_may_go_in_the_callback) {
  auto dave = std::make_unique<CoordinationSignals>(world.as("dave"));  // the only one on its workspace
  ASSERT_TRUE(alice.signal("go", "dave"));
  ASSERT_TRUE(dave->on_signal({}, {},
                              [&](const SignalNews& news) {
                                dave.reset();
                                inbox.put(describe(news));
                              },
                              {}));
  inbox.wait_for(1);
}

TEST_F(OnSignal, a_callback_may_call_the_class) {
  ASSERT_TRUE(bob.on_signal({"question"}, {},
                            [&](const SignalNews&) {
                              ASSERT_TRUE(bob.signal("answer", "alice"));
                              EXPECT_TRUE(is<NothingYet>(bob.check_signal({"question"})));
                              ASSERT_TRUE(bob.on_signal({"more"}, {}, collect(), {}));
                            },
                            {}));
  ASSERT_TRUE(alice.on_signal({"answer"}, {}, collect(), {}));
  ASSERT_TRUE(alice.signal("question", "bob"));
  ASSERT_TRUE(alice.signal("more", "bob"));
  EXPECT_THAT(inbox.wait_for(2), ::testing::UnorderedElementsAre("answer", "more"));
}

TEST_F(OnSignal, hands_back_what_a_dead_process_held) {
  const ProcessIdentity taker = world.table->spawn(100);
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(is<Delivered>(world.as("bob", taker).check_signal({}, {}, reserving(1h))));
  world.table->set(taker, ProcessEvidence::gone);
  ASSERT_TRUE(bob.on_signal({}, {}, collect(), {}));
  EXPECT_THAT(inbox.wait_for(1), ElementsAre("go"));
}

TEST_F(OnSignal, reports_a_store_error_once_and_goes_on) {
  Inbox<std::string> errors;
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}, [&](const Error& error) { errors.put(error.message); }));
  for (std::size_t outage = 1; outage <= 2; ++outage) {
    world.signals->failing = true;
    let_time_pass_until([&] { return errors.size() >= outage; });
    const int takes = world.signals->takes;
    let_time_pass_until([&] { return world.signals->takes >= takes + 3; });
    world.signals->failing = false;
    ASSERT_TRUE(alice.signal("go", "bob", {}, 24h));
    let_time_pass_until([&] { return inbox.size() == outage; });
  }
  EXPECT_THAT(errors.wait_for(2), ElementsAre(HasSubstr("away"), HasSubstr("away"))) << "one report an outage";
}

TEST_F(OnSignal, pauses_longer_and_longer_while_the_store_is_away) {
  Inbox<int> errors;
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}, [&](const Error&) { errors.put(1); }));
  world.signals->failing = true;
  let_time_pass_until([&] { return errors.size() == 1; });
  const int takes = world.signals->takes;
  const BootTime before = world.clock->boot_now();
  let_time_pass_until([&] { return world.signals->takes >= takes + 5; });
  EXPECT_GE(world.clock->boot_now() - before, 300ms) << "10 + 20 + 40 + 80 + 160";
}

TEST_F(OnSignal, sleeps_through_its_pauses_although_its_mailbox_rings) {
  Inbox<int> errors;
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}, [&](const Error&) { errors.put(1); }));
  world.signals->failing = true;
  let_time_pass_until([&] { return errors.size() == 1; });
  world.ring(Topic{Topic::Kind::mailbox, "bob"});
  const int before = world.waker->sleeps;
  const SteadyTime begin = SystemClock{}.steady_now();
  std::chrono::nanoseconds passed{};
  while (passed < 100ms) {  // in the world time stands still: the pause goes on
    std::this_thread::yield();
    passed = SystemClock{}.steady_now() - begin;
  }
  EXPECT_LE(world.waker->sleeps - before, passed / 10ms + 2) << "its naps take real time, 10 ms or more: it spins";
}

TEST_F(OnSignal, needs_no_error_callback) {
  ASSERT_TRUE(bob.on_signal({"go"}, {}, collect(), {}));
  world.signals->failing = true;
  const int takes = world.signals->takes;
  let_time_pass_until([&] { return world.signals->takes >= takes + 3; });
  world.signals->failing = false;
  ASSERT_TRUE(alice.signal("go", "bob", {}, 24h));
  let_time_pass_until([&] { return inbox.size() == 1; });
}

TEST_F(OnSignal, needs_a_callback) {
  EXPECT_EQ(code_of(bob.on_signal({}, {}, nullptr, {})), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace aldis::testing
