// Publishers and members of a consumer group in processes of their own over one stream, under random kill -9: no hole,
// nothing lost, nothing acknowledged twice. What a dead member held comes again, each event of it.

#include <gmock/gmock.h>

#include <optional>
#include <random>
#include <set>

#include "core/format.h"
#include "event_journal.h"
#include "event_stage.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr int kPublishers = 4;
constexpr int kMembers = 4;
// The line of one is written at once, and what all dead members hold is listed at once.
constexpr int kBatch = 15;
constexpr auto kSilence = 100ms;
constexpr int kSilencesMax = 300;
constexpr const char* kStream = "t0";
constexpr const char* kGroup = "workers";

struct Plan {
  const char* store = "local";
  int events_per_publisher = 0;
  std::chrono::milliseconds take_over_after{};
  bool exclusive = false;  // the time to take over is longer than the test
  int kills = 0;
  std::uint32_t seed = 0;
};

class EventExchange : public ::testing::TestWithParam<Plan> {
 protected:
  EventExchange() : stage_(plan_.store), journal_(plan_.exclusive), random_(plan_.seed) {}

  void SetUp() override { stage_.keep(kStream, limits::kStreamLengthMax); }

  void run() {
    for (int i = 0; i < kPublishers; ++i) start_publisher(fmt::format("publisher-{}", i), 0);
    for (int i = 0; i < kMembers; ++i) start_member();
    choose_next_kill();
    for (int silences = 0;;) {
      const auto line = stage_.fleet().hear(kSilence);
      if (line) journal_.note(*line);
      if (!line && is_done()) break;
      silences = line ? 0 : silences + 1;
      ASSERT_LT(silences, kSilencesMax) << "nobody does anything any more; " << journal_.given() << " events given";
      if (kills_ < plan_.kills && journal_.given() >= next_kill_) kill_one();
    }
    EXPECT_EQ(kills_, plan_.kills);
  }

  void kill_members_and_sweep() {
    const std::size_t killed_before = killed_members_;
    while (!workers_.empty()) kill_worker(workers_.size() - 1);
    killed_members_ = killed_before;  // these were idle
    EventStreamer events = stage_.events();
    const ConsumeOptions options{.start = "0",
                                 .count = limits::kConsumeCountMax,
                                 .group = kGroup,
                                 .consumer = "sweeper",
                                 .take_over_after = 1ns};
    for (;;) {
      const auto batch = events.consume_events({kStream}, options);
      ASSERT_TRUE(batch) << batch.error().message;
      if (batch->items.empty()) return;
      std::vector<std::string> ids;
      for (const StreamItem& item : batch->items) {
        ASSERT_TRUE(std::holds_alternative<StreamEvent>(item)) << "a gap";
        ids.push_back(std::get<StreamEvent>(item).event_id);
        journal_.note_swept(ordinal_of_id(ids.back()));
      }
      EXPECT_EQ(events.acknowledge(kStream, kGroup, ids).value(), ids.size());
    }
  }

  void check_the_rest() {
    const auto info = stage_.events().get_stream_info(kStream);
    ASSERT_TRUE(info) << info.error().message;
    const std::uint64_t last = ordinal_of_id(info->last_id);
    const auto asked_for = static_cast<std::uint64_t>(kPublishers * plan_.events_per_publisher);
    EXPECT_GE(last, asked_for);
    EXPECT_EQ(info->length, last);
    EXPECT_THAT(info->groups, ElementsAre(GroupInfo{.group = kGroup, .delivered = last, .waiting = 0, .pending = 0}));
    journal_.check_stream(read_all(), killed_publishers_);
    journal_.check_work(last, killed_members_ * kBatch);
    EXPECT_GT(journal_.left_by_the_dead(), 0u);
  }

 private:
  struct Worker {
    pid_t pid;
    std::optional<std::string> publisher;  // none: a member
  };

  void start_publisher(const std::string& name, int first) {
    workers_.push_back({stage_.start({"publish", "name=" + name, fmt::format("first={}", first),
                                      fmt::format("last={}", plan_.events_per_publisher - 1)}),
                        name});
  }
  void start_member() {
    workers_.push_back({stage_.start({"work", fmt::format("type={}", kStream), fmt::format("batch={}", kBatch),
                                      fmt::format("take_over_ms={}", plan_.take_over_after.count())}),
                        std::nullopt});
  }

