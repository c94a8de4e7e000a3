// What heartbeats leave on the local board: nothing, once it is over.

#include <gmock/gmock.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engines/local/board.h"
#include "engines/local/board_keys.h"
#include "engines/local/doorbell.h"
#include "engines/local/heartbeat_format.h"
#include "engines/local/local_heartbeats.h"
#include "engines/local/reclaim.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_process_table.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

class HeartbeatRecords : public ::testing::Test {
 protected:
  void start(const std::string& agent, std::uint8_t number, std::chrono::nanoseconds ttl,
             std::optional<ProcessIdentity> process = std::nullopt) {
    AgentStart start;
    start.process = std::move(process);
    start.agent_id = agent;
    start.incarnation.bytes.back() = number;
    start.ttl = ttl;
    ASSERT_TRUE(heartbeats_->start(start, std::nullopt));
  }
  Result<void> renew(const std::string& agent, std::uint8_t number) {
    Id128 incarnation;
    incarnation.bytes.back() = number;
    return heartbeats_->renew(agent, incarnation);
  }
  // How many entries there are of one kind.
  int count(char kind) {
    const std::string prefix(1, kind);
    return board_
        ->read([&](BoardTransaction& transaction) -> Result<int> {
          int entries = 0;
          for (auto entry = transaction.seek(prefix, prefix); entry; entry = transaction.next()) ++entries;
          return entries;
        })
        .value();
  }
  // Any write works off what is due.
  void write_something() {
    ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
      reclaim_due(transaction, clock_->boot_now());
      return {};
    }));
  }
  void expect_records(int records) {
    EXPECT_EQ(count(board_key::kHeartbeat), records);
    EXPECT_EQ(count(board_key::kAgent), records);
    EXPECT_EQ(count(board_key::kDue), records) << "one entry a record";
  }

  const ScratchDirectory directory_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<FakeProcessTable> processes_ = std::make_shared<FakeProcessTable>();
  const std::shared_ptr<Board> board_ = Board::open({.runtime_directory = directory_.path(),
                                                     .namespace_name = "records",
                                                     .call_timeout = std::chrono::seconds{5},
                                                     .clock = clock_.get(),
                                                     .processes = processes_})
                                            .value();
  const std::shared_ptr<Doorbell> doorbell_ = Doorbell::open(directory_.path(), "records").value();
  const std::shared_ptr<HeartbeatStore> heartbeats_ = make_local_heartbeats(board_, doorbell_, clock_);
};

TEST_F(HeartbeatRecords, are_erased_after_their_retention) {
  for (std::uint8_t i = 1; i <= 5; ++i) start("agent-" + std::to_string(i), i, 30s);
  expect_records(5);
  clock_->advance(limits::kAgentRetention + 30s);
  for (int i = 0; i < 6; ++i) write_something();
  expect_records(0);
}

TEST_F(HeartbeatRecords, are_erased_after_their_retention_when_finished_early) {
  start("reviewer", 1, 24h);
  ASSERT_TRUE(heartbeats_->finish("reviewer", heartbeats_->read("reviewer").value()->record.start.incarnation, "done"));
  clock_->advance(limits::kAgentRetention);
  write_something();
  expect_records(0);
}

TEST_F(HeartbeatRecords, of_the_living_are_looked_at_once_a_day_and_kept) {
  start("reviewer", 1, 2h);
  for (int hour = 0; hour < 24 * 10; ++hour) {
    clock_->advance(1h);
    ASSERT_TRUE(renew("reviewer", 1));
    expect_records(1);
  }
}

TEST_F(HeartbeatRecords, of_a_stopped_process_are_looked_at_once_a_day_and_erased_when_it_is_gone) {
  const ProcessIdentity process = processes_->spawn(1);
  start("reviewer", 1, 30s, process);
  clock_->advance(limits::kAgentRetention + 30s);
  write_something();
  expect_records(1);
  const int examinations = processes_->examinations();
  for (int hour = 1; hour < 24; ++hour) {
    clock_->advance(1h);
    write_something();
  }
  EXPECT_EQ(processes_->examinations(), examinations);
  processes_->set(process, ProcessEvidence::gone);
  clock_->advance(1h);
  write_something();
  expect_records(0);
}

