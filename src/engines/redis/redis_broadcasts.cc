#include "engines/redis/redis_broadcasts.h"

#include <algorithm>
#include <utility>

#include "core/try.h"
#include "engines/redis/scripts.h"

namespace aldis {

static_assert(limits::kReceiptReadersMax == 1'000, "scripts/lib/broadcast_read.lua says it too");
static_assert(limits::kPositionRetention == std::chrono::days{9}, "scripts/lib/broadcast_keys.lua keeps keys as long");

Result<Reply> RedisBroadcasts::run(const Script& script, std::vector<std::string> arguments,
                                   Durability durability) const {
  return run_until_settled(*client_, {script, group_, std::move(arguments), durability});
}

Result<void> RedisBroadcasts::send(const OutgoingSignal& signal) {
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastSend,
                                           {short_id(signal.id), std::string(signal.type), std::string(signal.source),
                                            std::to_string(signal.sent_at.time_since_epoch().count()),
                                            std::to_string(signal.ttl.count()), microseconds_text(signal.ttl),
                                            std::string(signal.payload), std::to_string(limits::kBroadcastsMax)},
                                           Durability::durable));
  return read_done_answer(answer);
}

Result<TakeAnswer> RedisBroadcasts::take(const TakeCall& call, TakeMode mode) {
  const bool changes = call.request.options.consume && mode != TakeMode::look;
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastTake, take_arguments(call, mode),
                                           changes ? Durability::durable : Durability::fleeting));
  return read_take_answer(answer);
}

Result<std::vector<CoordinationSignal>> RedisBroadcasts::pending(std::string_view agent, std::string_view type) {
  std::vector<CoordinationSignal> all;
  std::string after;
  do {
    ALDIS_TRY_ASSIGN(const Reply answer,
                     run(kBroadcastPending,
                         {std::string(agent), std::string(type), after, std::to_string(limits::kRedisPageSignalsMax),
                          std::to_string(limits::kRedisPageBytesMax)},
                         Durability::fleeting));
    ALDIS_TRY_ASSIGN(PendingPage page, read_pending_page(answer));
    std::ranges::move(page.signals, std::back_inserter(all));
    after = std::move(page.next);
  } while (!after.empty());
  return all;
}

Result<std::uint64_t> RedisBroadcasts::clear(std::string_view agent, std::string_view type,
                                             std::string_view operation_id) {
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastClear,
                                           {std::string(agent), std::string(type), std::string(operation_id),
                                            microseconds_text(operation_kept(*client_))},
                                           Durability::durable));
  return read_count_answer(answer);
}

Result<void> RedisBroadcasts::acknowledge(std::string_view agent, const Id128& signal_id,
                                          std::optional<std::uint32_t> attempt) {
  ALDIS_TRY_ASSIGN(const Reply answer,
                   run(kBroadcastAcknowledge,
                       {std::string(agent), short_id(signal_id), attempt ? std::to_string(*attempt) : std::string()},
                       Durability::durable));
  return read_done_answer(answer);
}

Result<std::uint64_t> RedisBroadcasts::hand_back(std::string_view agent, const std::vector<Reservation>& reservations,
                                                 std::string_view operation_id) {
  std::vector<std::string> arguments = hand_back_arguments(agent, reservations, operation_id, operation_kept(*client_));
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastHandBack, std::move(arguments), Durability::durable));
  return read_count_answer(answer);
}

Result<ReceiptReading> RedisBroadcasts::receipt(const Id128& signal_id) {
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastReceipt, {short_id(signal_id)}, Durability::fleeting));
  return read_receipt_answer(answer);
}

Result<void> RedisBroadcasts::appear(std::string_view agent) {
  ALDIS_TRY_ASSIGN(const Reply answer, run(kBroadcastAppear, {std::string(agent)}, Durability::fleeting));
  return read_done_answer(answer);
}

}  // namespace aldis
