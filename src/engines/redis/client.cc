#include "engines/redis/client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/answer_reader.h"
#include "engines/redis/call_attempts.h"
#include "engines/redis/command.h"
#include "engines/redis/node.h"
#include "engines/redis/reading.h"
#include "engines/redis/script_command.h"
#include "engines/redis/topology.h"
#include "engines/redis/trouble.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

struct ScriptCall {
  const Script& script;
  std::string_view group;
  std::span<const std::string_view> arguments;
  unsigned replicas = 0;  // that must have it
  bool only_changes = false;
  std::optional<nanoseconds> at_most = {};
  bool by_text = false;  // the server does not know the script
  bool is_repeat = false;
};

// What the server answered: the script, and WAIT if it was asked to.
struct ScriptAnswer {
  Reply reply = {};
  unsigned replicas = 0;  // that must have it
  Reply copies = {};
};

// A server looks every 1/hz s which clients have waited long enough: its answer must arrive in time.
constexpr nanoseconds kWaitEndsLate = std::chrono::milliseconds{100};

std::string wait_command(unsigned replicas, nanoseconds left) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(left * 9 / 10 - kWaitEndsLate).count();
  return format_command({"WAIT", std::to_string(replicas), std::to_string(std::max<std::int64_t>(milliseconds, 1))});
}

// WAIT waits for the last write of its own connection. A script that recognises a repeat writes nothing: this does.
std::string mark_command(std::string_view group) {
  return format_command({"SET", fmt::format("{}:w", group), "", "PX", "1000"});
}

Result<std::shared_ptr<Topology>> open_topology(const RedisOptions& options, const Clock& clock, SteadyTime deadline) {
  switch (options.kind) {
    case RedisOptions::Kind::single:
      return open_single_topology(options, clock, deadline);
    case RedisOptions::Kind::sentinel:
      return open_sentinel_topology(options, clock, deadline);
    case RedisOptions::Kind::cluster:
      return open_cluster_topology(options, clock, deadline);
  }
  return fail(ErrorCode::internal, "a kind of Redis store that nobody knows");
}

}  // namespace

class RedisClient::Impl {
 public:
  Impl(std::shared_ptr<Topology> topology, unsigned replicas, nanoseconds call_timeout,
       std::shared_ptr<const Clock> clock)
      : clock_(std::move(clock)), topology_(std::move(topology)), replicas_(replicas), call_timeout_(call_timeout) {}

  Result<Reply> run(ScriptCall call) {
    CallAttempts attempts =
        begin(std::min(call_timeout_, call.at_most.value_or(call_timeout_)), !call.at_most && topology_->may_change());
    do {
      const Result<std::shared_ptr<Node>> node = topology_->node_of(call.group, attempts.attempt_deadline());
      if (!node) {
        if (!may_pass(node.error())) return std::unexpected(attempts.failure_by(node.error()));
        attempts.fail_by(node.error().message);
      } else if (std::optional<Result<Reply>> outcome = attempt(call, **node, attempts)) {
        if (!*outcome) return std::unexpected(attempts.failure_by(outcome->error()));
        return *std::move(outcome);
      }
      call.is_repeat = true;
    } while (attempts.go_on());
    return std::unexpected(attempts.failure());
  }

  Result<std::vector<Reply>> read(std::span<const ReadRequest> requests, nanoseconds at_most) {
    CallAttempts attempts = begin(at_most, topology_->may_change());
    Reading reading(*topology_, requests, attempts);
    do {
      ALDIS_TRY(reading.do_round());
      if (reading.is_complete()) return std::move(reading).answers();
    } while (attempts.go_on());
    return std::unexpected(attempts.failure());
  }

  Topology& topology() { return *topology_; }
  unsigned replicas() const { return replicas_; }
  nanoseconds call_timeout() const { return call_timeout_; }

 private:
  CallAttempts begin(nanoseconds timeout, bool divided) const { return {*clock_, timeout, divided}; }

  // Nothing: try again.
  std::optional<Result<Reply>> attempt(ScriptCall& call, Node& node, CallAttempts& attempts) {
    Trouble trouble(*topology_, node, attempts);
    Result<Node::Borrowed> connection = node.borrow(attempts.attempt_deadline());
    if (!connection) return end_with(trouble.lose(connection.error()));
    const SteadyTime patience = attempts.attempt_deadline(!call.at_most && connection->was_idle());
    Result<ScriptAnswer> answer = exchange(call, node, *connection, patience);
    if (!answer) {
      attempts.leave_in_doubt();
      return end_with(trouble.lose(answer.error(), connection->was_idle()));
    }
    connection->give_back();
    return judge(call, *std::move(answer), node, trouble, attempts);
  }

