// Waiting: the sentences of ports/waker.h, on every engine. What a store rings for stands with the store's own tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "contract/engines.h"
#include "contract/listening.h"
#include "ports/signal_address.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kSent{std::chrono::seconds{1'790'000'000}};
constexpr auto kForEver = 24h;  // a test that sleeps so long has failed
constexpr Topic kAnn{Topic::Kind::mailbox, "ann"};
constexpr Topic kBob{Topic::Kind::mailbox, "bob"};
constexpr Topic kWorker{Topic::Kind::agent, "worker"};

class WakerContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  Id128 send(std::optional<std::string_view> target) {
    const Id128 id = address_signal(make_id(kSent), target);
    EXPECT_TRUE(engine_->signals().send({id, "task", "boss", target, "{}", kSent, 60s}));
    return id;
  }
  bool take(std::string_view agent) {
    const SignalFilter any;
    const auto outcome = engine_->signals().take({.agent = agent, .filter = any, .options = {}, .holder = {}});
    return outcome && std::holds_alternative<Delivered>(*outcome);
  }
  void start(std::string_view agent) {
    AgentStart start;
    start.agent_id = agent;
    start.incarnation = make_id(kSent);
    start.ttl = 30s;
    EXPECT_TRUE(engine_->heartbeats().start(start, std::nullopt));
  }
  std::unique_ptr<Subscription> subscribe(const Topic& topic) { return waker().subscribe({&topic, 1}); }
  Listening listening() { return {waker(), GetParam()}; }
  Waker& waker() { return engine_->waker(); }

  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
};

TEST_P(WakerContract, what_changed_after_the_count_was_taken_rings) {
  EXPECT_TRUE(listening().rings(kAnn, [&] { send("ann"); }));
  EXPECT_TRUE(listening().rings(kAnn, [&] { send(std::nullopt); }));
  EXPECT_TRUE(listening().rings(kWorker, [&] { start("worker"); }));
}

TEST_P(WakerContract, a_subscription_to_several_topics_rings_for_each) {
  const std::string receipt = format_id({}, send("ann"));
  const std::array topics{kBob, kWorker, Topic{Topic::Kind::signal, receipt}};
  EXPECT_TRUE(listening().rings(topics, [&] { send("bob"); }));
  EXPECT_TRUE(listening().rings(topics, [&] { start("worker"); }));
  EXPECT_TRUE(listening().rings(topics, [&] { EXPECT_TRUE(take("ann")); }));
}

TEST_P(WakerContract, what_concerns_others_does_not_disturb) {
  EXPECT_TRUE(listening().is_silent(kAnn, [&] { send("bob"); }));
  EXPECT_TRUE(listening().is_silent(kAnn, [&] { start("worker"); }));
  EXPECT_TRUE(listening().is_silent(kWorker, [&] { start("another"); }));
}

TEST_P(WakerContract, every_subscription_to_a_topic_rings_and_the_end_of_one_is_not_that_of_another) {
  const auto first = subscribe(kAnn);
  auto second = subscribe(kAnn);
  const std::uint64_t of_first = first->rings();
  const std::uint64_t of_second = second->rings();
  send("ann");
  EXPECT_TRUE(listening().hears(*first, of_first));
  EXPECT_TRUE(listening().hears(*second, of_second));
  second.reset();
  const std::uint64_t later = first->rings();
  send("ann");
  EXPECT_TRUE(listening().hears(*first, later));
}

TEST_P(WakerContract, a_subscription_needs_no_names_once_it_is_made) {
  std::string name = "ann";
  const auto subscription = subscribe({Topic::Kind::mailbox, name});
  name = "somebody else";
  const std::uint64_t rings = subscription->rings();
  send("ann");
  EXPECT_TRUE(listening().hears(*subscription, rings));
}

TEST_P(WakerContract, any_rings_with_whatever_a_subscription_hears) {
  const auto mailbox = subscribe(kAnn);
  const auto record = subscribe(kWorker);
  std::uint64_t rings = waker().any().rings();
  send("ann");
  EXPECT_TRUE(listening().hears(waker().any(), rings));
  rings = waker().any().rings();
  start("worker");
  EXPECT_TRUE(listening().hears(waker().any(), rings));
}

