#pragma once
// The broadcasts of a namespace on a Redis server, as one agent sees them. Used by redis_signals.cc, which composes
// them with redis_mailbox.h; implemented in redis_broadcasts.cc and scripts/broadcast_*.lua; keys in docs/formats.md
// ("Redis keys", "Broadcasts").
//
// Model: the rules are those of ports/signal_store.h. Every function is one script, run again while it answers that
// there is more to settle or to list. Each may be repeated when its fate is unknown, with the same ids: it answers as
// before and changes nothing twice.
// Threads: safe from any thread. Errors: as the port says, and the client's.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/signal_answers.h"
#include "engines/redis/signal_call.h"
#include "ports/signal_store.h"

namespace aldis {

class RedisBroadcasts {
 public:
  RedisBroadcasts(std::shared_ptr<RedisClient> client, const Groups& groups)
      : client_(std::move(client)), group_(groups.broadcasts()) {}

  Result<void> send(const OutgoingSignal& signal);
  Result<TakeAnswer> take(const TakeCall& call, TakeMode mode);
  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type);
  Result<std::uint64_t> clear(std::string_view agent, std::string_view type, std::string_view operation_id);
  Result<void> acknowledge(std::string_view agent, const Id128& signal_id, std::optional<std::uint32_t> attempt);
  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations,
                                  std::string_view operation_id);
  Result<ReceiptReading> receipt(const Id128& signal_id);
  Result<void> appear(std::string_view agent);

 private:
  Result<Reply> run(const Script& script, std::vector<std::string> arguments, Durability durability) const;

  std::shared_ptr<RedisClient> client_;
  std::string group_;
};

}  // namespace aldis
