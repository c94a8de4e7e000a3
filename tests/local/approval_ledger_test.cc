// Approvals in a ledger: over reboots, where nothing can be written, and where somebody changed the rows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "engines/local/local_approvals.h"
#include "engines/local/local_audit.h"
#include "fakes/fake_clock.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Each boot has a clock that begins anew, but for its wall time.
class ApprovalLedger : public ::testing::Test {
 protected:
  ApprovalLedger() { boot("first", 0s); }

  void boot(const std::string& boot_id, std::chrono::nanoseconds wall_passed) {
    const WallTime wall = clock_->wall_now() + std::chrono::duration_cast<std::chrono::microseconds>(wall_passed);
    clock_ = std::make_shared<FakeClock>();
    clock_->step_wall(wall - clock_->wall_now());
    const auto ledger = ledger_in(directory_, kPatient, clock_, boot_id);
    store_ = make_local_approvals(ledger, doorbell_);
    audit_ = make_local_audit(ledger);
  }

  Id128 ask(std::optional<std::chrono::nanoseconds> timeout, const std::string& key = "") {
    ApprovalSubject subject{.id = next_id(),
                            .type = "deploy",
                            .agent = "ann",
                            .key = key,
                            .context = "{}",
                            .context_hash = std::string(64, 'c'),
                            .timeout = timeout};
    const auto opened = store_->open(subject);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? opened->reading.record.subject.id : Id128{};
  }
  void decide(const Id128& id) {
    const ApprovalChange change{
        .id = next_id(), .seen_version = 1, .state = ApprovalState::approved, .responder = "bob"};
    EXPECT_EQ(describe(store_->change(id, change)), "ok");
  }
  // "unknown", or the error's message if it cannot be read.
  std::string state(const Id128& id) {
    const auto found = store_->read(id);
    if (!found) return describe(found);
    return *found ? std::string(to_string((*found)->record.state)) : "unknown";
  }
  std::vector<std::string> settled() {
    std::vector<std::string> ids;
    const auto entries = audit_->entries(0, 1'000);
    for (const AuditEntry& entry : entries.value()) {
      if (entry.outcome == "timed_out") ids.push_back(entry.request_id);
    }
    return ids;
  }
  static std::string name(const Id128& id) { return format_id(kApprovalIdPrefix, id); }
  Id128 next_id() {
    Id128 id;
    id.bytes[13] = ++ids_;
    return id;
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::string path_ = file_of_ledger(directory_);
  const std::shared_ptr<Doorbell> doorbell_ = Doorbell::open(scratch_.path(), "default").value();
  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<ApprovalStore> store_;
  std::shared_ptr<AuditStore> audit_;
  std::uint8_t ids_ = 0;
};

TEST_F(ApprovalLedger, keeps_a_deadline_over_a_reboot_by_the_wall_clock) {
  const Id128 id = ask(300s);
  boot("second", 100s);
  EXPECT_EQ(store_->read(id).value()->remaining, 200s);
  clock_->advance(200s - 1us);
  EXPECT_EQ(state(id), "pending");
  clock_->advance(1us);
  EXPECT_EQ(state(id), "timed_out");
}

TEST_F(ApprovalLedger, settles_what_fell_due_while_the_host_was_off) {
  const Id128 late = ask(300s);
  const Id128 early = ask(100s);
  boot("second", 1h);
  const Id128 new_one = ask(5s);
  EXPECT_THAT(settled(), ElementsAre(name(early), name(late)));
  clock_->advance(5s);
  EXPECT_EQ(state(new_one), "timed_out");
  EXPECT_THAT(settled(), ElementsAre(name(early), name(late), name(new_one)));
}

TEST_F(ApprovalLedger, keeps_a_decision_over_a_reboot_for_its_retention) {
  const Id128 id = ask(300s, "once");
  decide(id);
  boot("second", limits::kApprovalRetention - 1us);
  EXPECT_EQ(state(id), "approved");
  EXPECT_EQ(ask(300s, "once"), id);
  clock_->advance(1us);
  EXPECT_EQ(state(id), "unknown");
  EXPECT_NE(ask(300s, "once"), id);
}

TEST_F(ApprovalLedger, knows_over_a_reboot_how_long_ago_a_request_timed_out) {
  const Id128 before = ask(5s);
  clock_->advance(5s);
  EXPECT_EQ(state(before), "timed_out");
  boot("second", 60s);
  const Id128 after = ask(5s);
  clock_->advance(5s);
  EXPECT_EQ(state(after), "timed_out");
  EXPECT_EQ(store_->remove_timed_out(65s).value(), 0U);
  EXPECT_EQ(store_->remove_timed_out(64s).value(), 1U);
  EXPECT_EQ(state(before), "unknown");
  EXPECT_EQ(state(after), "timed_out");
}

TEST_F(ApprovalLedger, is_one_store_over_a_reboot) {
  const std::string id = store_->store_id().value();
  boot("second", 1h);
  EXPECT_EQ(store_->store_id().value(), id);
}

TEST_F(ApprovalLedger, answers_about_a_request_while_another_that_is_due_cannot_be_settled) {
  const Id128 waiting = ask(300s);
  const Id128 decided = ask(300s);
  decide(decided);
  const Id128 late = ask(5s);
  const Id128 missing = next_id();
  clock_->advance(5s);
  const auto holder = ledger_in(directory_, kPatient, clock_, "first");
  const auto impatient = ledger_in(directory_, 20ms, clock_, "first");
  store_ = make_local_approvals(impatient, doorbell_);
  const auto held = holder->write(LedgerSync::full, [&](LedgerTransaction&) -> Result<void> {
    EXPECT_EQ(state(waiting), "pending");
    EXPECT_EQ(state(decided), "approved");
    EXPECT_EQ(state(missing), "unknown");
    EXPECT_THAT(state(late), StartsWith("deadline_exceeded"));
    EXPECT_THAT(describe(store_->list({.count = 1})), StartsWith("deadline_exceeded"));
    return {};
  });
  EXPECT_EQ(describe(held), "ok");
  EXPECT_EQ(state(late), "timed_out");
}

TEST_F(ApprovalLedger, reports_a_record_that_was_damaged_and_reads_the_others) {
  const Id128 damaged = ask(300s);
  const Id128 sound = ask(300s);
  ASSERT_EQ(run_sql(path_, "UPDATE approvals SET state = 'aproved' WHERE id = (SELECT min(id) FROM approvals)"), "ok");
  EXPECT_THAT(state(damaged), AllOf(StartsWith("data_loss"), HasSubstr(name(damaged))));
  EXPECT_EQ(state(sound), "pending");
}

TEST_F(ApprovalLedger, lists_what_is_sound_and_leaves_out_what_was_damaged) {
  const Id128 first = ask(300s);
  ask(300s);
  const Id128 third = ask(300s);
  ASSERT_EQ(run_sql(path_,
                    "UPDATE approvals SET deadline_boot = NULL WHERE id = (SELECT min(id) FROM approvals WHERE id "
                    "> (SELECT min(id) FROM approvals))"),
            "ok");
  for (const std::vector<ApprovalState>& states : {std::vector<ApprovalState>{}, {ApprovalState::pending}}) {
    const auto listed = store_->list({.states = states, .count = 2});
    ASSERT_EQ(describe(listed), "ok");
    ASSERT_EQ(listed->size(), 2U) << "fewer would say that there are no more";
    EXPECT_EQ(listed->front().record.subject.id, first);
    EXPECT_EQ(listed->back().record.subject.id, third);
  }
}

TEST_F(ApprovalLedger, shows_no_entry_that_was_put_below_the_anchor_but_tells_of_it) {
  ask(300s);
  ask(300s);
  const AuditHead through{1, audit_->entries(0, 1).value().front().hash};
  ASSERT_EQ(run_sql(path_, "CREATE TABLE kept AS SELECT * FROM audit_log"), "ok");
  ASSERT_EQ(describe(audit_->rotate(through, "dana")), "ok");
  EXPECT_EQ(audit_->bounds().value().stray, std::nullopt);
  ASSERT_EQ(run_sql(path_, "INSERT INTO audit_log SELECT * FROM kept WHERE number = 1; DROP TABLE kept"), "ok");
  EXPECT_EQ(audit_->bounds().value().stray, 1U);
  EXPECT_EQ(audit_->entries(0, 10).value().front().number, 2U);
}

TEST_F(ApprovalLedger, shows_an_entry_that_was_changed_as_it_is_and_its_hash_is_wrong) {
  ask(300s);
  for (const std::string change : {"kind = 'requestd'", "kind = ''", "time_us = time_us + 1", "actor = 'eve'"}) {
    ASSERT_EQ(run_sql(path_, "CREATE TABLE kept AS SELECT * FROM audit_log; UPDATE audit_log SET " + change), "ok");
    const std::vector<AuditEntry> entries = audit_->entries(0, 10).value();
    ASSERT_EQ(entries.size(), 1U) << change;
    EXPECT_NE(audit_hash(entries.front()), entries.front().hash) << change;
    ASSERT_EQ(run_sql(path_, "DELETE FROM audit_log; INSERT INTO audit_log SELECT * FROM kept; DROP TABLE kept"), "ok");
    const AuditEntry whole = audit_->entries(0, 10).value().front();
    EXPECT_EQ(audit_hash(whole), whole.hash);
  }
}

}  // namespace
}  // namespace aldis::testing
