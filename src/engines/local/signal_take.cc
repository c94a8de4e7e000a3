#include "engines/local/signal_take.h"

namespace aldis::local {

StoreTime store_time(BootTime time) { return StoreTime{time.time_since_epoch()}; }

SignalTake::SignalTake(SignalTables& tables, const TakeRequest& request, BootTime appeared, Moment moment)
    : request_(request),
      moment_(moment),
      mailbox_(tables, request.agent, moment),
      broadcasts_(tables, request.agent, appeared, moment),
      notices_(tables, request.agent, moment.now) {}

std::optional<TakeOutcome> SignalTake::repeat(const SignalNews& earlier) {
  if (const auto* expired = std::get_if<Expired>(&earlier)) return *expired;
  const auto& delivered = std::get<Delivered>(earlier);
  const CoordinationSignal& signal = delivered.signal;
  const Id128 id = parse_id(kSignalIdPrefix, signal.signal_id).value_or(Id128{});
  const bool stands = signal.target_agent ? mailbox_.renew(id, signal.attempt, request_)
                                          : broadcasts_.renew(id, signal.attempt, request_);
  return stands ? std::optional<TakeOutcome>(delivered) : std::nullopt;
}

void SignalTake::look(std::uint64_t after) {
  const SignalFilter& filter = request_.filter;
  targeted_ = mailbox_.find(filter, after, held_);
  if (targeted_) return held_.drop_newer(targeted_->commit);
  held_.begin_broadcasts();
  Broadcasts::Look broadcasts = broadcasts_.find(filter, after, held_);
  broadcast_ = std::move(broadcasts.live);
  if (broadcast_) return held_.drop_newer(broadcast_->commit);
  notice_ = notices_.find_folded(ExpiryNotices::Folds::targeted, filter);
  if (!notice_) notice_ = notices_.find(filter, after);
  if (!notice_) notice_ = notices_.find_folded(ExpiryNotices::Folds::broadcasts, filter);
  if (!notice_) missed_ = std::move(broadcasts.missed);
}

NothingTaken SignalTake::nothing() {
  NothingTaken nothing;
  nothing.now = store_time(moment_.now);
  if (const auto due = held_.next_due()) nothing.next_due = store_time(*due);
  nothing.reserved = held_.known();
  return nothing;
}

TakeOutcome SignalTake::show() {
  if (yields()) return nothing();
  if (targeted_) return Delivered{mailbox_.show(*targeted_)};
  if (broadcast_) return Delivered{broadcasts_.show(*broadcast_)};
  if (notice_) return notice_->told();
  if (missed_) return Broadcasts::told(*missed_);
  return nothing();
}

TakeOutcome SignalTake::consume() {
  if (yields()) return nothing();
  const auto& within = request_.options.acknowledge_within;
  if (targeted_) {
    return Delivered{within ? mailbox_.reserve(*targeted_, *within, request_.holder) : mailbox_.take(*targeted_)};
  }
  if (broadcast_) {
    return Delivered{within ? broadcasts_.reserve(*broadcast_, *within, request_.holder)
                            : broadcasts_.take(*broadcast_)};
  }
  if (notice_) {
    notices_.tell(*notice_);
    return notice_->told();
  }
  if (missed_) {
    broadcasts_.tell(*missed_);
    return Broadcasts::told(*missed_);
  }
  return nothing();
}

}  // namespace aldis::local
