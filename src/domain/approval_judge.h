#pragma once
// Records as this process's own policy sees them. Used by approvals.cc and approval_wait.cc; implemented in
// approval_judge.cc; what follows from votes that are good is approval_state.h.
//
// Model: made for one call. The rules are those that were loaded when the gate was opened; the keys are read again, so
// that a revoked one counts no more in a process that has run for weeks. Threads: const calls are safe. Errors: of
// approvers.toml as ApprovalPolicy::load, and the store's; data_loss for a record whose context is no JSON object, or
// not the one that its hash was made of.

#include <string>
#include <string_view>
#include <utility>

#include "domain/approval_signature.h"
#include "domain/approval_state.h"
#include "domain/workspace_impl.h"

namespace aldis {

// How a record looks: what was found, and the same for whoever asked.
struct JudgedApproval {
  ApprovalMode mode;
  ApprovalFinding finding;
  ApprovalRequest request;
  bool wants_looks = false;  // what is found may change without a change of the record: a key is trusted, time passes
};

class ApprovalJudge {
 public:
  static Result<ApprovalJudge> make(const Workspace::Impl& workspace, const ApprovalPolicy& policy);

  // Reads approvers.toml again.
  Result<void> refresh() { return policy_.refresh(); }

  const ApprovalPolicy& policy() const { return policy_; }
  const ApprovalRule* rule_for(std::string_view type) const { return policy_.rule_for(type); }
  Result<JudgedApproval> judge(const ApprovalReading& reading) const;
  Result<ApprovalMode> mode_of(const ApprovalReading& reading) const;

  // Gives `vote` its signature and the time that this is made for: that of the deadline if the clock here is ahead of
  // it by limits::kVoteTimeSlack at most, which does not spoil a vote that the store still takes. Fails unless the vote
  // will count. REQUIRES: there is a rule.
  Result<void> sign(const ApprovalReading& reading, const ApproverKey& key, StoredVote& vote) const;

 private:
  ApprovalJudge(const Workspace::Impl& workspace, ApprovalPolicy policy)
      : workspace_(&workspace), policy_(std::move(policy)) {}

  VoteScope scope_of(const ApprovalRecord& record) const;

  const Workspace::Impl* workspace_;
  ApprovalPolicy policy_;
  std::string store_id_;
};

}  // namespace aldis
