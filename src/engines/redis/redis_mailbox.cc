#include "engines/redis/redis_mailbox.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/try.h"
#include "engines/redis/scripts.h"
#include "ports/signal_address.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;

// An expiry that nobody was told of folds when the mailbox is next looked at, however late: that may be as long as its
// keys live for a signal that was sent just before this one ended.
constexpr std::chrono::nanoseconds kRecordKept = limits::kSignalTtlMax + limits::kPositionRetention + 25h;

}  // namespace

Result<void> RedisMailbox::send(const OutgoingSignal& signal) {
  const std::string target(*signal.target);
  ALDIS_TRY_ASSIGN(
      const Reply answer,
      run_until_settled(*client_, {kMailboxSend,
                                   groups_.mailbox(target),
                                   {target, short_id(signal.id), std::string(signal.type), std::string(signal.source),
                                    std::to_string(signal.sent_at.time_since_epoch().count()),
                                    std::to_string(signal.ttl.count()), microseconds_text(signal.ttl),
                                    std::string(signal.payload), std::to_string(limits::kMailboxSignalsMax),
                                    std::to_string(limits::kMailboxBytesMax), microseconds_text(kRecordKept)}}));
  return read_done_answer(answer);
}

Result<TakeAnswer> RedisMailbox::take(const TakeCall& call, TakeMode mode) {
  const bool changes = call.request.options.consume && mode != TakeMode::look;
  ALDIS_TRY_ASSIGN(
      const Reply answer,
      run_until_settled(*client_, {kMailboxTake, groups_.mailbox(call.request.agent), take_arguments(call, mode),
                                   changes ? Durability::durable : Durability::fleeting}));
  return read_take_answer(answer);
}

Result<std::vector<CoordinationSignal>> RedisMailbox::pending(std::string_view agent, std::string_view type) {
  std::vector<CoordinationSignal> all;
  std::string after;
  do {
    ALDIS_TRY_ASSIGN(const Reply answer, run_until_settled(*client_, {kMailboxPending,
                                                                      groups_.mailbox(agent),
                                                                      {std::string(agent), std::string(type), after,
                                                                       std::to_string(limits::kRedisPageSignalsMax),
                                                                       std::to_string(limits::kRedisPageBytesMax)},
                                                                      Durability::fleeting}));
    ALDIS_TRY_ASSIGN(PendingPage page, read_pending_page(answer));
    std::ranges::move(page.signals, std::back_inserter(all));
    after = std::move(page.next);
  } while (!after.empty());
  return all;
}

Result<std::uint64_t> RedisMailbox::clear(std::string_view agent, std::string_view type,
                                          std::string_view operation_id) {
  ALDIS_TRY_ASSIGN(const Reply answer,
                   run_until_settled(*client_, {kMailboxClear,
                                                groups_.mailbox(agent),
                                                {std::string(agent), std::string(type), std::string(operation_id),
                                                 microseconds_text(operation_kept(*client_))}}));
  return read_count_answer(answer);
}

Result<void> RedisMailbox::acknowledge(std::string_view agent, const Id128& signal_id,
                                       std::optional<std::uint32_t> attempt) {
  ALDIS_TRY_ASSIGN(const Reply answer,
                   run_until_settled(*client_, {kMailboxAcknowledge,
                                                groups_.mailbox_shard(shard_of_id(signal_id)),
                                                {std::string(agent), short_id(signal_id),
                                                 attempt ? std::to_string(*attempt) : std::string()}}));
  return read_done_answer(answer);
}

Result<std::uint64_t> RedisMailbox::hand_back(std::string_view agent, const std::vector<Reservation>& reservations,
                                              std::string_view operation_id) {
  std::vector<std::string> arguments = hand_back_arguments(agent, reservations, operation_id, operation_kept(*client_));
  ALDIS_TRY_ASSIGN(const Reply answer,
                   run_until_settled(*client_, {kMailboxHandBack, groups_.mailbox(agent), std::move(arguments)}));
  return read_count_answer(answer);
}

Result<ReceiptReading> RedisMailbox::receipt(const Id128& signal_id) {
  ALDIS_TRY_ASSIGN(const Reply answer, run_until_settled(*client_, {kMailboxReceipt,
                                                                    groups_.mailbox_shard(shard_of_id(signal_id)),
                                                                    {short_id(signal_id)},
                                                                    Durability::fleeting}));
  return read_receipt_answer(answer);
}

}  // namespace aldis