TEST_P(WakerContract, a_ring_ends_the_sleep) {
  const auto subscription = subscribe(kAnn);
  const std::array topics{kBob, kWorker};
  const auto several = waker().subscribe(topics);
  const std::array<const Subscription*, 3> all{subscription.get(), several.get(), &waker().any()};
  std::latch counted(all.size());
  std::vector<std::jthread> sleepers;
  for (const Subscription* const one : all) {
    sleepers.emplace_back([&, one] {
      const std::uint64_t rings = one->rings();
      counted.count_down();
      waker().sleep(*one, rings, kForEver, {});
    });
  }
  counted.wait();
  send("ann");
  send("bob");
}

TEST_P(WakerContract, what_rang_before_the_sleep_ends_it_too) {
  const auto subscription = subscribe(kAnn);
  const std::uint64_t rings = subscription->rings();
  send("ann");
  waker().sleep(*subscription, rings, kForEver, {});
  EXPECT_NE(subscription->rings(), rings);
}

TEST_P(WakerContract, a_request_to_stop_ends_the_sleep) {
  const auto subscription = subscribe(kAnn);
  std::latch begun(1);
  std::jthread sleeper([&](const std::stop_token& stop) {
    begun.count_down();
    while (!stop.stop_requested()) waker().sleep(*subscription, subscription->rings(), kForEver, stop);
  });
  begun.wait();
  sleeper.request_stop();
}

TEST_P(WakerContract, a_stop_requested_before_the_sleep_ends_it_at_once) {
  const auto subscription = subscribe(kAnn);
  std::stop_source stop;
  stop.request_stop();
  waker().sleep(*subscription, subscription->rings(), kForEver, stop.get_token());
}

TEST_P(WakerContract, the_sleep_is_no_longer_than_asked) {
  const auto subscription = subscribe(kAnn);
  for (const auto at_most : {1ms, 0ms, -1000ms}) {
    waker().sleep(*subscription, subscription->rings(), at_most, {});
    waker().sleep(waker().any(), waker().any().rings(), at_most, {});
  }
}

TEST_P(WakerContract, whoever_counts_then_looks_then_sleeps_misses_nothing) {
  constexpr int kRounds = 200;
  std::jthread sender([&] {
    for (int round = 0; round < kRounds; ++round) send("ann");
  });
  const auto subscription = subscribe(kAnn);
  for (int taken = 0; taken < kRounds;) {
    const std::uint64_t rings = subscription->rings();
    if (take("ann")) {
      ++taken;
    } else {
      waker().sleep(*subscription, rings, kForEver, {});
    }
  }
}

TEST_P(WakerContract, what_nobody_rings_for_can_be_looked_at_from_time_to_time) {
  EXPECT_GT(waker().recheck_interval(), 0ns);
}

class ApprovalWakerContract : public WakerContract {
 protected:
  Id128 open() {
    const Id128 id = make_id(kSent);
    open(id);
    return id;
  }
  void open(const Id128& id) {
    EXPECT_TRUE(engine_->approvals().open(
        {.id = id, .type = "deploy", .agent = "ann", .context = "{}", .context_hash = std::string(64, '0')}));
  }
  void cancel(const Id128& id) {
    EXPECT_TRUE(engine_->approvals().change(
        id, {.id = make_id(kSent), .seen_version = 1, .state = ApprovalState::cancelled, .responder = "ann"}));
  }
  static std::string name_of(const Id128& id) { return format_id({}, id); }
};

TEST_P(ApprovalWakerContract, a_request_rings_when_it_is_opened_and_when_it_changes) {
  const Id128 id = make_id(kSent);
  const std::string name = name_of(id);
  const Topic request{Topic::Kind::approval, name};
  EXPECT_TRUE(listening().rings(request, [&] { open(id); }));
  EXPECT_TRUE(listening().rings(request, [&] { cancel(id); }));
}

