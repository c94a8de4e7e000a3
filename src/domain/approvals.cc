#include "aldis/approvals.h"

#include <algorithm>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/sha256.h"
#include "core/try.h"
#include "domain/approval_answer.h"
#include "domain/approval_answerable.h"
#include "domain/approval_change.h"
#include "domain/approval_compare.h"
#include "domain/approval_judge.h"
#include "domain/approval_wait.h"
#include "domain/configuration_directory.h"
#include "domain/own_events.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// Whatever is no id at all cannot be known either, so both are the same answer.
Result<Id128> find_id(std::string_view request_id) {
  if (const auto id = parse_id(kApprovalIdPrefix, request_id)) return *id;
  return fail(ErrorCode::not_found, "no request has the id \"{}\": ids look like {}", request_id,
              format_id(kApprovalIdPrefix, Id128{}));
}

Result<void> check_timeout(std::optional<nanoseconds> timeout) {
  if (!timeout || (*timeout > nanoseconds::zero() && *timeout <= limits::kApprovalTimeoutMax)) return {};
  return fail(ErrorCode::invalid_argument,
              "a timeout of {} s is out of bounds: it must be longer than 0 and at most {} s (365 days), or none",
              std::chrono::duration<double>(*timeout).count(),
              std::chrono::duration<double>(limits::kApprovalTimeoutMax).count());
}

Result<std::optional<nanoseconds>> check_patience(std::optional<nanoseconds> patience) {
  if (patience && *patience < nanoseconds::zero()) {
    return fail(ErrorCode::invalid_argument, "a timeout of {} s is negative: 0 looks once, longer ones wait",
                std::chrono::duration<double>(*patience).count());
  }
  if (patience) patience = std::min(*patience, limits::kWaitMax);
  return patience;
}

StoredVote vote_for(bool approved, std::string_view responder, std::string_view reason) {
  return {.responder = std::string(responder), .approved = approved, .reason = std::string(reason), .time = {}};
}

}  // namespace

std::string_view to_string(ApprovalEnd end) {
  switch (end) {
    case ApprovalEnd::approved:
      return "approved";
    case ApprovalEnd::rejected:
      return "rejected";
    case ApprovalEnd::timed_out:
      return "timed_out";
    case ApprovalEnd::cancelled:
      return "cancelled";
  }
  return "";
}

class ApprovalGate::Impl {
 public:
  Impl(Workspace workspace, std::string agent_id, ApprovalPolicy policy)
      : workspace_(std::move(workspace)), agent_(std::move(agent_id)), policy_(std::move(policy)) {}

  Workspace::Impl& workspace() const { return *workspace_.impl(); }
  ApprovalStore& store() const { return workspace().approvals(); }
  const std::string& agent() const { return agent_; }
  const ApprovalPolicy& policy() const { return policy_; }
  Result<ApprovalJudge> make_judge() const { return ApprovalJudge::make(workspace(), policy_); }

  Result<ApprovalRequest> ask(const ApprovalJudge& judge, std::string_view type, const Json& context,
                              std::optional<nanoseconds> timeout, const RequestOptions& options);
  // Those of a page whose state is as the page asks once they were judged. `more` is what a next page goes on from.
  Result<std::vector<ApprovalRequest>> read_page(const ApprovalJudge& judge, const ApprovalPage& page,
                                                 std::optional<Id128>& more) const;
  Result<std::vector<ApprovalRequest>> list(ApprovalPage page, std::size_t count) const;
  // `asked` none: whatever the record is.
  Result<ApprovalOutcome> wait(std::string_view request_id, const ApprovalRequest* asked,
                               std::optional<nanoseconds> patience, const std::stop_token& stop);
  // `read` none: whatever the record is. `vote` has no time yet.
  Result<ApprovalRequest> respond(std::string_view request_id, const ApprovalRequest* read, StoredVote vote,
                                  const ApproverKey* key);

