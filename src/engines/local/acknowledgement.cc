#include "engines/local/acknowledgement.h"

#include "core/failure.h"

namespace aldis::local {

Result<bool> judge_acknowledgement(const Id128& id, const AcknowledgementCase& found,
                                   std::optional<std::uint32_t> attempt) {
  using State = AcknowledgementCase::State;
  const std::string name = format_id(kSignalIdPrefix, id);
  const std::uint32_t asked = attempt.value_or(found.attempt);
  switch (found.state) {
    case State::expired:
      return fail(ErrorCode::failed_precondition, "{} was not acknowledged before its time to live ran out", name);
    case State::cleared:
      return fail(ErrorCode::failed_precondition, "{} was cleared, it cannot be acknowledged", name);
    case State::open:
    case State::acknowledged:
    case State::taken:
      break;
  }
  const bool retaken = found.state == State::taken && !attempt && found.attempt > 1;
  if (asked < found.attempt || retaken) {
    return fail(ErrorCode::conflict,
                "the reservation of {} lapsed and another taker has it (attempt {}); drop what you did for it", name,
                found.attempt);
  }
  if (asked > found.attempt || found.attempt == 0 || found.state == State::taken) {
    return fail(ErrorCode::failed_precondition, "{} is not reserved by you; take it with acknowledge_within first",
                name);
  }
  return found.state == State::open;
}

}  // namespace aldis::local
