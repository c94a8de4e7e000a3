#include "domain/approval_change.h"

#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "domain/approval_answer.h"
#include "domain/own_events.h"

namespace aldis {
namespace {

// A change that lost finds somebody else's progress: one of so many votes, or the decision.
constexpr std::uint32_t kLossesMax = limits::kQuorumMax + 1;

Result<ApprovalReading> read_as_stored(Workspace::Impl& workspace, const Id128& id) {
  ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> reading, answer_of(workspace.approvals().read(id)));
  if (reading) return *std::move(reading);
  return fail(ErrorCode::not_found, "there is no request {}: it never was, or was decided more than {} days ago",
              format_id(kApprovalIdPrefix, id),
              std::chrono::duration_cast<std::chrono::days>(limits::kApprovalRetention).count());
}

std::optional<ApprovalChange> find_settlement(const ApprovalJudge& judge, const ApprovalReading& reading) {
  const ApprovalRecord& record = reading.record;
  if (record.state != ApprovalState::pending || record.votes.empty()) return std::nullopt;
  const Result<JudgedApproval> judged = judge.judge(reading);
  return judged ? decide_settlement(reading, judged->finding) : std::nullopt;
}

}  // namespace

Result<ApprovalReading> read_approval(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id) {
  ALDIS_TRY_ASSIGN(ApprovalReading reading, read_as_stored(workspace, id));
  return settle_reading(workspace, judge, std::move(reading));
}

Result<ApprovalReading> settle_reading(Workspace::Impl& workspace, const ApprovalJudge& judge,
                                       ApprovalReading reading) {
  for (std::uint32_t losses = 0; losses <= kLossesMax; ++losses) {
    std::optional<ApprovalChange> settlement = find_settlement(judge, reading);
    if (!settlement) break;
    ALDIS_TRY(make_change(workspace, judge, reading.record.subject.id, *std::move(settlement)));
    ALDIS_TRY_ASSIGN(reading, read_as_stored(workspace, reading.record.subject.id));
  }
  return reading;
}

Result<MadeChange> make_change(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id,
                               ApprovalChange change) {
  change.id = make_id(workspace.clock().wall_now());
  ALDIS_TRY_ASSIGN(ChangeOutcome outcome, answer_of(workspace.approvals().change(id, change)));
  if (auto* superseded = std::get_if<ApprovalSuperseded>(&outcome)) return MadeChange(std::move(*superseded));
  ALDIS_TRY_ASSIGN(JudgedApproval judged, judge.judge(std::get<ApprovalChanged>(outcome).reading));
  if (change.state != ApprovalState::pending) tell_of_decision(workspace, judged.request);
  return MadeChange(std::move(judged.request));
}

Result<ApprovalRequest> change_approval(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id,
                                        const DecideChange& decide) {
  ALDIS_TRY_ASSIGN(ApprovalReading reading, read_approval(workspace, judge, id));
  for (std::uint32_t losses = 0; losses <= kLossesMax; ++losses) {
    ALDIS_TRY_ASSIGN(ApprovalChange change, decide(reading));
    const std::uint64_t seen = change.seen_version;
    ALDIS_TRY_ASSIGN(MadeChange made, make_change(workspace, judge, id, std::move(change)));
    if (auto* request = std::get_if<ApprovalRequest>(&made)) return std::move(*request);
    reading = std::get<ApprovalSuperseded>(std::move(made)).reading;
    if (reading.record.version == seen) {
      ALDIS_TRY_ASSIGN(const JudgedApproval judged, judge.judge(reading));
      return fail(ErrorCode::conflict,
                  "{} is {}: its store takes no further answer. A key was revoked, the policy changed, or somebody "
                  "changed the store. Ask again, under another key",
                  format_id(kApprovalIdPrefix, id), judged.request.reason);
    }
  }
  return fail(ErrorCode::conflict, "{} was changed by others {} times meanwhile: try again",
              format_id(kApprovalIdPrefix, id), kLossesMax + 1);
}

}  // namespace aldis
