#include "engines/redis/slot_map.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "core/failure.h"

namespace aldis {
namespace {

constexpr std::uint16_t kNobody = std::numeric_limits<std::uint16_t>::max();

// [host, port, id, …]
std::optional<Endpoint> read_server(const Reply& reply, const Endpoint& asked) {
  if (!reply.is_array() || reply.elements.size() < 2) return std::nullopt;
  const Reply& host = reply.elements[0];
  const Reply& port = reply.elements[1];
  if (!port.is_integer() || port.integer <= 0 || port.integer > std::numeric_limits<std::uint16_t>::max()) {
    return std::nullopt;
  }
  const bool is_named = host.is_text() && !host.text.empty() && host.text != "?";
  return Endpoint{.host = is_named ? host.text : asked.host, .port = static_cast<std::uint16_t>(port.integer)};
}

struct Range {
  std::size_t first = 0;
  std::size_t last = 0;
};

std::optional<Range> read_range(const Reply& reply) {
  if (!reply.is_array() || reply.elements.size() < 3) return std::nullopt;
  const Reply& first = reply.elements[0];
  const Reply& last = reply.elements[1];
  if (!first.is_integer() || !last.is_integer() || first.integer < 0 || last.integer < first.integer ||
      last.integer >= static_cast<std::int64_t>(kHashSlots)) {
    return std::nullopt;
  }
  return Range{static_cast<std::size_t>(first.integer), static_cast<std::size_t>(last.integer)};
}

}  // namespace

SlotMap::SlotMap() : master_of_slot_(kHashSlots, kNobody) {}

Result<SlotMap> SlotMap::parse(const Reply& cluster_slots, const Endpoint& asked) {
  SlotMap map;
  for (const Reply& entry : cluster_slots.elements) {
    const std::optional<Range> range = read_range(entry);
    if (!range) return fail(ErrorCode::unavailable, "{} answered CLUSTER SLOTS with no map", asked.to_text());
    for (std::size_t i = 2; i < entry.elements.size(); ++i) {
      const std::optional<Endpoint> server = read_server(entry.elements[i], asked);
      if (!server) return fail(ErrorCode::unavailable, "{} answered CLUSTER SLOTS with no address", asked.to_text());
      const std::uint16_t index = map.index_of(*server);
      if (i > 2) continue;  // a replica
      for (std::size_t slot = range->first; slot <= range->last; ++slot) map.master_of_slot_[slot] = index;
    }
  }
  if (map.servers_.empty()) {
    return fail(ErrorCode::unavailable, "{} belongs to a cluster where nobody serves any slot", asked.to_text());
  }
  return map;
}

void SlotMap::assign(HashSlot slot, const Endpoint& master) { master_of_slot_[slot] = index_of(master); }

const Endpoint* SlotMap::master_of(HashSlot slot) const {
  const std::uint16_t index = master_of_slot_[slot];
  return index == kNobody ? nullptr : &servers_[index];
}

std::vector<Endpoint> SlotMap::masters() const {
  std::vector<bool> is_master(servers_.size());
  for (const std::uint16_t index : master_of_slot_) {
    if (index != kNobody) is_master[index] = true;
  }
  std::vector<Endpoint> masters;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (is_master[i]) masters.push_back(servers_[i]);
  }
  return masters;
}

std::uint16_t SlotMap::index_of(const Endpoint& server) {
  const auto found = std::ranges::find(servers_, server);
  const auto index = static_cast<std::uint16_t>(found - servers_.begin());
  if (found == servers_.end()) servers_.push_back(server);
  return index;
}

}  // namespace aldis
