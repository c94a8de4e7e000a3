#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/mutex.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/slot_map.h"
#include "engines/redis/topology.h"
#include "engines/redis/topology_parts.h"

namespace aldis {
namespace {

using Nodes = std::vector<std::shared_ptr<Node>>;

class ClusterTopology final : public Topology {
 public:
  ClusterTopology(const RedisOptions& options, Node::Access access)
      : access_(std::move(access)), seeds_(options.endpoints) {}

  // Asks for the first map.
  Result<void> open(SteadyTime deadline) {
    return ask_patiently(
        *access_.clock, deadline, [&] { return refresh(deadline); }, [&] { return has_heard_a_server_.load(); });
  }

  Result<std::shared_ptr<Node>> node_of(std::string_view group, SteadyTime deadline) override {
    const HashSlot slot = slot_of(group);
    const Result<void> refreshed = refresh_if_due(slot, deadline);
    const MutexLock lock(mutex_);
    const Endpoint* master = map_.master_of(slot);
    if (master != nullptr) return known_node(*master);
    if (!refreshed) return std::unexpected(refreshed.error());
    return fail(ErrorCode::unavailable,
                "no server of the cluster serves hash slot {}: redis-cli --cluster check says what it lacks", slot);
  }

  Result<Nodes> masters(SteadyTime deadline) override {
    static_cast<void>(refresh_if_due(std::nullopt, deadline));  // without it the old map has to do
    const MutexLock lock(mutex_);
    Nodes nodes;
    for (const Endpoint& master : map_.masters()) nodes.push_back(known_node(master));
    return nodes;
  }

  void suspect(const Node& node) override {
    const MutexLock lock(mutex_);
    is_doubtful_ = true;
    suspect_ = node.endpoint();
  }

  void moved(HashSlot slot, const Endpoint& master) override {
    const MutexLock lock(mutex_);
    map_.assign(slot, master);
    is_doubtful_ = true;
  }

  std::shared_ptr<Node> node_at(const Endpoint& endpoint) override {
    const MutexLock lock(mutex_);
    return known_node(endpoint);
  }

 private:
  // One thread asks at a time; the others go on with the map that there is.
  Result<void> refresh_if_due(std::optional<HashSlot> slot, SteadyTime deadline) {
    {
      const MutexLock lock(mutex_);
      const bool is_wanted = is_doubtful_ || (slot && map_.master_of(*slot) == nullptr);
      const SteadyTime now = access_.clock->steady_now();
      if (!is_wanted || is_asking_ || now - asked_at_ < limits::kRedisRefreshMin) return {};
      is_asking_ = true;
      is_doubtful_ = false;  // what is suspected from now on is not answered by this
      asked_at_ = now;
    }
    const Result<void> refreshed = refresh(deadline);
    const MutexLock lock(mutex_);
    is_asking_ = false;
    if (!refreshed) is_doubtful_ = true;
    return refreshed;
  }

  // From whoever answers first.
  Result<void> refresh(SteadyTime deadline) {
    const Nodes sources = this->sources();
    std::optional<Error> worst;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      Result<SlotMap> map = ask(*sources[i], fair_share(*access_.clock, deadline, sources.size() - i));
      if (map) {
        install(*std::move(map));
        return {};
      }
      keep_worse(worst, std::move(map).error());
    }
    return std::unexpected(*std::move(worst));
  }

  Result<SlotMap> ask(Node& node, SteadyTime deadline) {
    ALDIS_TRY_ASSIGN(Node::Borrowed connection, node.borrow(deadline));
    has_heard_a_server_ = true;
    ALDIS_TRY_ASSIGN(const auto replies, connection->exchange(kClusterSlotsCommand, 1, deadline));
    connection.give_back();
    const Reply& reply = replies.front();
    if (reply.is_error()) {
      const Decision decision = decide(reply.text, node.endpoint());
      return fail(decision.code, "the Redis server at {} does not say who serves which slot: {}{}{}", node.name(),
                  quote_reply(reply.text), decision.advice.empty() ? "" : ": ", decision.advice);
    }
    return SlotMap::parse(reply, node.endpoint());
  }

  // Whom to ask: the masters, the replicas, the servers of the URL; last the one that is suspected.
  Nodes sources() {
    const MutexLock lock(mutex_);
    std::vector<Endpoint> endpoints = map_.masters();
    endpoints.insert(endpoints.end(), map_.servers().begin(), map_.servers().end());
    endpoints.insert(endpoints.end(), seeds_.begin(), seeds_.end());
    if (std::erase(endpoints, suspect_) > 0) endpoints.push_back(suspect_);
    Nodes nodes;
    for (const Endpoint& endpoint : endpoints) {
      std::shared_ptr<Node> node = known_node(endpoint);
      if (std::ranges::find(nodes, node) == nodes.end()) nodes.push_back(std::move(node));
    }
    return nodes;
  }

  // Servers that left the cluster go, with their connections.
  void install(SlotMap map) {
    const MutexLock lock(mutex_);
    map_ = std::move(map);
    suspect_ = {};
    std::erase_if(nodes_, [this](const auto& entry) ALDIS_REQUIRES(mutex_) {
      return std::ranges::find(map_.servers(), entry.first) == map_.servers().end();
    });
  }

  std::shared_ptr<Node> known_node(const Endpoint& endpoint) ALDIS_REQUIRES(mutex_) {
    std::shared_ptr<Node>& node = nodes_[endpoint];
    if (node == nullptr) node = std::make_shared<Node>(endpoint, access_);
    return node;
  }

  const Node::Access access_;
  const std::vector<Endpoint> seeds_;
  std::atomic<bool> has_heard_a_server_ = false;

  Mutex mutex_;
  SlotMap map_ ALDIS_GUARDED_BY(mutex_);
  std::map<Endpoint, std::shared_ptr<Node>> nodes_ ALDIS_GUARDED_BY(mutex_);
  Endpoint suspect_ ALDIS_GUARDED_BY(mutex_);
  bool is_doubtful_ ALDIS_GUARDED_BY(mutex_) = false;  // the map may be out of date
  bool is_asking_ ALDIS_GUARDED_BY(mutex_) = false;
  SteadyTime asked_at_ ALDIS_GUARDED_BY(mutex_) = {};
};

}  // namespace

Result<std::shared_ptr<Topology>> open_cluster_topology(const RedisOptions& options, const Clock& clock,
                                                        SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(Node::Access access, make_access(options, clock));
  auto topology = std::make_shared<ClusterTopology>(options, std::move(access));
  ALDIS_TRY(topology->open(deadline));
  return topology;
}

}  // namespace aldis
