// The audit log: what verify finds when somebody changed it, and what it cannot find.

#include "aldis/audit.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <functional>
#include <ostream>

#include "approvals_world.h"
#include "core/audit_chain.h"
#include "domain/audit_check.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A log that somebody may have changed: what is in it, and what the store says of its ends.
struct StoredLog {
  std::vector<AuditEntry> entries;
  AuditBounds bounds;
};

AuditEntry entry_of(std::size_t index) {
  AuditEntry entry;
  entry.kind = static_cast<AuditKind>(index % 3);
  entry.time = WallTime{std::chrono::microseconds{1'790'000'000'000'000 + static_cast<std::int64_t>(index)}};
  entry.request_id = "apr_0000000000000000000000000" + std::to_string(index % 10);
  entry.approval_type = "deploy";
  entry.agent_id = "alice";
  entry.actor = "bob";
  entry.outcome = "approved";
  entry.key_id = "0123456789abcdef";
  entry.context_hash = std::string(64, 'c');
  entry.detail_hash = std::string(64, 'd');
  return entry;
}

StoredLog log_of(std::size_t count) {
  StoredLog log;
  for (std::size_t i = 0; i < count; ++i) {
    log.entries.push_back(entry_of(i));
    chain_entry(log.entries.back(), log.bounds.head);
  }
  return log;
}

AuditVerification check(const StoredLog& log, const std::optional<AuditHead>& noted = {}) {
  AuditCheck checking(log.bounds, noted);
  for (const AuditEntry& entry : log.entries) {
    if (!checking.take(entry)) break;
  }
  return checking.finish();
}

// The number of the first fault, or 0.
std::uint64_t fault_in(const StoredLog& log, const std::optional<AuditHead>& noted = {}) {
  const AuditVerification verified = check(log, noted);
  return verified.fault ? verified.fault->number : 0;
}

AuditHead head_at(const StoredLog& log, std::size_t number) {
  return {.number = number, .hash = log.entries[number - 1].hash};
}

void renumber(StoredLog& log) {
  for (std::size_t i = 0; i < log.entries.size(); ++i) log.entries[i].number = i + 1;
}

// Chains anew what is from `index` on, as whoever owns the store can.
void rewrite(StoredLog& log, std::size_t index) {
  AuditHead head = index == 0 ? AuditHead{} : head_at(log, index);
  for (std::size_t i = index; i < log.entries.size(); ++i) chain_entry(log.entries[i], head);
  log.bounds.head = head;
}

constexpr std::size_t kEntries = 12;

struct FieldChange {
  std::string field;
  std::function<void(AuditEntry&)> make;

  friend std::ostream& operator<<(std::ostream& out, const FieldChange& change) { return out << change.field; }
};

class ChangedField : public ::testing::TestWithParam<FieldChange> {};

TEST_P(ChangedField, is_found_in_each_entry) {
  for (std::size_t i = 0; i < kEntries; ++i) {
    StoredLog log = log_of(kEntries);
    GetParam().make(log.entries[i]);
    std::ranges::sort(log.entries, {}, &AuditEntry::number);  // as a store answers
    EXPECT_EQ(fault_in(log), i + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , ChangedField,
    ::testing::Values(FieldChange{"number", [](AuditEntry& entry) { entry.number += 100; }},
                      FieldChange{"kind", [](AuditEntry& entry) { entry.kind = AuditKind::rotated; }},
                      FieldChange{"time", [](AuditEntry& entry) { entry.time += 1us; }},
                      FieldChange{"request_id", [](AuditEntry& entry) { entry.request_id.back() = 'X'; }},
                      FieldChange{"approval_type", [](AuditEntry& entry) { entry.approval_type = "delete"; }},
                      FieldChange{"agent_id", [](AuditEntry& entry) { entry.agent_id = "carol"; }},
                      FieldChange{"actor", [](AuditEntry& entry) { entry.actor = "mallory"; }},
                      FieldChange{"outcome", [](AuditEntry& entry) { entry.outcome = "rejected"; }},
                      FieldChange{"key_id", [](AuditEntry& entry) { entry.key_id.clear(); }},
                      FieldChange{"context_hash", [](AuditEntry& entry) { entry.context_hash[0] = 'e'; }},
                      FieldChange{"detail_hash", [](AuditEntry& entry) { entry.detail_hash[0] = 'e'; }},
                      FieldChange{"previous_hash", [](AuditEntry& entry) { entry.previous_hash[0] = 'x'; }},
                      FieldChange{"hash", [](AuditEntry& entry) { entry.hash[0] = 'x'; }},
                      FieldChange{"text_that_moved_to_the_next_field",
                                  [](AuditEntry& entry) {
                                    entry.actor = "bobapproved";
                                    entry.outcome.clear();
                                  }}),
    [](const auto& tested) { return tested.param.field; });

TEST(AuditCheck, a_log_as_it_was_written_has_no_fault) {
  for (std::size_t count = 0; count <= kEntries; ++count) {
    const StoredLog log = log_of(count);
    const AuditVerification verified = check(log);
    EXPECT_FALSE(verified.fault) << verified.fault->what;
    EXPECT_EQ(verified.entries, count);
    EXPECT_EQ(verified.head, log.bounds.head);
    EXPECT_EQ(verified.first, AuditHead{});
    EXPECT_FALSE(verified.head_proven) << "nothing was noted";
  }
}

TEST(AuditCheck, each_entry_that_was_changed_with_its_hash_made_anew_is_found) {
  for (std::size_t i = 0; i + 1 < kEntries; ++i) {
    StoredLog log = log_of(kEntries);
    log.entries[i].actor = "mallory";
    log.entries[i].hash = audit_hash(log.entries[i]);
    EXPECT_EQ(fault_in(log), i + 1);
  }
}

TEST(AuditCheck, each_entry_that_was_removed_is_found) {
  for (std::size_t i = 0; i + 1 < kEntries; ++i) {
    StoredLog log = log_of(kEntries);
    log.entries.erase(log.entries.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(fault_in(log), i + 1) << "a hole";
    renumber(log);
    EXPECT_EQ(fault_in(log), i + 1) << "renumbered";
  }
}

TEST(AuditCheck, an_entry_that_was_inserted_is_found_at_each_place) {
  for (std::size_t i = 0; i < kEntries; ++i) {
    const auto place = static_cast<std::ptrdiff_t>(i);
    StoredLog log = log_of(kEntries);
    AuditEntry added = entry_of(i);
    added.actor = "mallory";
    added.number = i + 1;
    log.entries.insert(log.entries.begin() + place, added);
    EXPECT_EQ(fault_in(log), i + 1) << "a number twice";
    renumber(log);
    EXPECT_EQ(fault_in(log), i + 1) << "the others renumbered";
    AuditHead before = i == 0 ? AuditHead{} : head_at(log, i);
    chain_entry(log.entries[i], before);
    EXPECT_EQ(fault_in(log), i + 1) << "and chained to the one before";
  }
}

TEST(AuditCheck, neighbours_that_were_swapped_are_found) {
  for (std::size_t i = 0; i + 1 < kEntries; ++i) {
    StoredLog log = log_of(kEntries);
    std::swap(log.entries[i], log.entries[i + 1]);
    EXPECT_EQ(fault_in(log), i + 1);
    renumber(log);
    EXPECT_EQ(fault_in(log), i + 1) << "renumbered";
  }
}

TEST(AuditCheck, the_last_sound_entry_is_the_one_before_the_fault) {
  for (std::size_t i = 0; i < kEntries; ++i) {
    StoredLog log = log_of(kEntries);
    log.entries[i].actor = "mallory";
    EXPECT_EQ(check(log).head, i == 0 ? AuditHead{} : head_at(log, i));
  }
}

TEST(AuditCheck, a_tail_that_was_cut_is_found_with_a_noted_head_and_not_without) {
  const StoredLog whole = log_of(kEntries);
  for (std::size_t kept = 0; kept < kEntries; ++kept) {
    StoredLog log = whole;
    log.entries.resize(kept);
    log.bounds.head = kept == 0 ? AuditHead{} : head_at(whole, kept);
    EXPECT_EQ(fault_in(log), 0u) << "what the documentation says of it";
    EXPECT_EQ(fault_in(log, whole.bounds.head), kept + 1);
    EXPECT_FALSE(check(log, whole.bounds.head).head_proven);
  }
}

TEST(AuditCheck, a_tail_that_was_cut_is_found_where_the_store_remembers_its_head) {
  StoredLog log = log_of(kEntries);
  log.entries.resize(7);
  EXPECT_EQ(fault_in(log), 8u);
}

TEST(AuditCheck, a_log_that_was_written_anew_is_found_with_a_noted_head_and_not_without) {
  const StoredLog whole = log_of(kEntries);
  for (std::size_t i = 0; i < kEntries; ++i) {
    StoredLog log = whole;
    log.entries[i].actor = "mallory";
    rewrite(log, i);
    EXPECT_EQ(fault_in(log), 0u) << "what the documentation says of it";
    EXPECT_EQ(fault_in(log, whole.bounds.head), kEntries);
    if (i > 0) {
      EXPECT_TRUE(check(log, head_at(whole, i)).head_proven) << "noted before what was changed";
    }
  }
}

TEST(AuditCheck, a_noted_head_is_proven_by_any_later_log) {
  const StoredLog log = log_of(kEntries);
  for (std::size_t number = 1; number <= kEntries; ++number) {
    EXPECT_TRUE(check(log, head_at(log, number)).head_proven);
    EXPECT_FALSE(check(log, head_at(log, number)).fault);
    const AuditHead other{.number = number, .hash = std::string(64, 'f')};
    EXPECT_EQ(fault_in(log, other), number);
    EXPECT_FALSE(check(log, other).head_proven);
  }
  EXPECT_TRUE(check(log, AuditHead{}).head_proven) << "noted when nothing was recorded yet";
}

TEST(AuditCheck, behind_a_rotation_the_log_begins_with_its_anchor) {
  StoredLog log = log_of(kEntries);
  AuditEntry rotated;
  rotated.kind = AuditKind::rotated;
  rotated.detail_hash = log.entries[4].hash;
  log.entries.push_back(rotated);
  chain_entry(log.entries.back(), log.bounds.head);
  log.bounds.anchor = head_at(log, 5);
  const StoredLog whole = log;
  log.entries.erase(log.entries.begin(), log.entries.begin() + 5);
  EXPECT_EQ(fault_in(log), 0u);
  EXPECT_EQ(check(log).first, log.bounds.anchor);
  EXPECT_EQ(check(log).entries, kEntries - 5 + 1);
  EXPECT_TRUE(check(log, head_at(whole, 5)).head_proven) << "the anchor itself";
  EXPECT_TRUE(check(log, head_at(whole, 6)).head_proven);
  EXPECT_EQ(fault_in(log, head_at(whole, 4)), 4u) << "that went with the rotation";
  log.entries.erase(log.entries.begin());
  EXPECT_EQ(fault_in(log), 6u) << "what was removed behind the anchor";
}

TEST(AuditCheck, what_was_removed_from_the_front_without_a_rotation_is_found) {
  StoredLog log = log_of(kEntries);
  log.bounds.anchor = head_at(log, 5);
  log.entries.erase(log.entries.begin(), log.entries.begin() + 5);
  EXPECT_EQ(fault_in(log), 5u);
  EXPECT_THAT(check(log).fault->what, HasSubstr("no rotation"));
}

TEST(AuditCheckProperties, whatever_was_done_to_the_entries_is_found_unless_they_are_as_they_were) {
  EXPECT_TRUE(rc::check("entries removed, repeated, moved and changed", [] {
    const StoredLog whole = log_of(kEntries);
    StoredLog log = whole;
    const auto blows = *rc::gen::inRange(1, 4);
    for (int blow = 0; blow < blows && !log.entries.empty(); ++blow) {
      const auto from = *rc::gen::inRange<std::size_t>(0, log.entries.size());
      const auto to = *rc::gen::inRange<std::size_t>(0, log.entries.size());
      const auto kind = *rc::gen::inRange(0, 4);
      if (kind == 0) log.entries.erase(log.entries.begin() + static_cast<std::ptrdiff_t>(from));
      if (kind == 1) std::swap(log.entries[from], log.entries[to]);
      if (kind == 2) log.entries[from] = log.entries[to];
      if (kind == 3) log.entries[from].outcome = "rejected";
    }
    std::size_t same = 0;
    while (same < log.entries.size() && same < kEntries && log.entries[same] == whole.entries[same]) ++same;
    const bool is_there_twice = same > 0 && same < log.entries.size() && log.entries[same].number == same;
    RC_ASSERT(fault_in(log) == (same == kEntries ? 0 : same + (is_there_twice ? 0 : 1)));
  }));
}

TEST(AuditHeads, are_written_and_read_as_number_and_hash) {
  const AuditHead head{.number = 17, .hash = std::string(63, 'a') + "0"};
  EXPECT_EQ(format_audit_head(head), "17:" + head.hash);
  EXPECT_EQ(*parse_audit_head(format_audit_head(head)), head);
  EXPECT_EQ(*parse_audit_head(format_audit_head({})), AuditHead{});
  const std::string hash(64, 'a');
  for (const std::string& wrong :
       {std::string(), std::string("17"), std::string("17:"), hash, ":" + hash, "017:" + hash, "-1:" + hash,
        "+1:" + hash, " 17:" + hash, "17:" + hash + "a", "17:" + hash + "\n", "17:" + std::string(64, 'A'),
        "17:" + std::string(64, 'g'), "18446744073709551616:" + hash, "17;" + hash}) {
    const auto parsed = parse_audit_head(wrong);
    EXPECT_FALSE(parsed) << wrong;
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    }
  }
}

// Over the twin.

class AuditLogTest : public ::testing::Test {
 protected:
  void decide(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = world.ask("alice").request_id;
      ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob"));
    }
  }

  ApprovalsWorld world;
  AuditLog log{world.workspace()};
};

TEST_F(AuditLogTest, is_empty_before_anything_was_asked) {
  EXPECT_EQ(*log.head(), AuditHead{});
  EXPECT_THAT(*log.list(), SizeIs(0));
  const auto verified = log.verify();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault);
  EXPECT_EQ(verified->entries, 0u);
}

TEST_F(AuditLogTest, is_read_page_by_page) {
  decide(2);
  EXPECT_THAT(*log.list(), SizeIs(6));
  EXPECT_THAT(*log.list(4), SizeIs(2));
  EXPECT_EQ(log.list(4)->front().number, 5u);
  EXPECT_THAT(*log.list(0, 2), SizeIs(2));
  EXPECT_THAT(*log.list(6), SizeIs(0));
  EXPECT_EQ(*log.head(), (AuditHead{6, log.list()->back().hash}));
  for (const std::size_t count : {std::size_t{0}, limits::kAuditPage + 1}) {
    EXPECT_EQ(code_of(log.list(0, count)), ErrorCode::invalid_argument);
  }
}

TEST_F(AuditLogTest, of_more_than_a_page_is_visited_and_verified_whole) {
  decide(700);
  std::uint64_t seen = 0;
  ASSERT_TRUE(log.for_each([&](const AuditEntry& entry) {
    EXPECT_EQ(entry.number, ++seen);
    return true;
  }));
  EXPECT_EQ(seen, 2100u);
  const auto verified = log.verify(*log.head());
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->entries, 2100u);
  EXPECT_TRUE(verified->head_proven);
}

TEST_F(AuditLogTest, is_visited_until_the_visitor_has_enough) {
  decide(3);
  int seen = 0;
  ASSERT_TRUE(log.for_each([&](const AuditEntry&) { return ++seen < 4; }));
  EXPECT_EQ(seen, 4);
}

TEST_F(AuditLogTest, goes_on_after_a_rotation_and_keeps_its_numbers) {
  decide(3);
  const AuditHead exported{6, log.list()->at(5).hash};
  EXPECT_EQ(*log.rotate(exported), 6u);
  const auto entries = *log.list();
  EXPECT_EQ(entries.front().number, 7u);
  EXPECT_EQ(entries.back().kind, AuditKind::rotated);
  EXPECT_EQ(entries.back().detail_hash, exported.hash);
  decide(1);
  const auto verified = log.verify(exported);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->first, exported);
  EXPECT_TRUE(verified->head_proven);
  EXPECT_EQ(verified->entries, 7u);
}

