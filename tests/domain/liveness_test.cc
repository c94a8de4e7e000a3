// The rule that says who lives, and why.

#include "domain/liveness.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace aldis {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kThreshold = 60s;
constexpr StoreTime kStart{1000s};

// An agent with a lease of 30 s, started at kStart, bound to process 4242.
HeartbeatRecord started() {
  HeartbeatRecord record;
  record.start.agent_id = "worker";
  record.start.ttl = 30s;
  record.start.process = ProcessIdentity{4242, 1, "boot", 1};
  record.status = "started";
  record.started = record.renewed = kStart;
  return record;
}

void beat(HeartbeatRecord& record, StoreTime now) {
  if (record.beats > 0) record.rhythm.add(std::chrono::duration<double>(now - record.last_beat).count());
  ++record.beats;
  record.last_beat = record.renewed = now;
}

// Beats `count` times, `interval` apart, the last one at kStart.
HeartbeatRecord beating(int count, nanoseconds interval) {
  HeartbeatRecord record = started();
  for (int i = 0; i < count; ++i) beat(record, kStart - (count - 1 - i) * interval);
  return record;
}

struct Case {
  std::string name;
  HeartbeatRecord record;
  ProcessEvidence process;
  nanoseconds after;  // since kStart
  AgentState state;
  std::string evidence;
};

HeartbeatRecord ended() {
  HeartbeatRecord record = started();
  record.finished = true;
  record.status = "completed";
  return record;
}

class LivenessTable : public ::testing::TestWithParam<Case> {};

TEST_P(LivenessTable, says_the_state_and_the_evidence) {
  const Case& entry = GetParam();
  const Liveness liveness = derive_liveness(entry.record, entry.process, kStart + entry.after, kThreshold);
  EXPECT_EQ(liveness.state, entry.state);
  EXPECT_EQ(liveness.evidence, entry.evidence);
}

using enum AgentState;
using enum ProcessEvidence;

INSTANTIATE_TEST_SUITE_P(
    Liveness, LivenessTable,
    ::testing::Values(
        Case{"a_started_process_lives", started(), exists, 1s, alive, "process 4242 exists"},
        Case{"a_lease_lets_an_unknown_process_live", started(), unknown, 29s, alive, "lease renewed 29 s ago"},
        Case{"a_lease_lapses_at_its_deadline", started(), unknown, 30s, dead, "no lease for 30 s (lease 30 s)"},
        Case{"a_lapsed_lease_is_death_where_the_process_is_unknown", started(), unknown, 31'200ms, dead,
             "no lease for 31.2 s (lease 30 s)"},
        Case{"an_existing_process_outlives_its_lease", started(), exists, 31s, alive,
             "process 4242 exists, no lease for 31 s"},
        Case{"an_agent_that_never_beat_is_never_stale", started(), exists, 20h, alive,
             "process 4242 exists, no lease for 72000 s"},
        Case{"an_exited_process_is_dead_at_once", started(), gone, 1ms, dead, "process 4242 exited"},
        Case{"a_zombie_is_dead_at_once", started(), zombie, 1ms, dead, "process 4242 exited"},
        Case{"a_beating_agent_lives", beating(3, 1s), exists, 400ms, alive, "last beat 400 ms ago"},
        Case{"silence_as_long_as_the_threshold_is_not_stale", beating(3, 10s), exists, 60s, alive,
             "process 4242 exists, no lease for 60 s"},
        Case{"silence_longer_than_the_threshold_is_stale", beating(3, 10s), exists, 75s, stale,
             "no beat for 75 s (threshold 60 s); process 4242 exists, no lease for 75 s"},
        Case{"silence_improbable_for_the_rhythm_is_suspect", beating(6, 1s), exists, 2s, suspect,
             "no beat for 2 s, usually every 1 s (phi 23.1)"},
        Case{"stale_comes_before_suspect", beating(6, 1s), exists, 61s, stale,
             "no beat for 61 s (threshold 60 s); process 4242 exists, no lease for 61 s"},
        Case{"death_comes_before_stale", beating(6, 1s), unknown, 61s, dead, "no lease for 61 s (lease 30 s)"},
        Case{"a_finished_agent_is_finished_although_its_process_exited", ended(), gone, 1h, finished,
             "stopped: completed"}),
    [](const auto& test) { return test.param.name; });

double phi(const BeatRhythm& rhythm, double silence_seconds) {
  return suspicion(rhythm, nanoseconds{static_cast<std::int64_t>(silence_seconds * 1e9)}).value();
}

TEST(Suspicion, is_unknown_before_the_fifth_interval) {
  EXPECT_EQ(suspicion(beating(5, 1s).rhythm, 1h), std::nullopt);
  EXPECT_NE(suspicion(beating(6, 1s).rhythm, 1h), std::nullopt);
}

