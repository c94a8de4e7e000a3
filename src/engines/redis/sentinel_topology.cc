#include <algorithm>
#include <atomic>
#include <charconv>
#include <optional>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/mutex.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/tls.h"
#include "engines/redis/topology.h"
#include "engines/redis/topology_parts.h"

namespace aldis {
namespace {

// Redis documents how clients find the master: "Guidelines for Redis clients with support for Redis Sentinel".
class SentinelTopology final : public Topology {
 public:
  SentinelTopology(const RedisOptions& options, Node::Access access)
      : access_(std::move(access)),
        sentinel_settings_{
            .credentials = options.sentinel_credentials, .tls = access_.settings->tls, .to_sentinel = true},
        master_name_(options.master_name),
        sentinels_(options.endpoints) {}

  Result<std::shared_ptr<Node>> node_of(std::string_view, SteadyTime deadline) override {
    {
      const MutexLock lock(mutex_);
      if (!begins_question()) {
        if (!is_suspect_) return master_;
        // It may answer again, with what it had before a failover, or with nothing.
        return fail(ErrorCode::unavailable, "the Redis master at {} is in doubt, and a Sentinel is being asked",
                    master_->name());
      }
    }
    Result<std::shared_ptr<Node>> found = find_master(deadline);
    const MutexLock lock(mutex_);
    is_asking_ = false;
    if (found) {
      master_ = *found;
      is_suspect_ = false;
    }
    return found;
  }

  Result<std::vector<std::shared_ptr<Node>>> masters(SteadyTime deadline) override {
    ALDIS_TRY_ASSIGN(std::shared_ptr<Node> master, node_of({}, deadline));
    return std::vector{std::move(master)};
  }

  bool has_heard_a_sentinel() const { return has_heard_a_sentinel_; }

  void suspect(const Node& node) override {
    const MutexLock lock(mutex_);
    if (&node == master_.get()) is_suspect_ = true;
  }

 private:
  bool begins_question() ALDIS_REQUIRES(mutex_) {
    const SteadyTime now = access_.clock->steady_now();
    const bool is_due = now - asked_at_ >= limits::kRedisRefreshMin;
    if (master_ != nullptr && (!is_suspect_ || is_asking_ || !is_due)) return false;
    is_asking_ = true;
    asked_at_ = now;
    return true;
  }

  // The first Sentinel whose answer proves right; it is asked first the next time.
  Result<std::shared_ptr<Node>> find_master(SteadyTime deadline) {
    const std::vector<Endpoint> sentinels = sentinels_in_order();
    std::optional<Error> worst;
    std::vector<Endpoint> refuted;
    for (std::size_t i = 0; i < sentinels.size(); ++i) {
      const SteadyTime share = fair_share(*access_.clock, deadline, sentinels.size() - i);
      const Result<Endpoint> named = ask(sentinels[i], share);
      if (!named) {
        keep_worse(worst, named.error());
        continue;
      }
      if (std::ranges::find(refuted, *named) != refuted.end()) continue;
      Result<std::shared_ptr<Node>> master = verify(*named, sentinels[i], share);
      if (master) {
        put_first(sentinels[i]);
        return master;
      }
      keep_worse(worst, std::move(master).error());
      refuted.push_back(*named);
    }
    return std::unexpected(*std::move(worst));
  }

  Result<Endpoint> ask(const Endpoint& sentinel, SteadyTime deadline) {
    ALDIS_TRY_ASSIGN(const auto connection, Connection::open(sentinel_settings_, sentinel, *access_.clock, deadline));
    const std::string question = format_command({"SENTINEL", "get-master-addr-by-name", master_name_});
    ALDIS_TRY_ASSIGN(const auto replies, connection->exchange(question, 1, deadline));
    const Reply& reply = replies.front();
    if (reply.is_error() && reply.text.starts_with("ERR unknown command")) {
      return fail(ErrorCode::failed_precondition, "{} is no Sentinel: use redis://, or redis+cluster:// for a cluster",
                  sentinel.to_text());
    }
    has_heard_a_sentinel_ = true;
    if (reply.is_nil()) {
      return fail(ErrorCode::failed_precondition, "the Sentinel at {} watches no master named \"{}\"",
                  sentinel.to_text(), master_name_);
    }
    if (reply.is_error()) {
      return fail(decide(reply.text, sentinel).code, "the Sentinel at {} does not say where the master is: {}",
                  sentinel.to_text(), quote_reply(reply.text));
    }
    return read_address(reply, sentinel);
  }

  // ["10.0.0.7", "6379"]
  static Result<Endpoint> read_address(const Reply& reply, const Endpoint& sentinel) {
    Endpoint endpoint;
    if (reply.elements.size() == 2) {
      endpoint.host = reply.elements[0].text;
      const std::string& port = reply.elements[1].text;
      std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    }
    if (!endpoint.host.empty() && endpoint.port != 0) return endpoint;
    return fail(ErrorCode::unavailable, "the Sentinel at {} answered with no address", sentinel.to_text());
  }

  // A Sentinel may not have heard yet that the master has become a replica, or may name it while it is dead.
  Result<std::shared_ptr<Node>> verify(const Endpoint& endpoint, const Endpoint& sentinel, SteadyTime deadline) {
    std::shared_ptr<Node> node = node_at_master(endpoint);
    ALDIS_TRY_ASSIGN(Node::Borrowed connection, node->borrow(deadline));
    if (connection.was_idle()) ALDIS_TRY(node->greet(*connection.operator->(), deadline));
    connection.give_back();
    if (!node->is_replica()) return node;
    return fail(ErrorCode::unavailable, "the Sentinel at {} says that the master is at {}, where a replica is",
                sentinel.to_text(), node->name());
  }

  std::shared_ptr<Node> node_at_master(const Endpoint& endpoint) {
    const MutexLock lock(mutex_);
    if (master_ != nullptr && master_->endpoint() == endpoint) return master_;
    return std::make_shared<Node>(endpoint, access_);
  }

  std::vector<Endpoint> sentinels_in_order() {
    const MutexLock lock(mutex_);
    return sentinels_;
  }

  void put_first(const Endpoint& sentinel) {
    const MutexLock lock(mutex_);
    std::swap(sentinels_.front(), *std::ranges::find(sentinels_, sentinel));
  }

  const Node::Access access_;
  const ConnectionSettings sentinel_settings_;
  const std::string master_name_;
  std::atomic<bool> has_heard_a_sentinel_ = false;

  Mutex mutex_;
  std::vector<Endpoint> sentinels_ ALDIS_GUARDED_BY(mutex_);
  std::shared_ptr<Node> master_ ALDIS_GUARDED_BY(mutex_);
  bool is_suspect_ ALDIS_GUARDED_BY(mutex_) = false;
  bool is_asking_ ALDIS_GUARDED_BY(mutex_) = false;
  SteadyTime asked_at_ ALDIS_GUARDED_BY(mutex_) = {};
};

}  // namespace

Result<std::shared_ptr<Topology>> open_sentinel_topology(const RedisOptions& options, const Clock& clock,
                                                         SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(Node::Access access, make_access(options, clock));
  auto topology = std::make_shared<SentinelTopology>(options, std::move(access));
  const auto ask = [&]() -> Result<void> {
    ALDIS_TRY(topology->node_of({}, deadline));
    return {};
  };
  ALDIS_TRY(ask_patiently(clock, deadline, ask, [&] { return topology->has_heard_a_sentinel(); }));
  return topology;
}

}  // namespace aldis
