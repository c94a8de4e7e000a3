#include "domain/signal_wait.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "core/failure.h"
#include "core/try.h"
#include "domain/liveness.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// What is known of the one agent that a wait is for.
struct SourceState {
  std::optional<SourceGone> gone;
  std::optional<nanoseconds>
      until_change;  // none: it may change only with a ring, or not be noticed before the recheck
};

Result<SourceState> examine_source(Workspace::Impl& workspace, const std::string& source) {
  SourceState state;
  if (source.empty()) return state;
  ALDIS_TRY_ASSIGN(const std::optional<HeartbeatReading> reading, workspace.heartbeats().read(source));
  if (!reading) return state;  // it never sent a heartbeat: it may yet come
  const std::optional<ProcessIdentity>& process = reading->record.start.process;
  const ProcessEvidence evidence = process ? workspace.processes().examine(*process) : ProcessEvidence::unknown;
  constexpr nanoseconds kStaleAfter = limits::kStaleThresholdDefault;  // stale is not gone: any threshold would do
  Liveness liveness = derive_liveness(reading->record, evidence, reading->now, kStaleAfter);
  if (!is_live(liveness.state)) {
    state.gone = SourceGone{source, std::move(liveness.evidence)};
  } else if (const auto next = next_possible_change(reading->record, evidence, reading->now, kStaleAfter)) {
    state.until_change = *next - reading->now;
  }
  return state;
}

// Whether something that matches may still come to this mailbox without anybody sending it.
bool is_anything_on_its_way(const NothingTaken& nothing) {
  return !nothing.reserved.empty() || nothing.next_due.has_value();
}

class NewsWait {
 public:
  NewsWait(Workspace::Impl& workspace, const MailboxLook& look) : workspace_(workspace), look_(look) {}

  // None: nothing to tell yet; `until_next()` says how long nothing will change by itself.
  Result<std::optional<WaitOutcome>> look_once() {
    until_next_ = workspace_.waker().recheck_interval();
    ALDIS_TRY_ASSIGN(std::optional<WaitOutcome> news, take());
    if (news) return news;
    ALDIS_TRY_ASSIGN(SourceState source, examine_source(workspace_, look_.filter.source));
    if (source.until_change) until_next_ = std::min(until_next_, *source.until_change);
    if (!source.gone) return std::nullopt;
    // It may have sent its last between our look and its death.
    ALDIS_TRY_ASSIGN(news, take());
    if (!news && !is_anything_on_its_way_) return WaitOutcome{*std::move(source.gone)};
    return news;
  }

  nanoseconds until_next() const { return until_next_; }

 private:
  Result<std::optional<WaitOutcome>> take() {
    ALDIS_TRY_ASSIGN(TakeOutcome outcome, look_into_mailbox(workspace_.signals(), workspace_.processes(), look_));
    if (auto* delivered = std::get_if<Delivered>(&outcome)) return WaitOutcome{std::move(*delivered)};
    if (auto* expired = std::get_if<Expired>(&outcome)) return WaitOutcome{std::move(*expired)};
    const auto& nothing = std::get<NothingTaken>(outcome);
    is_anything_on_its_way_ = is_anything_on_its_way(nothing);
    until_next_ = time_until_due(nothing, until_next_);
    return std::nullopt;
  }

  Workspace::Impl& workspace_;
  const MailboxLook& look_;
  nanoseconds until_next_{0};
  bool is_anything_on_its_way_ = false;
};

}  // namespace

Result<WaitOutcome> wait_for_news(Workspace::Impl& workspace, const MailboxLook& look, nanoseconds timeout,
                                  const std::stop_token& stop) {
  const SteadyTime deadline = workspace.clock().steady_now() + timeout;
  NewsWait wait(workspace, look);
  for (;;) {
    if (stop.stop_requested()) return WaitOutcome{Cancelled{}};
    const Listening listening = workspace.waker().listen({Topic::Kind::mailbox, look.agent});
    ALDIS_TRY_ASSIGN(std::optional<WaitOutcome> outcome, wait.look_once());
    if (outcome) return *std::move(outcome);
    const nanoseconds left = deadline - workspace.clock().steady_now();
    if (left <= nanoseconds::zero()) return WaitOutcome{TimedOut{}};
    workspace.waker().sleep(listening, std::min(left, wait.until_next()), stop);
  }
}

bool is_final(const Receipt& receipt) {
  if (receipt.broadcast && receipt.readers_total > 0) return true;
  return receipt.state == ReceiptState::delivered || receipt.state == ReceiptState::expired ||
         receipt.state == ReceiptState::cleared;
}

Result<Receipt> wait_for_final_receipt(Workspace::Impl& workspace, const Id128& signal_id, nanoseconds timeout,
                                       const std::stop_token& stop) {
  const SteadyTime deadline = workspace.clock().steady_now() + timeout;
  for (;;) {
    const Listening listening = workspace.waker().listen({});  // a receipt does not say whose mailbox it is about
    ALDIS_TRY_ASSIGN(Receipt receipt, workspace.signals().receipt(signal_id));
    if (is_final(receipt)) return receipt;
    const nanoseconds left = deadline - workspace.clock().steady_now();
    if (left <= nanoseconds::zero() || stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "signal {} is still {}: ask again later, or wait longer",
                  receipt.signal_id, to_string(receipt.state));
    }
    workspace.waker().sleep(listening, std::min(left, workspace.waker().recheck_interval()), stop);
  }
}

}  // namespace aldis
