#pragma once
// How the signal engines run their scripts. Used by redis_mailbox.cc and redis_broadcasts.cc; implemented in
// signal_call.cc.
//
// Model: every signal script gets, after the ring command, the same four limits (kTombstonesMax, kTombstoneRetention
// and kPositionRetention in microseconds, kSettledPerScript), then its own arguments. It settles a bounded number of
// signals; when more is due it asks to be run again, and changes nothing else. Threads: safe from any thread. Errors:
// the client's; unavailable when others make work faster than it is done.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/limits.h"
#include "engines/redis/client.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/signal_answers.h"

namespace aldis {

struct SignalCall {
  const Script& script;
  std::string group;
  std::vector<std::string> arguments;
  Durability durability = Durability::durable;
};

// Until the script has done what it was called for.
Result<Reply> run_until_settled(RedisClient& client, const SignalCall& call);

// recall: only what the take id answered before; live: else a live signal; full: else an expiry; look: takes and
// changes nothing, answers as if it yielded; forget: what the take id answered before.
enum class TakeMode { recall, live, full, look, forget };

// What every take of one agent needs; `id` is empty for a look.
struct TakeCall {
  const TakeRequest& request;
  std::string id;                    // "u:…" made by the caller, "i:…" by the engine
  std::chrono::nanoseconds keep{0};  // how long the answer is remembered under it
};

// agent, mode, consume ("1" or ""), acknowledge_within in microseconds or "", take id or "", keep in microseconds,
// yields
// ("1" or ""), the holder's pid, start, boot id and PID namespace (four empty ones: none), source or "", types…
std::vector<std::string> take_arguments(const TakeCall& call, TakeMode mode);

// agent, operation id, keep in microseconds, then of each reservation: its signal, attempt and holder, as above.
std::vector<std::string> hand_back_arguments(std::string_view agent, const std::vector<Reservation>& reservations,
                                             std::string_view operation_id, std::chrono::nanoseconds keep);

}  // namespace aldis
