// Those who ask and those who answer are killed at random moments, 200 times: nothing that was acknowledged is lost,
// nothing is decided twice, the audit log tells the same as the records, and nobody is blocked.

#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "approval_journal.h"
#include "approval_stage.h"
#include "core/format.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kAskers = 4;
constexpr int kResponders = 4;
constexpr int kKills = 200;
constexpr std::uint32_t kMostLinesBetweenKills = 8;
constexpr auto kSilenceMax = 30s;

class Massacre {
 public:
  Massacre(std::string_view store, std::uint32_t seed) : stage_(store), random_(seed) {}

  void run() {
    for (int i = 0; i < kAskers; ++i) start_asker(i);
    for (int i = 0; i < kResponders; ++i) start_responder(i);
    choose_next_kill();
    while (kills_ < kKills) {
      ASSERT_NO_FATAL_FAILURE(note_next());
      if (journal_.progress() >= next_kill_) kill_one();
    }
    std::ofstream(end_of_asking()).flush();
    while (!is_done()) ASSERT_NO_FATAL_FAILURE(note_next());
    std::ofstream(end_of_answering()).flush();
    for (const Worker& worker : workers_) EXPECT_EQ(stage_.fleet().wait_for_end(worker.pid), 0);
    while (const auto line = stage_.fleet().hear(0ms)) journal_.note(*line);
    check();
  }

 private:
  struct Worker {
    pid_t pid;
    bool is_asker;
    int number;
  };

  static std::string asker(int number) { return fmt::format("asker-{}", number); }
  std::string end_of_asking() const { return stage_.directory() + "/enough"; }
  std::string end_of_answering() const { return stage_.directory() + "/end"; }

  void note_next() {
    const auto line = stage_.fleet().hear(kSilenceMax);
    ASSERT_TRUE(line) << fmt::format("nobody does anything any more after {} kills", kills_);
    journal_.note(*line);
  }

  void start_asker(int number) {
    const int first = journal_.last_number_of(asker(number));
    const pid_t pid = stage_.start(
        {"ask-many", "agent=" + asker(number), fmt::format("first={}", first), "until=" + end_of_asking()});
    workers_.push_back({pid, true, number});
  }
  void start_responder(int number) {
    const pid_t pid = stage_.start({"answer-many", fmt::format("as=responder-{}", number),
                                    fmt::format("number={}", number), "until=" + end_of_answering()});
    workers_.push_back({pid, false, number});
  }

  // Kills are spread over the load by its progress, not by time, so that a slow machine sees as many.
  void choose_next_kill() { next_kill_ = journal_.progress() + 1 + random_() % kMostLinesBetweenKills; }

  void kill_one() {
    constexpr std::uint32_t kMostMicroseconds = 2000;
    let_pass(std::chrono::microseconds{random_() % kMostMicroseconds});  // not always right behind a line
    const std::size_t index = random_() % workers_.size();
    const Worker victim = workers_[index];
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    stage_.fleet().kill(victim.pid);
    ++kills_;
    for (std::size_t lines = stage_.fleet().unheard(); lines > 0; --lines) journal_.note(*stage_.fleet().hear());
    victim.is_asker ? start_asker(victim.number) : start_responder(victim.number);
    choose_next_kill();
  }

  bool is_done() const {
    for (int i = 0; i < kAskers; ++i) {
      if (!journal_.has_finished(asker(i))) return false;
    }
    return true;
  }

  std::vector<ApprovalRequest> read_records() {
    const ApprovalGate gate = stage_.gate();
    std::vector<ApprovalRequest> records;
    for (ApprovalFilter filter;;) {
      const auto page = gate.list(filter);
      EXPECT_TRUE(page) << page.error().message;
      if (!page || page->empty()) return records;
      records.insert(records.end(), page->begin(), page->end());
      filter.after = page->back().request_id;
    }
  }

  void check() {
    std::size_t asked = 0;
    for (int i = 0; i < kAskers; ++i) asked += static_cast<std::size_t>(journal_.last_number_of(asker(i))) + 1;
    const std::vector<ApprovalRequest> records = read_records();
    journal_.check_records(records, asked);
    std::vector<AuditEntry> entries;
    EXPECT_TRUE(stage_.audit().for_each([&](const AuditEntry& entry) {
      entries.push_back(entry);
      return true;
    }));
    ApprovalJournal::check_audit(records, entries);
    EXPECT_EQ(stage_.audit_fault(), "");
  }

  ApprovalStage stage_;
  ApprovalJournal journal_;
  std::mt19937 random_;
  std::vector<Worker> workers_;
  std::size_t next_kill_ = 0;
  int kills_ = 0;
};

class KilledProcesses : public ::testing::TestWithParam<const char*> {};

TEST_P(KilledProcesses, lose_no_decision_and_block_nobody) {
  constexpr std::uint32_t kSeed = 20'265;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  Massacre(GetParam(), kSeed).run();
}

INSTANTIATE_TEST_SUITE_P(Stores, KilledProcesses, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
