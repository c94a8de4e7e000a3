#pragma once
// Asking people (or other agents) for permission, with a record. Implemented in src/domain/approvals.cc; the rule that
// decides is src/domain/approval_state.h; who may answer, and how answers are signed, is aldis/approvers.h.
//
// Model: a request is pending until exactly one of approved, rejected, timed_out and cancelled, atomically: the first
// decision that completes the rule wins. It is durable: it outlives every process, and times out by the store's clock
// whoever still waits. In `open` mode the first answer decides and the responder's name is recorded as it was given,
// unverified. In `signed` mode (a policy names the approvers of a type) only votes with a valid signature count, one
// rejection rejects, and `quorum` distinct approvals approve; whoever waits verifies every signature against its own
// policy. Nobody answers a request of its own. Asking again with the same idempotency key is the same request.
// Threads: safe from any thread. A waiting call sleeps until it is woken or its next deadline; it does not poll.
// Errors: invalid_argument (names, sizes, timeout); conflict (already decided, naming by whom; voted twice; changed
// since it was read; the same key with another context or policy); failed_precondition (timed out at …; opened under a
// policy that is not here); permission_denied (one's own request, not an approver, a signature that is not valid);
// not_found; data_loss (somebody changed the record in the store: the message says what); deadline_exceeded (the
// patience of a wait is over, and nothing else: a store that does not answer in time is `unavailable`); plus the
// store's. A failed call changes nothing; only one that is `unavailable` from a Redis store may have been done, and
// says so. Limits: limits.h, "Approvals".

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/approvers.h"
#include "aldis/export.h"
#include "aldis/json.h"
#include "aldis/limits.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

enum class ApprovalState { pending, approved, rejected, timed_out, cancelled };

ALDIS_API std::string_view to_string(ApprovalState state);

struct ApprovalVote {
  std::string responder;
  bool approved = false;
  std::string reason;
  WallTime time;
  std::string key_id;            // empty: not signed
  bool signature_valid = false;  // it is that of an approver, by this process's own policy, and the vote counts
};

struct ApprovalRequest {
  std::string request_id;
  std::string approval_type;
  std::string agent_id;  // who asked
  Json context;
  std::string context_hash;                              // SHA-256 of the context's exact bytes, 64 hexadecimal digits
  WallTime timestamp;                                    // when it was opened
  std::optional<std::chrono::nanoseconds> timeout;       // none: it never times out
  std::optional<WallTime> expires_at;                    // timestamp + timeout, for display; the store's clock decides
  ApprovalState status = ApprovalState::pending;         // in signed mode: as the votes prove it, by the rule here
  ApprovalState stored_status = ApprovalState::pending;  // another one only where the store has a verdict that the
                                                         // votes do not prove: the policy changed, a key was revoked,
                                                         // or somebody wrote it. Nobody can answer such a request
  std::string responder;  // who decided; of a cancelled one the agent; empty while pending and when timed out
  std::string reason;     // of a verdict that is not proven: what is stored
  std::optional<WallTime> decided_at;  // of a timed-out one: when that was settled
  bool verified = false;               // the decision rests on signatures, and the policy is not ours to change
  std::vector<ApprovalVote> votes;     // oldest first
  std::uint32_t approvals = 0;         // votes that count
  std::uint32_t quorum = 1;            // of the rule here, if there is one
  bool is_signed = false;              // only signatures count: a rule here matches, or it was opened under one
  std::string policy_hash;             // of the rule in force when it was opened; empty: open mode
};

// How a request ended. A timeout is never a verdict.
enum class ApprovalEnd { approved, rejected, timed_out, cancelled };

ALDIS_API std::string_view to_string(ApprovalEnd end);

struct ApprovalOutcome {
  ApprovalEnd end = ApprovalEnd::timed_out;
  ApprovalRequest request;  // who, why, when, and the hash of the context that was decided on

  bool approved() const { return end == ApprovalEnd::approved; }
};

struct RequestOptions {
  // "" = none. Asking again with the same key (of this agent and type) is the same request, or its decision as it is;
  // kept as long as the record.
  std::string key = {};
};

