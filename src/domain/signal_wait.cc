#include "domain/signal_wait.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
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
  nanoseconds until_look = limits::kQuietMax;  // how long it changes only with a ring
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
    return state;
  }
  if (const auto next = next_possible_change(reading->record, evidence, reading->now, kStaleAfter)) {
    state.until_look = std::min<nanoseconds>(state.until_look, *next - reading->now);
  }
  if (process) state.until_look = std::min(state.until_look, workspace.waker().recheck_interval());
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
    ALDIS_TRY_ASSIGN(std::optional<WaitOutcome> news, take());
    if (news) return news;
    ALDIS_TRY_ASSIGN(SourceState source, examine_source(workspace_, look_.filter.source));
    until_next_ = std::min(until_next_, source.until_look);
    if (!source.gone) return std::nullopt;
    // It may have sent its last between our look and its death.
    ALDIS_TRY_ASSIGN(news, take());
    if (!news && !is_anything_on_its_way_) return WaitOutcome{*std::move(source.gone)};
    // Nobody rings this mailbox when another of its readers acknowledges what it holds.
    until_next_ = std::min(until_next_, workspace_.waker().recheck_interval());
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
    until_next_ = time_until_look(nothing, workspace_.waker().recheck_interval());
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
  const std::array topics{Topic{Topic::Kind::mailbox, look.agent}, Topic{Topic::Kind::agent, look.filter.source}};
  const auto subscription =
      workspace.waker().subscribe(std::span(topics).first(look.filter.source.empty() ? 1 : topics.size()));
  NewsWait wait(workspace, look);
  for (;;) {
    if (stop.stop_requested()) return WaitOutcome{Cancelled{}};
    const std::uint64_t rings = subscription->rings();
    ALDIS_TRY_ASSIGN(std::optional<WaitOutcome> outcome, wait.look_once());
    if (outcome) return *std::move(outcome);
    const nanoseconds left = deadline - workspace.clock().steady_now();
    if (left <= nanoseconds::zero()) return WaitOutcome{TimedOut{}};
    workspace.waker().sleep(*subscription, rings, std::min(left, wait.until_next()), stop);
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
  const std::string name = format_id({}, signal_id);
  const std::array topics{Topic{Topic::Kind::signal, name}};
  const auto subscription = workspace.waker().subscribe(topics);
  for (;;) {
    const std::uint64_t rings = subscription->rings();
    ALDIS_TRY_ASSIGN(ReceiptReading reading, workspace.signals().receipt(signal_id));
    if (is_final(reading.receipt)) return std::move(reading.receipt);
    const nanoseconds left = deadline - workspace.clock().steady_now();
    if (left <= nanoseconds::zero() || stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "signal {} is still {}: ask again later, or wait longer",
                  reading.receipt.signal_id, to_string(reading.receipt.state));
    }
    const nanoseconds until_due = reading.due ? *reading.due - reading.now : limits::kQuietMax;
    workspace.waker().sleep(*subscription, rings, std::min(left, until_due), stop);
  }
}

}  // namespace aldis
