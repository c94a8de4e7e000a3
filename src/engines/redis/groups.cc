#include "engines/redis/groups.h"

#include "core/format.h"
#include "ports/signal_address.h"

namespace aldis {

Groups::Groups(std::string_view namespace_name)
    : prefix_(fmt::format("aldis1:{{{}/", namespace_name)),
      broadcasts_(prefix_ + "b}"),
      approvals_(prefix_ + "a}"),
      streams_(prefix_ + "e}") {}

std::string Groups::mailbox(std::string_view agent) const { return mailbox_shard(aldis::mailbox_shard(agent)); }

std::string Groups::mailbox_shard(unsigned shard) const { return fmt::format("{}m/{:02x}}}", prefix_, shard); }

// The low bits of the same hash: an agent's record and its mailbox are found alike.
std::string Groups::heartbeats(std::string_view agent) const {
  return heartbeat_shard(aldis::mailbox_shard(agent) % kHeartbeatShards);
}

std::string Groups::stream(std::string_view type) const { return fmt::format("{}e/{}}}", prefix_, type); }

std::string Groups::heartbeat_shard(unsigned shard) const { return fmt::format("{}h/{:02x}}}", prefix_, shard); }

}  // namespace aldis
