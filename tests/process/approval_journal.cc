#include "approval_journal.h"

#include <gtest/gtest.h>

#include <charconv>

#include "approval_stage.h"
#include "core/format.h"
#include "core/sha256.h"

namespace aldis::testing {
namespace {

int number_in(const std::string& word) {
  int number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

bool is_verdict(ApprovalState state) { return state == ApprovalState::approved || state == ApprovalState::rejected; }

std::string hash_of(const std::string& reason) { return reason.empty() ? "" : sha256_hex(reason); }

std::string line_of(const AuditEntry& entry) {
  return fmt::format("{} {} by {}, {} {}; ", to_string(entry.kind), or_dash(entry.outcome), or_dash(entry.actor),
                     or_dash(entry.context_hash), or_dash(entry.detail_hash));
}

// What the audit log must hold of a request that is decided.
std::string history_of(const ApprovalRequest& record) {
  const std::string state(to_string(record.status));
  AuditEntry entry{.kind = AuditKind::requested, .actor = record.agent_id, .context_hash = record.context_hash};
  std::string history = line_of(entry);
  for (const ApprovalVote& vote : record.votes) {
    entry.kind = AuditKind::vote;
    entry.actor = vote.responder;
    entry.outcome = vote.approved ? "approved" : "rejected";
    entry.detail_hash = hash_of(vote.reason);
    history += line_of(entry);
  }
  entry.kind = AuditKind::decided;
  entry.actor = record.responder;
  entry.outcome = state;
  entry.detail_hash = hash_of(record.reason);
  return history + line_of(entry);
}

}  // namespace

void ApprovalJournal::note(const Words& line) {
  const std::string& word = line.at(0);
  if (word == "asking") {
    last_numbers_[line.at(1)] = number_in(line.at(2));
  } else if (word == "opened") {
    note_opened(line);
  } else if (word == "deciding") {
    announced_[line.at(4)] = {line.at(2), line.at(3)};
  } else if (word == "decided") {
    note_decided(line);
  } else if (word == "cancelled") {
    cancelled_.insert(line.at(2));
  } else if (word == "ended") {
    note_ended(line);
  } else if (word == "finished") {
    finished_.insert(line.at(1));
  } else if (word != "beaten" && word != "killed") {
    ADD_FAILURE() << joined(line, 0);
  }
}

void ApprovalJournal::note_opened(const Words& line) {
  ++progress_;
  const auto [place, is_new] = opened_.emplace(std::pair(line.at(1), number_in(line.at(2))), line.at(3));
  EXPECT_EQ(place->second, line.at(3)) << "the same key is another request: " << joined(line, 0);
}

void ApprovalJournal::note_decided(const Words& line) {
  ++progress_;
  const auto [place, is_new] = decided_.emplace(line.at(2), line.at(3));
  EXPECT_TRUE(is_new) << line.at(2) << " was decided twice: " << place->second << " and " << line.at(3);
}

void ApprovalJournal::note_ended(const Words& line) {
  const auto [place, is_new] = ended_.emplace(line.at(2), joined(line, 3));
  EXPECT_EQ(place->second, joined(line, 3)) << line.at(2) << " ended in two ways";
}

int ApprovalJournal::last_number_of(const std::string& agent) const {
  const auto found = last_numbers_.find(agent);
  return found == last_numbers_.end() ? 0 : found->second;
}

void ApprovalJournal::check_records(const std::vector<ApprovalRequest>& records, std::size_t count) const {
  EXPECT_EQ(records.size(), count);
  EXPECT_EQ(opened_.size(), count);
  std::set<std::string> ids;
  for (const ApprovalRequest& record : records) {
    ids.insert(record.request_id);
    check_decision(record);
    check_said(record);
  }
  EXPECT_EQ(ids.size(), count);
  for (const auto& [who, id] : opened_) EXPECT_TRUE(ids.contains(id)) << id << " is lost";
}

// By itself.
void ApprovalJournal::check_decision(const ApprovalRequest& record) const {
  const std::string state(to_string(record.status));
  SCOPED_TRACE(fmt::format("{} is {} by {}: {}", record.request_id, state, record.responder, record.reason));
  EXPECT_NE(record.status, ApprovalState::pending);
  EXPECT_TRUE(record.decided_at);
  if (!is_verdict(record.status)) {
    EXPECT_EQ(record.votes.size(), 0u);
    return;
  }
  ASSERT_EQ(record.votes.size(), 1u) << "the first one decides";
  EXPECT_EQ(record.votes[0].responder, record.responder);
  EXPECT_EQ(record.votes[0].reason, record.reason);
  EXPECT_EQ(record.votes[0].approved, record.status == ApprovalState::approved);
  const auto announced = announced_.find(record.reason);
  ASSERT_NE(announced, announced_.end()) << "nobody made that decision";
  EXPECT_EQ(announced->second.id, record.request_id);
  EXPECT_EQ(announced->second.verdict, state);
}

// By what those who live were told.
void ApprovalJournal::check_said(const ApprovalRequest& record) const {
  const std::string& id = record.request_id;
  if (const auto decided = decided_.find(id); decided != decided_.end()) {
    EXPECT_EQ(record.reason, decided->second) << id << ": an acknowledged decision is lost";
  }
  if (cancelled_.contains(id)) {
    EXPECT_EQ(record.status, ApprovalState::cancelled) << id << ": an acknowledged cancellation is lost";
  }
  const auto ended = ended_.find(id);
  ASSERT_NE(ended, ended_.end()) << id << ": nobody was told";
  EXPECT_EQ(ended->second,
            fmt::format("{} {} {}", to_string(record.status), or_dash(record.responder), or_dash(record.reason)));
}

void ApprovalJournal::check_audit(const std::vector<ApprovalRequest>& records, const std::vector<AuditEntry>& entries) {
  std::map<std::string, std::string> histories;
  std::map<std::string, WallTime> last;
  for (const AuditEntry& entry : entries) {
    histories[entry.request_id] += line_of(entry);
    last[entry.request_id] = entry.time;
  }
  EXPECT_EQ(histories.size(), records.size());
  for (const ApprovalRequest& record : records) {
    EXPECT_EQ(histories[record.request_id], history_of(record)) << record.request_id;
    EXPECT_EQ(last[record.request_id], record.decided_at) << record.request_id;
  }
}

}  // namespace aldis::testing