TEST(Suspicion, is_minus_log10_of_the_tail_of_the_normal_distribution) {
  const BeatRhythm rhythm{.intervals = 5, .mean_seconds = 10, .squares = 16};  // deviation 2 s
  EXPECT_NEAR(phi(rhythm, 10), 0.30103, 1e-5);                                 // half of all beats come later
  EXPECT_NEAR(phi(rhythm, 12), 0.79955, 1e-5);                                 // 1 deviation: 15.866 %
  EXPECT_NEAR(phi(rhythm, 16), 2.86970, 1e-5);                                 // 3 deviations: 0.13499 %
  EXPECT_NEAR(phi(rhythm, 10 + 2 * 5.612001), 8.0, 1e-5);
  EXPECT_EQ(phi(rhythm, -1e6), 0.0);
}

TEST(Suspicion, treats_a_very_regular_agent_as_if_it_wavered_by_100_ms) {
  EXPECT_LT(phi(beating(100, 1s).rhythm, 1.56), 8.0);
  EXPECT_GT(phi(beating(100, 1s).rhythm, 1.57), 8.0);
}

TEST(Suspicion, stays_finite_and_grows_for_any_silence) {
  const BeatRhythm rhythm = beating(6, 1s).rhythm;
  double before = 0;
  for (double silence = 1; silence < 1e9; silence *= 1.01) {
    const double now = phi(rhythm, silence);
    ASSERT_TRUE(std::isfinite(now)) << silence;
    ASSERT_GE(now, before) << silence;
    before = now;
  }
  EXPECT_GT(before, 1e15);
}

TEST(Suspicion, goes_on_smoothly_where_the_tail_underflows) {
  const BeatRhythm rhythm{.intervals = 5, .mean_seconds = 0, .squares = 4};  // deviation 1 s
  EXPECT_NEAR(phi(rhythm, 28.2842), phi(rhythm, 28.2844), 0.01);
}

TEST(Liveness, suspicion_is_shown_for_the_unfinished_only) {
  HeartbeatRecord record = beating(6, 1s);
  EXPECT_TRUE(derive_liveness(record, exists, kStart + 1s, kThreshold).suspicion.has_value());
  record.finished = true;
  EXPECT_FALSE(derive_liveness(record, exists, kStart + 1s, kThreshold).suspicion.has_value());
}

TEST(NextPossibleChange, of_an_agent_that_never_beat_is_the_end_of_its_lease_where_the_lease_decides) {
  EXPECT_EQ(next_possible_change(started(), unknown, kStart, kThreshold), kStart + 30s);
  EXPECT_EQ(next_possible_change(started(), exists, kStart, kThreshold), std::nullopt);
}

TEST(NextPossibleChange, of_the_dead_and_the_finished_is_never) {
  EXPECT_EQ(next_possible_change(started(), gone, kStart, kThreshold), std::nullopt);
  EXPECT_EQ(next_possible_change(started(), zombie, kStart, kThreshold), std::nullopt);
  EXPECT_EQ(next_possible_change(started(), unknown, kStart + 30s, kThreshold), std::nullopt);
  EXPECT_EQ(next_possible_change(ended(), unknown, kStart, kThreshold), std::nullopt);
}

TEST(NextPossibleChange, of_a_beating_agent_is_when_phi_reaches_its_threshold) {
  const auto at = next_possible_change(beating(6, 1s), exists, kStart, kThreshold);
  ASSERT_TRUE(at);
  EXPECT_NEAR(std::chrono::duration<double>(*at - kStart).count(), 1.5612, 1e-4);
}

// Walks through six hours of an agent that beats irregularly, pauses now and then and renews its lease; at each step
// the state must hold until the moment that was foretold, and change then.
void expect_that_every_change_is_foretold(ProcessEvidence process, unsigned seed) {
  std::mt19937 random(seed);
  HeartbeatRecord record = started();
  StoreTime now = kStart;
  int changes = 0;
  while (now < kStart + 6h) {
    const nanoseconds until_written =
        std::chrono::milliseconds{random() % 20 == 0 ? random() % 200'000 : random() % 3000};
    const StoreTime written = now + until_written;
    for (auto next = next_possible_change(record, process, now, kThreshold); next && *next <= written;
         next = next_possible_change(record, process, now, kThreshold)) {
      const AgentState before = derive_liveness(record, process, now, kThreshold).state;
      ASSERT_GT(*next, now);
      ASSERT_EQ(derive_liveness(record, process, std::max(now, *next - 2us), kThreshold).state, before);
      ASSERT_NE(derive_liveness(record, process, *next, kThreshold).state, before);
      now = *next;
      ++changes;
    }
    ASSERT_EQ(derive_liveness(record, process, now, kThreshold).state,
              derive_liveness(record, process, written, kThreshold).state);
    now = written;
    if (random() % 4 == 0) {
      record.renewed = now;
    } else {
      beat(record, now);
    }
  }
  EXPECT_GT(changes, 50) << "the walk must meet changes to prove anything";
}

TEST(NextPossibleChange, foretells_every_change_of_an_agent_over_hours) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    expect_that_every_change_is_foretold(exists, seed);
    expect_that_every_change_is_foretold(unknown, seed);
  }
}

}  // namespace
}  // namespace aldis
