// Approvals among processes that are killed at any moment: every record and the audit log tell the same story.

#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "engines/local/local_approvals.h"
#include "engines/local/local_audit.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

// What a request is known to have become, in the order in which that may happen.
enum Step { asked, voted, decided };

class ApprovalProcesses : public ::testing::Test {
 protected:
  // Asks, votes and decides for ever, and says what it has done once it is done. Every third request times out at once.
  void work(ChildSide& parent) const {
    const SystemClock clock;
    const auto store = make_local_approvals(ledger_in(directory_), Doorbell::open(scratch_.path(), "default").value());
    for (int i = 0;; ++i) {
      const Id128 id = make_id(clock.wall_now());
      const std::string name = format_id(kApprovalIdPrefix, id);
      const ApprovalSubject subject{.id = id,
                                    .type = "deploy",
                                    .agent = "ann",
                                    .context = "{}",
                                    .context_hash = std::string(64, 'c'),
                                    .timeout = i % 3 == 2 ? 1us : 300s};
      if (const auto opened = store->open(subject); !opened) return parent.say("failed " + describe(opened));
      parent.say(name + " 0");
      for (const Step step : {voted, decided}) {
        const auto changed = store->change(id, some_change(make_id(clock.wall_now()), step));
        if (!changed) return parent.say("failed " + describe(changed));
        if (std::holds_alternative<ApprovalChanged>(*changed)) parent.say(name + " " + std::to_string(step));
      }
    }
  }
  static ApprovalChange some_change(const Id128& id, Step step) {
    const StoredVote vote{.responder = step == voted ? "bob" : "cat", .approved = true, .reason = "fine", .time = {}};
    ApprovalChange change{.id = id, .seen_version = step == voted ? 1U : 2U, .vote = vote};
    if (step == decided) change.state = ApprovalState::approved;
    return change;
  }

  void hear(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    int step = 0;
    EXPECT_TRUE(words >> name >> step) << line;
    said_[name] = static_cast<Step>(step);
  }

  std::vector<ApprovalReading> records() const {
    const auto store = make_local_approvals(ledger_in(directory_), Doorbell::open(scratch_.path(), "default").value());
    std::vector<ApprovalReading> all;
    for (;;) {
      ApprovalPage page{.count = limits::kApprovalPage};
      if (!all.empty()) page.after = all.back().record.subject.id;
      const auto found = store->list(page).value();
      if (found.empty()) return all;
      all.insert(all.end(), found.begin(), found.end());
    }
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  std::map<std::string, Step> said_;
};

// What the audit log says of one request.
struct Story {
  int requested = 0;
  std::size_t votes = 0;
  std::vector<std::string> outcomes;
};

TEST_F(ApprovalProcesses, that_are_killed_leave_records_and_an_audit_log_that_agree) {
  constexpr int kKills = 20;
  const auto start = [this] { return std::make_unique<Child>([this](ChildSide& parent) { work(parent); }); };
  std::unique_ptr<Child> other = start();
  for (int i = 0; i < kKills; ++i) {
    const std::unique_ptr<Child> victim = std::exchange(other, start());
    for (int lines = 0; lines <= i % 7; ++lines) hear(victim->hear());
    victim->kill(SIGKILL);
    for (std::string line = victim->hear(); !line.empty(); line = victim->hear()) hear(line);
    victim->join();
  }
  other.reset();

  const std::vector<ApprovalReading> all = records();
  std::map<std::string, Story> stories;
  AuditHead head;
  const auto entries = make_local_audit(ledger_in(directory_))->entries(0, 1'000'000);
  for (const AuditEntry& entry : entries.value()) {
    AuditEntry again = entry;
    chain_entry(again, head);
    ASSERT_EQ(again, entry) << "entry " << entry.number;
    Story& story = stories[entry.request_id];
    if (entry.kind == AuditKind::requested) ++story.requested;
    if (entry.kind == AuditKind::vote) ++story.votes;
    if (entry.kind == AuditKind::decided) story.outcomes.push_back(entry.outcome);
  }

  EXPECT_EQ(stories.size(), all.size());
  for (const auto& [record, remaining, now] : all) {
    const std::string name = format_id(kApprovalIdPrefix, record.subject.id);
    const Story& story = stories[name];
    const bool pending = record.state == ApprovalState::pending;
    EXPECT_EQ(story.requested, 1) << name;
    EXPECT_EQ(story.votes, record.votes.size()) << name;
    EXPECT_EQ(story.outcomes, pending ? std::vector<std::string>() : std::vector{std::string(to_string(record.state))});
    EXPECT_EQ(record.version, 1U + (record.state == ApprovalState::timed_out) + record.votes.size()) << name;
    if (const auto said = said_.find(name); said != said_.end()) {
      EXPECT_GE(record.votes.size(), static_cast<std::size_t>(said->second)) << name;
      EXPECT_TRUE(said->second < decided || record.state == ApprovalState::approved) << name;
      said_.erase(said);
    }
  }
  EXPECT_TRUE(said_.empty()) << said_.begin()->first << " was opened and is not there";
  EXPECT_EQ(ask_sql(file_of_ledger(directory_), "PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace aldis::testing
