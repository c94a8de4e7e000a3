#include "engines/redis/trouble.h"

#include <utility>

#include "core/failure.h"

namespace aldis {

using Action = Decision::Action;

bool may_pass(const Error& error) { return error.code == ErrorCode::unavailable; }

std::optional<Error> Trouble::lose(const Error& error, bool was_idle) {
  if (!may_pass(error)) return error;
  topology_.suspect(node_);
  was_idle ? attempts_.turn_away(error.message) : attempts_.fail_by(error.message);
  return std::nullopt;
}

Result<Decision> Trouble::refuse(std::string_view error, bool follows) {
  Decision decision = decide(error, node_.endpoint());
  std::string cause = fmt::format("the Redis server at {} answered: {}", node_.name(), quote_reply(error));
  switch (decision.action) {
    case Action::fail:
      return fail(decision.code, "{}{}{}", cause, decision.advice.empty() ? "" : ": ", decision.advice);
    case Action::load_script:
      attempts_.turn_away(std::move(cause), decision.advice);
      break;
    case Action::moved:
      topology_.moved(*decision.slot, decision.endpoint);
      attempts_.turn_away(std::move(cause), decision.advice);
      break;
    case Action::ask:
      follows ? attempts_.turn_away(std::move(cause), decision.advice)
              : attempts_.fail_by(std::move(cause), decision.advice);
      break;
    case Action::refresh:
      topology_.suspect(node_);
      attempts_.fail_by(std::move(cause), decision.advice);
      break;
    case Action::retry:
      attempts_.fail_by(std::move(cause), decision.advice);
      break;
  }
  return decision;
}

}  // namespace aldis
