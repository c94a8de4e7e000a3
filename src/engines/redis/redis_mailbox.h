#pragma once
// The mailboxes of a namespace on a Redis server: targeted signals. Used by redis_signals.cc, which composes them with
// redis_broadcasts.h; implemented in redis_mailbox.cc and the scripts mailbox_*.lua; keys in docs/formats.md ("Redis
// keys").
//
// Model: the rules are those of ports/signal_store.h. A mailbox lives in the group of its agent's shard, which the id
// of each signal names too. Every function is one script, run again while it answers that there is more to settle; a
// repeat with the same ids answers as before. Threads: safe from any thread. Errors: as the port says, and the
// client's.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/signal_answers.h"
#include "engines/redis/signal_call.h"
#include "ports/signal_store.h"

namespace aldis {

class RedisMailbox {
 public:
  RedisMailbox(std::shared_ptr<RedisClient> client, Groups groups)
      : client_(std::move(client)), groups_(std::move(groups)) {}

  // REQUIRES: the signal has a target.
  Result<void> send(const OutgoingSignal& signal);
  Result<TakeAnswer> take(const TakeCall& call, TakeMode mode);
  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type);
  Result<std::uint64_t> clear(std::string_view agent, std::string_view type, std::string_view operation_id);
  Result<void> acknowledge(std::string_view agent, const Id128& signal_id, std::optional<std::uint32_t> attempt);
  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations,
                                  std::string_view operation_id);
  Result<ReceiptReading> receipt(const Id128& signal_id);

 private:
  std::shared_ptr<RedisClient> client_;
  Groups groups_;
};

}  // namespace aldis
