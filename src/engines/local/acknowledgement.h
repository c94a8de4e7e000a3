#pragma once
// The rule of acknowledging: pure, for targeted signals and broadcasts alike. Used by mailbox.cc and broadcasts.cc;
// implemented in acknowledgement.cc.

#include <cstdint>
#include <optional>

#include "aldis/result.h"
#include "core/ids.h"

namespace aldis::local {

// How a signal stands for the agent that acknowledges it.
struct AcknowledgementCase {
  enum class State { open, acknowledged, taken, expired, cleared } state = State::open;
  std::uint32_t attempt = 0;  // how often the agent took it; open and 0: never reserved
};

// True: make it final now. False: it is already. Errors as SignalStore::acknowledge says.
Result<bool> judge_acknowledgement(const Id128& id, const AcknowledgementCase& found,
                                   std::optional<std::uint32_t> attempt);

}  // namespace aldis::local
