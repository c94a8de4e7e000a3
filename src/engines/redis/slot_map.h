#pragma once
// Which server of a cluster is the master of which slot. Used by cluster_topology.cc; implemented in slot_map.cc.
//
// Model: made from one server's answer to CLUSTER SLOTS (Redis 7 calls it deprecated, and 6.2 has nothing else); a
// MOVED corrects single slots. Slots that nobody serves have no master. Threads: a value type; const calls are safe.
// Errors: unavailable for an answer that is no map, or an empty one.

#include <cstdint>
#include <vector>

#include "aldis/result.h"
#include "engines/redis/endpoint.h"
#include "engines/redis/reply.h"
#include "engines/redis/routing.h"

namespace aldis {

class SlotMap {
 public:
  SlotMap();

  // `asked`: who gave it; its host stands in where the answer names none.
  static Result<SlotMap> parse(const Reply& cluster_slots, const Endpoint& asked);

  void assign(HashSlot slot, const Endpoint& master);

  const Endpoint* master_of(HashSlot slot) const;                    // null: none
  std::vector<Endpoint> masters() const;                             // each once
  const std::vector<Endpoint>& servers() const { return servers_; }  // replicas too

 private:
  std::uint16_t index_of(const Endpoint& server);

  std::vector<Endpoint> servers_;
  std::vector<std::uint16_t> master_of_slot_;  // its place in servers_, or kNobody
};

}  // namespace aldis
