// Any bytes as what a Redis server keeps of an agent: they are refused, or every number in them is one that the domain
// can calculate with. The first byte chooses how they are read, the second where the first value ends.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "engines/redis/heartbeat_codec.h"
#include "require.h"

using aldis::HeartbeatRecord;
using aldis::Reply;
using aldis::fuzz::require;

namespace {

Reply text(std::string_view value) { return {.kind = Reply::Kind::text, .text = std::string(value)}; }

Reply array(std::vector<Reply> elements) { return {.kind = Reply::Kind::array, .elements = std::move(elements)}; }

void require_sound(const HeartbeatRecord& record, aldis::StoreTime now) {
  require(std::isfinite(record.rhythm.mean_seconds) && std::isfinite(record.rhythm.squares));
  require(!record.progress || !std::isnan(*record.progress));
  require(record.published <= aldis::AgentState::finished);
  require(record.start.ttl.count() >= 0);
  // Overflow would be reported by the sanitizer.
  static_cast<void>((now - record.lease_deadline()) + (now - record.started) + (now - record.last_beat));
}

void reading(const std::vector<Reply>& values) {
  const auto read = aldis::read_heartbeat_answer("a", array(values));
  if (read && *read) require_sound((*read)->record, (*read)->now);
}

// Two shards whose clocks are far apart.
void listing(const std::vector<Reply>& values) {
  const Reply late = array({text("4503599626"), text("999999")});
  const auto pairs = [&](std::string_view agent, std::size_t index) { return array({text(agent), values[index]}); };
  const auto shard = [&](const Reply& time, std::string_view agent) {
    return array({time, pairs(agent, 1), pairs(agent, 2)});
  };
  const std::vector<Reply> shards{shard(late, "b"), shard(values[0], "a"), array(values)};
  const auto listed = aldis::read_heartbeat_answers({shards.data(), shards.size() - 1});
  if (listed) {
    for (const HeartbeatRecord& record : listed->records) require_sound(record, listed->now);
  }
  require(!aldis::read_heartbeat_answers(shards));  // values where fields and values belong
}

void self_description(std::string_view bytes) {
  HeartbeatRecord record;
  if (!aldis::unpack_self_description(bytes, record)) return;
  const std::string again = std::string(bytes.substr(0, 8)) + aldis::pack_self_description(record.start);
  HeartbeatRecord same;
  require(aldis::unpack_self_description(again, same));
  require(same.start.process == record.start.process && same.start.metadata == record.start.metadata);
  require(same.started == record.started && same.start.host == record.start.host);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view first = bytes.substr(0, data[1]);
  const Reply now = array({text("1790000000"), text("0")});
  const std::vector<Reply> values{now, text(first), text(bytes.substr(first.size()))};
  switch (data[0] % 3) {
    case 0:
      reading(values);
      break;
    case 1:
      listing(values);
      break;
    default:
      self_description(bytes);
  }
  return 0;
}