 private:
  Result<ApprovalSubject> subject_of(const ApprovalJudge& judge, std::string_view type, const Json& context,
                                     std::optional<nanoseconds> timeout, const RequestOptions& options) const;

  const Workspace workspace_;
  const std::string agent_;
  const ApprovalPolicy policy_;
};

Result<ApprovalSubject> ApprovalGate::Impl::subject_of(const ApprovalJudge& judge, std::string_view type,
                                                       const Json& context, std::optional<nanoseconds> timeout,
                                                       const RequestOptions& options) const {
  if (agent_.empty()) {
    return fail(ErrorCode::invalid_argument, "who asks? Open the gate with an agent id to ask for approvals");
  }
  ALDIS_TRY(check_name("approval type", type));
  ALDIS_TRY(check_text("idempotency key", options.key, limits::kApprovalKeyBytesMax));
  ALDIS_TRY(check_timeout(timeout));
  const ApprovalRule* const rule = judge.rule_for(type);
  ApprovalSubject subject;
  subject.id = make_id(workspace().clock().wall_now());
  subject.type = type;
  subject.agent = agent_;
  subject.key = options.key;
  subject.context = context.text();
  subject.context_hash = sha256_hex(context.text());
  subject.timeout = timeout_under(rule, timeout);
  if (rule != nullptr) {
    subject.policy_hash = rule->hash();
    subject.quorum = rule->quorum;
  }
  return subject;
}

Result<ApprovalRequest> ApprovalGate::Impl::ask(const ApprovalJudge& judge, std::string_view type, const Json& context,
                                                std::optional<nanoseconds> timeout, const RequestOptions& options) {
  ALDIS_TRY_ASSIGN(const ApprovalSubject subject, subject_of(judge, type, context, timeout, options));
  if (const auto answerable = check_answerable(judge.policy(), type, agent_); !answerable) {
    ALDIS_TRY_ASSIGN(const bool asked_before, was_asked(store(), subject));
    if (!asked_before) return std::unexpected(answerable.error());
  }
  ALDIS_TRY_ASSIGN(const OpenedApproval opened, answer_of(store().open(subject)));
  ALDIS_TRY(check_opened(subject, opened.reading.record));
  ALDIS_TRY_ASSIGN(JudgedApproval judged, judge.judge(opened.reading));
  if (!opened.existed) tell_of_request(workspace(), judged.request);
  return std::move(judged.request);
}

Result<std::vector<ApprovalRequest>> ApprovalGate::Impl::read_page(const ApprovalJudge& judge, const ApprovalPage& page,
                                                                   std::optional<Id128>& more) const {
  ALDIS_TRY_ASSIGN(const std::vector<ApprovalReading> readings, answer_of(store().list(page)));
  more = readings.size() < page.count ? std::nullopt : std::optional(readings.back().record.subject.id);
  std::vector<ApprovalRequest> requests;
  for (const ApprovalReading& read : readings) {
    const Result<ApprovalReading> reading = settle_reading(workspace(), judge, read);
    if (!reading && reading.error().code == ErrorCode::not_found) continue;  // it was removed meanwhile
    if (!reading) return std::unexpected(reading.error());
    Result<JudgedApproval> judged = judge.judge(*reading);
    if (!judged) continue;  // whoever asks for it by its id is told what is wrong with it
    const bool is_asked_for =
        page.states.empty() || std::ranges::find(page.states, judged->request.status) != page.states.end();
    if (is_asked_for) requests.push_back(std::move(judged->request));
  }
  return requests;
}

Result<std::vector<ApprovalRequest>> ApprovalGate::Impl::list(ApprovalPage page, std::size_t count) const {
  ALDIS_TRY_ASSIGN(const ApprovalJudge judge, make_judge());
  std::vector<ApprovalRequest> found;
  do {
    page.count = std::min(count - found.size(), limits::kApprovalPage);
    ALDIS_TRY_ASSIGN(std::vector<ApprovalRequest> requests, read_page(judge, page, page.after));
    std::ranges::move(requests, std::back_inserter(found));
  } while (page.after && found.size() < count);
  return found;
}