TEST_F(AuditLogTest, is_not_rotated_at_a_head_that_it_does_not_hold) {
  decide(1);
  EXPECT_EQ(code_of(log.rotate({2, std::string(64, 'f')})), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(log.rotate({9, log.head()->hash})), ErrorCode::failed_precondition);
  EXPECT_THAT(*log.list(), SizeIs(3));
}

// A store that others work on while it is read, or that does not answer.
class BusyAudit final : public AuditStore {
 public:
  explicit BusyAudit(std::shared_ptr<AuditStore> store) : store_(std::move(store)) {}
  std::function<void()> before_entries;
  std::function<void(AuditEntry&)> tamper;
  std::optional<std::uint64_t> stray;
  bool failing = false;
  Result<AuditBounds> bounds() override {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    auto bounds = store_->bounds();
    if (bounds) bounds->stray = stray;
    return bounds;
  }
  Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) override {
    if (before_entries) std::exchange(before_entries, {})();
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    auto entries = store_->entries(after, count);
    if (entries && tamper) std::ranges::for_each(*entries, tamper);
    return entries;
  }
  Result<std::uint64_t> rotate(const AuditHead& through) override {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    return store_->rotate(through);
  }

 private:
  const std::shared_ptr<AuditStore> store_;
};

class BusyAuditLogTest : public AuditLogTest {
 protected:
  Workspace busy_workspace() {
    WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
    parts.audit = store;
    return Workspace(std::make_shared<Workspace::Impl>(WorkspaceOptions{}, std::move(parts)));
  }
  const std::shared_ptr<BusyAudit> store = std::make_shared<BusyAudit>(world.memory.audit);
  AuditLog busy{busy_workspace()};
};

