#include "engines/redis/signal_call.h"

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

std::string_view name_of(TakeMode mode) {
  switch (mode) {
    case TakeMode::recall:
      return "recall";
    case TakeMode::live:
      return "live";
    case TakeMode::full:
      return "full";
    case TakeMode::look:
      return "look";
    case TakeMode::forget:
      return "forget";
  }
  return {};
}

std::vector<std::string> with_limits(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{std::to_string(limits::kTombstonesMax), microseconds_text(limits::kTombstoneRetention),
                               microseconds_text(limits::kPositionRetention),
                               std::to_string(limits::kRedisSettledPerScript)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

// pid, start, boot id and PID namespace; four empty ones: none.
void append_holder(std::vector<std::string>& arguments, const std::optional<ProcessIdentity>& holder) {
  if (!holder) {
    arguments.insert(arguments.end(), 4, "");
    return;
  }
  arguments.push_back(std::to_string(holder->pid));
  arguments.push_back(std::to_string(holder->start_time_ticks));
  arguments.push_back(holder->boot_id);
  arguments.push_back(std::to_string(holder->pid_namespace));
}

}  // namespace

Result<Reply> run_until_settled(RedisClient& client, const SignalCall& call) {
  const std::vector<std::string> arguments = with_limits(call.arguments);
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  for (unsigned runs = 0; runs < limits::kRedisSettleRunsMax; ++runs) {
    ALDIS_TRY_ASSIGN(Reply answer, client.run(call.script, call.group, views, call.durability));
    if (!is_unfinished(answer)) return answer;
  }
  return fail(ErrorCode::unavailable, "more signals end in {} than {} runs of {} settle: send fewer, or try again",
              call.group, limits::kRedisSettleRunsMax, call.script.name);
}

std::vector<std::string> take_arguments(const TakeCall& call, TakeMode mode) {
  const TakeRequest& request = call.request;
  const TakeOptions& options = request.options;
  std::vector<std::string> arguments{std::string(request.agent),
                                     std::string(name_of(mode)),
                                     options.consume ? "1" : "",
                                     options.acknowledge_within ? microseconds_text(*options.acknowledge_within) : "",
                                     call.id,
                                     microseconds_text(call.keep),
                                     request.yields_to_holders ? "1" : ""};
  append_holder(arguments, request.holder);
  arguments.push_back(request.filter.source);
  arguments.insert(arguments.end(), request.filter.types.begin(), request.filter.types.end());
  return arguments;
}

std::vector<std::string> hand_back_arguments(std::string_view agent, const std::vector<Reservation>& reservations,
                                             std::string_view operation_id, std::chrono::nanoseconds keep) {
  std::vector<std::string> arguments{std::string(agent), std::string(operation_id), microseconds_text(keep)};
  for (const Reservation& one : reservations) {
    arguments.push_back(short_id(one.signal_id));
    arguments.push_back(std::to_string(one.attempt));
    append_holder(arguments, one.holder);
  }
  return arguments;
}

}  // namespace aldis
