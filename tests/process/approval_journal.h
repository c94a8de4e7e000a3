#pragma once
// What ask-many and answer-many (approval_worker.cc) say they did, and whether the store agrees. Used by
// approval_kill_test.cc; implemented in approval_journal.cc. Threads: one thread.

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aldis/approvals.h"
#include "aldis/audit.h"
#include "fleet.h"

namespace aldis::testing {

class ApprovalJournal {
 public:
  // Takes one line in, and fails the test if it must not have been said.
  void note(const Words& line);

  std::size_t progress() const { return progress_; }   // requests opened and decisions made, as they were said
  int last_number_of(const std::string& agent) const;  // that it asked for; 0: none
  bool has_finished(const std::string& agent) const { return finished_.contains(agent); }

  // Fails the test where the store's records, all `count` of them, are not what was said.
  void check_records(const std::vector<ApprovalRequest>& records, std::size_t count) const;
  // Fails the test where the audit log does not tell the same as the records.
  static void check_audit(const std::vector<ApprovalRequest>& records, const std::vector<AuditEntry>& entries);

 private:
  struct Announced {
    std::string id;
    std::string verdict;
  };

  void note_opened(const Words& line);
  void note_decided(const Words& line);
  void note_ended(const Words& line);
  void check_decision(const ApprovalRequest& record) const;
  void check_said(const ApprovalRequest& record) const;

  std::map<std::pair<std::string, int>, std::string> opened_;  // id, by agent and number
  std::map<std::string, int> last_numbers_;
  std::map<std::string, Announced> announced_;  // by reason, which is given once
  std::map<std::string, std::string> decided_;  // reason, by id
  std::map<std::string, std::string> ended_;    // how, by whom and why, by id
  std::set<std::string> cancelled_;             // ids
  std::set<std::string> finished_;
  std::size_t progress_ = 0;
};

}  // namespace aldis::testing