  // Kills are spread over the load by its progress, not by time, so that a slow machine sees as many.
  void choose_next_kill() {
    if (plan_.kills == 0) return;
    const auto gap = static_cast<std::uint32_t>(kPublishers * plan_.events_per_publisher / plan_.kills);
    next_kill_ += 1 + random_() % gap;
  }

  Worker kill_worker(std::size_t index) {
    const Worker victim = workers_[index];
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    stage_.fleet().kill(victim.pid);
    ++(victim.publisher ? killed_publishers_ : killed_members_);
    while (stage_.fleet().unheard() > 0) journal_.note(*stage_.fleet().hear());
    if (!victim.publisher) note_what_is_left_by(std::to_string(victim.pid));
    return victim;
  }

  void note_what_is_left_by(const std::string& dead) {
    const auto pending = stage_.events().get_pending_events(kStream, kGroup);
    ASSERT_TRUE(pending) << pending.error().message;
    ASSERT_LT(pending->size(), limits::kConsumeCountMax) << "these may not be all";
    std::set<std::uint64_t> left;
    for (const PendingEvent& event : *pending) {
      if (event.consumer == "member-" + dead) left.insert(ordinal_of_id(event.event_id));
    }
    journal_.note_left(dead, left);
  }

  void kill_one() {
    const Worker victim = kill_worker(random_() % workers_.size());
    ++kills_;
    if (!victim.publisher) {
      start_member();
    } else if (!journal_.has_finished(*victim.publisher)) {
      start_publisher(*victim.publisher, journal_.last_number_of(*victim.publisher) + 1);
    }
    choose_next_kill();
  }

  // Everything is published and given to somebody, and who lives has nothing to do.
  bool is_done() {
    for (int i = 0; i < kPublishers; ++i) {
      if (!journal_.has_finished(fmt::format("publisher-{}", i))) return false;
    }
    for (const Worker& worker : workers_) {
      if (!worker.publisher && !journal_.is_idle(std::to_string(worker.pid))) return false;
    }
    const auto info = stage_.events().get_stream_info(kStream);
    EXPECT_TRUE(info) << info.error().message;
    if (!info || info->groups.empty()) return false;
    const GroupInfo& group = info->groups.front();
    return group.waiting == 0 && (plan_.exclusive || group.pending == 0);
  }

  std::vector<StreamEvent> read_all() {
    EventStreamer events = stage_.events();
    std::vector<StreamEvent> all;
    ConsumeOptions options{.start = "0", .count = limits::kConsumeCountMax};
    for (;;) {
      const auto batch = events.consume_events({kStream}, options);
      EXPECT_TRUE(batch) << batch.error().message;
      if (!batch || batch->items.empty()) return all;
      for (const StreamItem& item : batch->items) {
        EXPECT_TRUE(std::holds_alternative<StreamEvent>(item)) << "a gap";
        if (const auto* event = std::get_if<StreamEvent>(&item)) all.push_back(*event);
      }
      options.start = batch->position;
    }
  }

  const Plan plan_ = GetParam();
  EventStage stage_;
  EventJournal journal_;
  std::mt19937 random_;
  std::vector<Worker> workers_;
  std::size_t next_kill_ = 0;
  int kills_ = 0;
  std::size_t killed_members_ = 0;
  std::size_t killed_publishers_ = 0;
};

TEST_P(EventExchange, leaves_no_hole_and_acknowledges_every_event_once) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam().seed));
  run();
  kill_members_and_sweep();
  check_the_rest();
}

INSTANTIATE_TEST_SUITE_P(WhereTheDeadKeepTheirs, EventExchange,
                         ::testing::Values(Plan{.store = "local",
                                                .events_per_publisher = 50'000,
                                                .take_over_after = 1h,
                                                .exclusive = true,
                                                .kills = 60,
                                                .seed = 20'265},
                                           Plan{.store = "redis",
                                                .events_per_publisher = 5'000,
                                                .take_over_after = 1h,
                                                .exclusive = true,
                                                .kills = 30,
                                                .seed = 20'266}),
                         [](const auto& plan) { return std::string(plan.param.store); });

INSTANTIATE_TEST_SUITE_P(
    WhereTheirsGoesToOthers, EventExchange,
    ::testing::Values(
        Plan{.store = "local", .events_per_publisher = 10'000, .take_over_after = 50ms, .kills = 40, .seed = 20'267},
        Plan{.store = "redis", .events_per_publisher = 2'500, .take_over_after = 50ms, .kills = 20, .seed = 20'268}),
    [](const auto& plan) { return std::string(plan.param.store); });

}  // namespace
}  // namespace aldis::testing