TEST_P(ApprovalWakerContract, a_request_is_silent_for_who_waits_for_another) {
  const std::string name = name_of(open());
  EXPECT_TRUE(listening().is_silent({Topic::Kind::approval, name}, [&] { cancel(open()); }));
  EXPECT_TRUE(listening().is_silent({Topic::Kind::stream, "deploy"}, [&] { open(); }));
}

TEST_P(ApprovalWakerContract, approvals_ring_for_every_request) {
  constexpr Topic kApprovals{Topic::Kind::approvals, {}};
  Id128 id;
  EXPECT_TRUE(listening().rings(kApprovals, [&] { id = open(); }));
  EXPECT_TRUE(listening().rings(kApprovals, [&] { cancel(id); }));
  EXPECT_TRUE(listening().is_silent(kApprovals, [&] { send("ann"); }));
}

class EventWakerContract : public WakerContract {
 protected:
  void publish(std::string_view type) {
    EXPECT_TRUE(engine_->events().publish({.id = make_id(kSent), .type = type, .data = "{}", .source = {}}));
  }
};

constexpr Topic kStreams{Topic::Kind::streams, {}};

TEST_P(EventWakerContract, a_stream_rings_for_each_of_its_events) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(listening().rings({Topic::Kind::stream, "deploy"}, [&] { publish("deploy"); }));
  }
}

TEST_P(EventWakerContract, a_stream_is_silent_for_who_waits_for_another) {
  EXPECT_TRUE(listening().is_silent({Topic::Kind::stream, "deploy"}, [&] { publish("deploy.done"); }));
  EXPECT_TRUE(listening().is_silent(kAnn, [&] { publish("deploy"); }));
}

TEST_P(EventWakerContract, streams_ring_for_a_new_stream_alone) {
  EXPECT_TRUE(listening().rings(kStreams, [&] { publish("deploy"); }));
  EXPECT_TRUE(listening().rings(kStreams, [&] { publish("build"); }));
  EXPECT_TRUE(listening().is_silent(kStreams, [&] { publish("build"); }));
  EXPECT_TRUE(listening().is_silent(kStreams, [&] { send("ann"); }));
}

TEST_P(EventWakerContract, one_subscription_rings_for_each_of_a_thousand_streams) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < limits::kStreamsMax; ++i) names.push_back("type" + std::to_string(i));
  std::vector<Topic> topics{kStreams};
  for (const std::string& name : names) topics.push_back({Topic::Kind::stream, name});
  EXPECT_TRUE(listening().rings(topics, [&] { publish(names.front()); }));
  EXPECT_TRUE(listening().rings(topics, [&] { publish(names.back()); }));
  EXPECT_TRUE(listening().rings(topics, [&] { publish("another"); }));
}

TEST_P(EventWakerContract, whoever_waits_for_all_streams_hears_the_first_event_of_a_new_one) {
  constexpr int kTypes = 50;
  std::jthread publisher([&] {
    for (int i = 0; i < kTypes; ++i) publish("type" + std::to_string(i));
  });
  for (std::size_t seen = 0; seen < kTypes;) {
    std::vector<StreamHead> heads = engine_->events().heads().value();
    std::vector<Topic> topics{kStreams};
    for (const StreamHead& head : heads) topics.push_back({Topic::Kind::stream, head.type});
    const auto subscription = waker().subscribe(topics);
    const std::uint64_t rings = subscription->rings();
    const std::vector<StreamHead> now = engine_->events().heads().value();
    seen = static_cast<std::size_t>(
        std::ranges::count_if(now, [](const StreamHead& head) { return head.last.ordinal > 0; }));
    const bool knows_all = now.size() == heads.size();
    if (seen < kTypes && knows_all) waker().sleep(*subscription, rings, kForEver, {});
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ApprovalWakerContract, ::testing::ValuesIn(all_engines()),
                         [](const auto& engine) { return engine.param.name; });

INSTANTIATE_TEST_SUITE_P(Engines, EventWakerContract, ::testing::ValuesIn(all_engines()),
                         [](const auto& engine) { return engine.param.name; });

INSTANTIATE_TEST_SUITE_P(Engines, WakerContract, ::testing::ValuesIn(all_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace aldis::testing
