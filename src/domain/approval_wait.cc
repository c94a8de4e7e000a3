#include "domain/approval_wait.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "domain/approval_change.h"
#include "domain/approval_compare.h"
#include "domain/own_events.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// None: it goes on.
std::optional<ApprovalEnd> end_of(ApprovalState state) {
  switch (state) {
    case ApprovalState::pending:
      return std::nullopt;
    case ApprovalState::approved:
      return ApprovalEnd::approved;
    case ApprovalState::rejected:
      return ApprovalEnd::rejected;
    case ApprovalState::timed_out:
      return ApprovalEnd::timed_out;
    case ApprovalState::cancelled:
      return ApprovalEnd::cancelled;
  }
  return std::nullopt;
}

nanoseconds until_next_look(const JudgedApproval& judged, nanoseconds recheck) {
  const nanoseconds most = judged.wants_looks ? recheck : limits::kQuietMax;
  return std::min(most, judged.finding.remaining.value_or(most));
}

}  // namespace

Result<ApprovalOutcome> wait_for_end(Workspace::Impl& workspace, ApprovalJudge judge, const AwaitedApproval& awaited) {
  Waker& waker = workspace.waker();
  const SteadyTime deadline = awaited.patience ? workspace.clock().steady_now() + *awaited.patience : SteadyTime::max();
  const std::string name = format_id({}, awaited.id);
  const auto subscription = waker.subscribe(std::array{Topic{Topic::Kind::approval, name}});
  bool was_pending = false;
  for (;;) {
    const std::uint64_t rings = subscription->rings();
    ALDIS_TRY_ASSIGN(const ApprovalReading reading, read_approval(workspace, judge, awaited.id));
    ALDIS_TRY_ASSIGN(JudgedApproval judged, judge.judge(reading));
    if (awaited.asked != nullptr) ALDIS_TRY(check_as_asked(*awaited.asked, judged.request));
    if (const auto end = end_of(judged.finding.state)) {
      // Nobody's call decides a timeout, so who sees it come tells of it.
      const bool is_news = was_pending || reading.record.decided_at == reading.now;
      if (*end == ApprovalEnd::timed_out && is_news) tell_of_decision(workspace, judged.request);
      return ApprovalOutcome{*end, std::move(judged.request)};
    }
    if (judged.finding.trouble) return std::unexpected(*std::move(judged.finding.trouble));
    was_pending = true;
    const nanoseconds left = deadline - workspace.clock().steady_now();
    if (left <= nanoseconds::zero() || awaited.stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "{} is still pending{}: wait for it again, or longer",
                  judged.request.request_id, judged.request.reason.empty() ? "" : " (" + judged.request.reason + ")");
    }
    waker.sleep(*subscription, rings, std::min(left, until_next_look(judged, waker.recheck_interval())), awaited.stop);
    ALDIS_TRY(judge.refresh());
  }
}

}  // namespace aldis