TEST_F(HeartbeatRecords, have_one_entry_in_the_due_index_however_often_they_start) {
  for (int i = 0; i < 200; ++i) {
    start("reviewer", static_cast<std::uint8_t>(i), i % 3 == 0 ? std::chrono::nanoseconds{24h} : 1s);
    clock_->advance(7h);
    expect_records(1);
  }
  clock_->advance(limits::kAgentRetention + 24h);
  write_something();
  write_something();
  expect_records(0);
}

TEST_F(HeartbeatRecords, that_are_damaged_are_an_error_until_the_agent_starts_again) {
  start("reviewer", 1, 30s);
  ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
    transaction.put(std::string(1, board_key::kHeartbeat) + "reviewer", "rubbish");
    return {};
  }));
  EXPECT_EQ(heartbeats_->read("reviewer").error().code, ErrorCode::data_loss);
  EXPECT_EQ(heartbeats_->list().error().code, ErrorCode::data_loss);
  EXPECT_EQ(renew("reviewer", 1).error().code, ErrorCode::data_loss);
  start("reviewer", 2, 30s);
  EXPECT_TRUE(renew("reviewer", 2));
  expect_records(1);
}

TEST(HeartbeatFormat, reads_back_every_field_of_a_pulse) {
  HeartbeatPulse pulse;
  pulse.incarnation.bytes.fill(7);
  pulse.ttl = 31s;
  pulse.renewed = StoreTime{1s};
  pulse.renewed_at = WallTime{2s};
  pulse.last_beat = StoreTime{3s};
  pulse.last_beat_at = WallTime{-4s};
  pulse.beats = 5;
  pulse.rhythm = {.intervals = 6, .mean_seconds = 7.5, .squares = 8.25};
  pulse.progress = 0.125;
  pulse.finished = StoreTime{9s};
  pulse.published = AgentState::dead;
  pulse.status = "reading";
  pulse.current_task = "main.cc";
  const std::string bytes = write_pulse(pulse);
  const auto read = read_pulse(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->incarnation, pulse.incarnation);
  EXPECT_EQ(read->ttl, pulse.ttl);
  EXPECT_EQ(read->renewed, pulse.renewed);
  EXPECT_EQ(read->renewed_at, pulse.renewed_at);
  EXPECT_EQ(read->last_beat, pulse.last_beat);
  EXPECT_EQ(read->last_beat_at, pulse.last_beat_at);
  EXPECT_EQ(read->beats, pulse.beats);
  EXPECT_EQ(read->rhythm, pulse.rhythm);
  EXPECT_EQ(read->progress, pulse.progress);
  EXPECT_EQ(read->finished, pulse.finished);
  EXPECT_EQ(read->published, pulse.published);
  EXPECT_EQ(read->status, pulse.status);
  EXPECT_EQ(read->current_task, pulse.current_task);
}

TEST(HeartbeatFormat, does_not_read_what_is_cut_short_or_too_long) {
  const std::string bytes = write_pulse(HeartbeatPulse{});
  for (std::size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(read_pulse(bytes.substr(0, length)));
  EXPECT_FALSE(read_pulse(bytes + "x"));
  const std::string portrait = write_portrait(AgentStart{}, StoreTime{}, WallTime{});
  HeartbeatRecord record;
  EXPECT_TRUE(read_portrait(portrait, record));
  for (std::size_t length = 0; length < portrait.size(); ++length) {
    EXPECT_FALSE(read_portrait(portrait.substr(0, length), record));
  }
}

}  // namespace
}  // namespace aldis::testing
