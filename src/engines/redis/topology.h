#pragma once
// Which server holds the keys of a group. Used by client.cc and the subscriber; implemented by single_topology.cc,
// sentinel_topology.cc and cluster_topology.cc.
//
// Model: answers from what it knows. Whoever finds a server dead, or is told by one that it is not the right one, says
// so by `suspect` or `moved`; then one of the next callers asks Sentinels or the cluster anew, not too often, while the
// others get the old answer. Nothing here tries again: that is the caller's.
// Threads: safe from any thread. Errors: those of node.h; unavailable when nobody answers, or nobody serves the group.

#include <memory>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/node.h"
#include "engines/redis/redis_options.h"
#include "engines/redis/routing.h"

namespace aldis {

class Topology {
 public:
  virtual ~Topology() = default;

  virtual Result<std::shared_ptr<Node>> node_of(std::string_view group, SteadyTime deadline) = 0;

  // Every server that serves a group, each once.
  virtual Result<std::vector<std::shared_ptr<Node>>> masters(SteadyTime deadline) = 0;

  // It died, does not answer, or is no master any more.
  virtual void suspect(const Node& node) = 0;

  // What a server of a cluster said. The others never say it: by default nothing happens.
  virtual void moved(HashSlot, const Endpoint&) {}
  virtual std::shared_ptr<Node> node_at(const Endpoint&) { return nullptr; }

  // Whether asking again may find another server: then a call does not spend all its time on one that is silent.
  virtual bool may_change() const { return true; }
};

// Makes the first connection. The clock outlives the topology.
Result<std::shared_ptr<Topology>> open_single_topology(const RedisOptions& options, const Clock& clock,
                                                       SteadyTime deadline);
Result<std::shared_ptr<Topology>> open_sentinel_topology(const RedisOptions& options, const Clock& clock,
                                                         SteadyTime deadline);
Result<std::shared_ptr<Topology>> open_cluster_topology(const RedisOptions& options, const Clock& clock,
                                                        SteadyTime deadline);

}  // namespace aldis