TEST_F(BusyAuditLogTest, that_grows_while_it_is_verified_has_no_fault) {
  decide(2);
  store->before_entries = [&] { decide(1); };
  const auto verified = busy.verify();
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->entries, 9u);
}

TEST_F(BusyAuditLogTest, that_is_rotated_while_it_is_verified_has_no_fault) {
  decide(2);
  store->before_entries = [&] { ASSERT_TRUE(log.rotate({3, log.list()->at(2).hash})); };
  const auto verified = busy.verify();
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->first.number, 3u);
}

TEST_F(BusyAuditLogTest, that_has_a_fault_is_not_rotated) {
  decide(3);
  const AuditHead exported{6, log.list()->at(5).hash};
  store->tamper = [](AuditEntry& entry) {
    if (entry.number == 2) entry.actor = "mallory";
  };
  const Error error = error_of(busy.rotate(exported));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("entry 2 was changed"));
  EXPECT_THAT(*log.list(), SizeIs(9)) << "what proves it is still there";
  store->tamper = {};
  EXPECT_EQ(*busy.rotate(exported), 6u);
}

TEST_F(BusyAuditLogTest, that_has_an_entry_below_its_beginning_has_a_fault) {
  decide(3);
  ASSERT_TRUE(log.rotate({6, log.list()->at(5).hash}));
  EXPECT_FALSE(busy.verify()->fault);
  store->stray = 4;
  const auto verified = busy.verify();
  ASSERT_TRUE(verified->fault);
  EXPECT_EQ(verified->fault->number, 4u);
  EXPECT_THAT(verified->fault->what, HasSubstr("stored as number 4, and the log begins behind 6"));
}

TEST_F(BusyAuditLogTest, that_cannot_be_reached_is_not_said_to_be_sound) {
  decide(1);
  store->failing = true;
  EXPECT_EQ(code_of(busy.verify()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.list()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.head()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.rotate({})), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.for_each([](const AuditEntry&) { return true; })), ErrorCode::unavailable);
}

}  // namespace
}  // namespace aldis::testing