Result<ApprovalOutcome> ApprovalGate::Impl::wait(std::string_view request_id, const ApprovalRequest* asked,
                                                 std::optional<nanoseconds> patience, const std::stop_token& stop) {
  ALDIS_TRY(workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(request_id));
  ALDIS_TRY_ASSIGN(const std::optional<nanoseconds> checked, check_patience(patience));
  ALDIS_TRY_ASSIGN(ApprovalJudge judge, make_judge());
  return wait_for_end(workspace(), std::move(judge), {.id = id, .asked = asked, .patience = checked, .stop = stop});
}

Result<ApprovalRequest> ApprovalGate::Impl::respond(std::string_view request_id, const ApprovalRequest* read,
                                                    StoredVote vote, const ApproverKey* key) {
  ALDIS_TRY(workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(request_id));
  ALDIS_TRY(check_name("responder", vote.responder));
  ALDIS_TRY(check_text("reason", vote.reason, limits::kReasonBytesMax));
  if (key != nullptr && key->name() != vote.responder) {
    return fail(ErrorCode::invalid_argument, "that is the key of {}, and the vote is in the name of {}", key->name(),
                vote.responder);
  }
  ALDIS_TRY_ASSIGN(const ApprovalJudge judge, make_judge());
  return change_approval(workspace(), judge, id, [&](const ApprovalReading& reading) -> Result<ApprovalChange> {
    ALDIS_TRY_ASSIGN(const JudgedApproval judged, judge.judge(reading));
    if (read != nullptr) ALDIS_TRY(check_as_read(*read, judged.request));
    vote.time = workspace().clock().wall_now();
    ALDIS_TRY_ASSIGN(ApprovalChange change, decide_vote(reading, judged.mode, vote, agent_));
    if (judged.mode.rule == nullptr) return change;
    if (key == nullptr) {
      return fail(ErrorCode::permission_denied, "{} is answered with a signature: {} has to give the key for it",
                  reading.record.subject.type, vote.responder);
    }
    ALDIS_TRY(judge.sign(reading, *key, *change.vote));
    return change;
  });
}

ApprovalGate::ApprovalGate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApprovalGate::~ApprovalGate() = default;
ApprovalGate::ApprovalGate(ApprovalGate&&) noexcept = default;
ApprovalGate& ApprovalGate::operator=(ApprovalGate&&) noexcept = default;

Result<ApprovalGate> ApprovalGate::open(Workspace workspace, std::string agent_id) {
  ALDIS_TRY(workspace.impl()->usable());
  if (!agent_id.empty()) ALDIS_TRY(check_name("agent id", agent_id));
  const std::string& named = workspace.options().configuration_directory;
  if (!named.empty()) ALDIS_TRY(check_named_directory(named));
  ALDIS_TRY_ASSIGN(const std::string directory, approval_directory(workspace.options()));
  ALDIS_TRY_ASSIGN(ApprovalPolicy policy, ApprovalPolicy::load(directory));
  return ApprovalGate(std::make_unique<Impl>(std::move(workspace), std::move(agent_id), std::move(policy)));
}

const ApprovalPolicy& ApprovalGate::policy() const { return impl_->policy(); }

Result<ApprovalOutcome> ApprovalGate::request_approval(std::string_view type, Json context,
                                                       std::optional<nanoseconds> timeout,
                                                       const RequestOptions& options, std::stop_token stop) {
  ALDIS_TRY_ASSIGN(const ApprovalRequest asked, open_request(type, std::move(context), timeout, options));
  return wait(asked, std::nullopt, std::move(stop));
}

Result<ApprovalRequest> ApprovalGate::open_request(std::string_view type, Json context,
                                                   std::optional<nanoseconds> timeout, const RequestOptions& options) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const ApprovalJudge judge, impl_->make_judge());
  return impl_->ask(judge, type, context, timeout, options);
}

