#include "outbox.h"

#include <aldis/limits.h>
#include <poll.h>

#include <utility>

#include "agent.h"
#include "messages.h"

namespace code_review {

using aldis::ErrorCode;

Outbox::Outbox(aldis::CoordinationSignals& signals, std::string target,
               std::function<aldis::Result<void>()> while_waiting)
    : signals_(signals), target_(std::move(target)), while_waiting_(std::move(while_waiting)) {}

aldis::Result<void> Outbox::send(std::string_view type, const aldis::Json& payload) {
  auto sent = signals_.signal(type, target_, payload, kTtl);
  while (!sent && sent.error().code == ErrorCode::resource_exhausted) {
    if (auto waited = while_waiting_(); !waited) return waited;
    if (auto waited = wait_for_room(); !waited) return waited;
    sent = signals_.signal(type, target_, payload, kTtl);
  }
  if (!sent) return std::unexpected(sent.error());
  unread_.push_back(sent->signal_id);
  if (unread_.size() > aldis::limits::kMailboxSignalsMax) unread_.pop_front();
  return {};
}

aldis::Result<void> Outbox::wait_for_room() {
  if (unread_.empty()) {
    // Others filled it, and nobody tells us when theirs are read.
    constexpr int kPauseMilliseconds = 20;
    ::poll(nullptr, 0, kPauseMilliseconds);
    return {};
  }
  const auto middle = unread_.begin() + static_cast<std::ptrdiff_t>(unread_.size() / 2);
  const auto receipt = signals_.wait_for_receipt(*middle, kBeatEvery);
  if (!receipt && receipt.error().code == ErrorCode::deadline_exceeded) return {};
  if (!receipt && receipt.error().code != ErrorCode::not_found) return std::unexpected(receipt.error());
  unread_.erase(unread_.begin(), middle + 1);
  return {};
}

}  // namespace code_review