  Result<ScriptAnswer> exchange(const ScriptCall& call, const Node& node, Node::Borrowed& connection,
                                SteadyTime deadline) const {
    std::string commands = script_command(call.script, call.by_text, call.group, call.arguments, node);
    if (!call.only_changes) commands += copies_commands(call, deadline);
    ALDIS_TRY(connection->send(commands, deadline));
    ScriptAnswer answer;
    ALDIS_TRY_ASSIGN(answer.reply, connection->receive(deadline));
    if (call.replicas == 0) return answer;
    if (call.only_changes) {
      if (answer.reply.is_error() || changed_nothing(answer.reply)) return answer;
      ALDIS_TRY(connection->send(copies_commands(call, deadline), deadline));
    }
    if (call.is_repeat) {
      ALDIS_TRY_ASSIGN(answer.copies, connection->receive(deadline));
      if (answer.copies.is_error() && !answer.reply.is_error()) answer.reply = answer.copies;
    }
    answer.replicas = call.replicas;
    ALDIS_TRY_ASSIGN(answer.copies, connection->receive(deadline));
    return answer;
  }

  std::string copies_commands(const ScriptCall& call, SteadyTime deadline) const {
    if (call.replicas == 0) return {};
    const std::string mark = call.is_repeat ? mark_command(call.group) : std::string();
    return mark + wait_command(call.replicas, deadline - clock_->steady_now());
  }

  // A script is not sent where ASK points. It names no key but its group's, so neither server could tell that some of
  // the keys that it changes are still on the other: it runs again once the slot has moved.
  static std::optional<Result<Reply>> judge(ScriptCall& call, ScriptAnswer answer, const Node& node, Trouble& trouble,
                                            CallAttempts& attempts) {
    if (!answer.reply.is_error()) attempts.leave_in_doubt();  // until the replicas have it
    const Reply* error = answer.reply.is_error() ? &answer.reply : answer.copies.is_error() ? &answer.copies : nullptr;
    if (error != nullptr) {
      const Result<Decision> decision = trouble.refuse(error->text, false);
      if (!decision) return std::unexpected(decision.error());
      call.by_text = decision->action == Decision::Action::load_script;
      return std::nullopt;
    }
    if (std::cmp_less(answer.copies.integer, answer.replicas)) {
      attempts.fail_by(
          fmt::format("{} of the {} replicas that must have a write have this one of the Redis server at {}",
                      answer.copies.integer, answer.replicas, node.name()),
          "are the replicas running?");
      return std::nullopt;
    }
    return std::move(answer.reply);
  }

  static std::optional<Result<Reply>> end_with(std::optional<Error> final) {
    if (!final) return std::nullopt;
    return std::unexpected(*std::move(final));
  }

  const std::shared_ptr<const Clock> clock_;
  const std::shared_ptr<Topology> topology_;
  const unsigned replicas_;
  const nanoseconds call_timeout_;
};

Result<std::shared_ptr<RedisClient>> RedisClient::open(RedisOptions options, nanoseconds call_timeout,
                                                       std::shared_ptr<const Clock> clock) {
  ALDIS_TRY_ASSIGN(auto topology, open_topology(options, *clock, clock->steady_now() + call_timeout));
  auto impl = std::make_unique<Impl>(std::move(topology), options.replicas, call_timeout, std::move(clock));
  return std::shared_ptr<RedisClient>(new RedisClient(std::move(impl)));
}

RedisClient::RedisClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RedisClient::~RedisClient() = default;

Result<Reply> RedisClient::run(const Script& script, std::string_view group,
                               std::span<const std::string_view> arguments, Durability durability,
                               std::optional<nanoseconds> at_most) {
  return impl_->run({.script = script,
                     .group = group,
                     .arguments = arguments,
                     .replicas = durability == Durability::fleeting ? 0 : impl_->replicas(),
                     .only_changes = durability == Durability::durable_change,
                     .at_most = at_most});
}

Result<std::vector<Reply>> RedisClient::read(std::span<const ReadRequest> requests,
                                             std::optional<nanoseconds> at_most) {
  return impl_->read(requests, std::min(call_timeout(), at_most.value_or(call_timeout())));
}

Topology& RedisClient::topology() const { return impl_->topology(); }

nanoseconds RedisClient::call_timeout() const { return impl_->call_timeout(); }

}  // namespace aldis