Result<ApprovalOutcome> ApprovalGate::wait(std::string_view request_id, std::optional<nanoseconds> patience,
                                           std::stop_token stop) {
  return impl_->wait(request_id, nullptr, patience, stop);
}

Result<ApprovalOutcome> ApprovalGate::wait(const ApprovalRequest& asked, std::optional<nanoseconds> patience,
                                           std::stop_token stop) {
  return impl_->wait(asked.request_id, &asked, patience, stop);
}

Result<ApprovalRequest> ApprovalGate::respond_to_approval(std::string_view request_id, bool approved,
                                                          std::string_view responder, std::string_view reason,
                                                          const ApproverKey* key) {
  return impl_->respond(request_id, nullptr, vote_for(approved, responder, reason), key);
}

Result<ApprovalRequest> ApprovalGate::respond_to_approval(const ApprovalRequest& read, bool approved,
                                                          std::string_view responder, std::string_view reason,
                                                          const ApproverKey* key) {
  return impl_->respond(read.request_id, &read, vote_for(approved, responder, reason), key);
}

Result<ApprovalRequest> ApprovalGate::cancel(std::string_view request_id, std::string_view reason) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(request_id));
  ALDIS_TRY(check_text("reason", reason, limits::kReasonBytesMax));
  ALDIS_TRY_ASSIGN(const ApprovalJudge judge, impl_->make_judge());
  return change_approval(impl_->workspace(), judge, id, [&](const ApprovalReading& reading) -> Result<ApprovalChange> {
    ALDIS_TRY_ASSIGN(const ApprovalMode mode, judge.mode_of(reading));
    return decide_cancellation(reading, mode, impl_->agent(), reason);
  });
}

Result<std::vector<ApprovalRequest>> ApprovalGate::get_pending_approvals(std::string_view type) const {
  ALDIS_TRY(impl_->workspace().usable());
  if (!type.empty()) ALDIS_TRY(check_name("approval type", type));
  return impl_->list({.type = type, .agent = {}, .states = {ApprovalState::pending}}, limits::kPendingApprovalsMax);
}

Result<ApprovalRequest> ApprovalGate::get_request(std::string_view request_id) const {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(request_id));
  ALDIS_TRY_ASSIGN(const ApprovalJudge judge, impl_->make_judge());
  ALDIS_TRY_ASSIGN(const ApprovalReading reading, read_approval(impl_->workspace(), judge, id));
  ALDIS_TRY_ASSIGN(JudgedApproval judged, judge.judge(reading));
  return std::move(judged.request);
}

Result<std::vector<ApprovalRequest>> ApprovalGate::list(const ApprovalFilter& filter) const {
  ALDIS_TRY(impl_->workspace().usable());
  if (!filter.type.empty()) ALDIS_TRY(check_name("approval type", filter.type));
  if (!filter.agent_id.empty()) ALDIS_TRY(check_name("agent id", filter.agent_id));
  if (filter.count < 1 || filter.count > limits::kApprovalPage) {
    return fail(ErrorCode::invalid_argument, "a page of {} requests: it must be 1 to {}", filter.count,
                limits::kApprovalPage);
  }
  ApprovalPage page{.type = filter.type, .agent = filter.agent_id, .states = filter.states};
  if (!filter.after.empty()) {
    ALDIS_TRY_ASSIGN(page.after, find_id(filter.after));
  }
  return impl_->list(std::move(page), filter.count);
}

Result<std::uint64_t> ApprovalGate::clear_expired_requests() {
  ALDIS_TRY(impl_->workspace().usable());
  std::uint64_t cleared = 0;
  for (;;) {
    ALDIS_TRY_ASSIGN(const std::uint64_t removed,
                     answer_of(impl_->store().remove_timed_out(limits::kApprovalRetention)));
    cleared += removed;
    if (removed < limits::kApprovalPage) return cleared;
  }
}

}  // namespace aldis
