#include "engines/redis/topology_parts.h"

#include <utility>

#include "core/try.h"
#include "engines/redis/call_attempts.h"
#include "engines/redis/tls.h"
#include "engines/redis/trouble.h"

namespace aldis {

Result<Node::Access> make_access(const RedisOptions& options, const Clock& clock) {
  ConnectionSettings settings{.credentials = options.credentials, .database = options.database};
  if (options.tls) {
    ALDIS_TRY_ASSIGN(settings.tls, TlsContext::make(*options.tls));
  }
  return Node::Access{.settings = std::make_shared<const ConnectionSettings>(std::move(settings)),
                      .is_cluster = options.kind == RedisOptions::Kind::cluster,
                      .clock = &clock};
}

SteadyTime fair_share(const Clock& clock, SteadyTime deadline, std::size_t left) {
  const SteadyTime now = clock.steady_now();
  return now + (deadline - now) / static_cast<std::ptrdiff_t>(left + 1);
}

Result<void> ask_patiently(const Clock& clock, SteadyTime deadline, const std::function<Result<void>()>& ask,
                           const std::function<bool()>& has_heard) {
  CallAttempts attempts(clock, deadline - clock.steady_now(), false);
  do {
    Result<void> answered = ask();
    if (answered || !may_pass(answered.error()) || !has_heard()) return answered;
    attempts.fail_by(std::move(answered).error().message);
  } while (attempts.go_on());
  return std::unexpected(attempts.failure());
}

void keep_worse(std::optional<Error>& kept, Error error) {
  if (!kept || (kept->code == ErrorCode::unavailable && error.code != ErrorCode::unavailable)) kept = std::move(error);
}

}  // namespace aldis