struct ApprovalFilter {
  std::string type = {};                   // empty: any
  std::string agent_id = {};               // who asked; empty: anybody
  std::vector<ApprovalState> states = {};  // empty: any, also those whose verdict is not proven
  std::string after = {};                  // the request id that the page before ended with
  std::size_t count = limits::kApprovalPage;
};

class ALDIS_API ApprovalGate {
 public:
  // `agent_id` is who asks, cancels, or answers; may be empty for one who only answers and reads. Reads the policy of
  // the workspace's configuration directory; errors as approval_directory and ApprovalPolicy::load, and
  // failed_precondition where WorkspaceOptions names a directory that does not exist.
  static Result<ApprovalGate> open(Workspace workspace, std::string agent_id = {});
  ~ApprovalGate();
  ApprovalGate(ApprovalGate&&) noexcept;
  ApprovalGate& operator=(ApprovalGate&&) noexcept;

  // As it was when the gate was opened. What was trusted or revoked since counts at every call all the same.
  const ApprovalPolicy& policy() const;

  // Asks and waits for the end. `timeout` none: for ever; a policy may set another. The request outlives this call:
  // with a key, a program that died while waiting asks again and gets the decision. `stop`: deadline_exceeded, as in
  // wait.
  Result<ApprovalOutcome> request_approval(
      std::string_view type, Json context = {},
      std::optional<std::chrono::nanoseconds> timeout = limits::kApprovalTimeoutDefault,
      const RequestOptions& options = {}, std::stop_token stop = {});

  // The same in two steps. open_request answers at once. failed_precondition: fewer of the approvers that the rule
  // names than its quorum asks for, this agent left out, have a trusted key, so nobody could approve it.
  Result<ApprovalRequest> open_request(
      std::string_view type, Json context = {},
      std::optional<std::chrono::nanoseconds> timeout = limits::kApprovalTimeoutDefault,
      const RequestOptions& options = {});

  // Anyone may wait. `patience` (none: for ever) over, or `stop` requested: deadline_exceeded, and the request stays
  // pending. What is believed is the record as it is then: whoever acts on it compares context_hash with what it does.
  Result<ApprovalOutcome> wait(std::string_view request_id, std::optional<std::chrono::nanoseconds> patience = {},
                               std::stop_token stop = {});

  // `asked`: as open_request answered. data_loss as soon as the record has another type, agent, context, deadline or
  // policy. What request_approval does.
  Result<ApprovalOutcome> wait(const ApprovalRequest& asked, std::optional<std::chrono::nanoseconds> patience = {},
                               std::stop_token stop = {});

  // Answers with the request as it is then: in signed mode it may still be pending. `read`: as it was shown to whoever
  // answers; conflict if its record has another type, agent, context, deadline, quorum or policy by now. `key`: signs
  // the vote; signed mode needs it, and its name must be `responder`.
  Result<ApprovalRequest> respond_to_approval(const ApprovalRequest& read, bool approved, std::string_view responder,
                                              std::string_view reason = {}, const ApproverKey* key = nullptr);
  // Answers whatever the record says by now. Enough for open mode.
  Result<ApprovalRequest> respond_to_approval(std::string_view request_id, bool approved, std::string_view responder,
                                              std::string_view reason = {}, const ApproverKey* key = nullptr);

  // Only the agent that asked may.
  Result<ApprovalRequest> cancel(std::string_view request_id, std::string_view reason = {});

  // Oldest first; never one that is past its deadline. `type` empty: any.
  Result<std::vector<ApprovalRequest>> get_pending_approvals(std::string_view type = {}) const;
  Result<ApprovalRequest> get_request(std::string_view request_id) const;
  Result<std::vector<ApprovalRequest>> list(const ApprovalFilter& filter = {}) const;  // oldest first

  // Removes timed-out records that are older than limits::kApprovalRetention and returns how many. Nothing depends on
  // it.
  Result<std::uint64_t> clear_expired_requests();

 private:
  class Impl;
  explicit ApprovalGate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aldis
