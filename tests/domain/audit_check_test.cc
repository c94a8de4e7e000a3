// What verifying finds when somebody changed the audit log, and what it cannot find.

#include "domain/audit_check.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <chrono>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/audit_chain.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

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
  EXPECT_EQ(fault_in(log, head_at(whole, 4)), 0u) << "that went with the rotation";
  EXPECT_FALSE(check(log, head_at(whole, 4)).head_proven);
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

TEST(AuditCheck, a_head_that_was_cut_back_is_found_where_something_is_stored_behind_it) {
  const StoredLog whole = log_of(kEntries);
  for (std::size_t kept = 0; kept < kEntries; ++kept) {
    StoredLog log = whole;
    log.entries.resize(kept);
    log.bounds.head = kept == 0 ? AuditHead{} : head_at(whole, kept);
    log.bounds.stray = kept + 1;
    EXPECT_EQ(fault_in(log), kept + 1);
    EXPECT_THAT(check(log).fault->what, HasSubstr("more was recorded, from entry " + std::to_string(kept + 1)));
    EXPECT_EQ(check(log).head, log.bounds.head) << "the last sound entry";
    EXPECT_THAT(check(log, whole.bounds.head).fault->what, HasSubstr("more was recorded"));
  }
}

TEST(AuditCheck, what_is_wrong_before_the_head_comes_before_what_is_stored_behind_it) {
  StoredLog log = log_of(kEntries);
  log.bounds.stray = kEntries + 1;
  log.entries[3].actor = "mallory";
  EXPECT_EQ(fault_in(log), 4u);
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

}  // namespace
}  // namespace aldis::testing
