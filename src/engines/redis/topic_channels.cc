#include "engines/redis/topic_channels.h"

#include <optional>
#include <utility>

#include "core/format.h"
#include "core/ids.h"
#include "ports/signal_address.h"

namespace aldis {
namespace {

Channel mailbox_channel(const Groups& groups, std::string_view agent) {
  std::string group = groups.mailbox(agent);
  return {.group = group,
          .name = fmt::format("{}!a:{}", group, agent),
          .version_read = {"HGET", fmt::format("{}:a:{}", group, agent), "v"}};
}

// Its version is the ordinal of the newest event.
Channel stream_channel(const Groups& groups, std::string_view type) {
  std::string group = groups.stream(type);
  return {.group = group, .name = group + "!", .version_read = {"HGET", group + ":h", "last"}};
}

// The one channel for all that happens in a group.
Channel group_channel(std::string group) {
  return {.group = group, .name = group + "!", .version_read = {"GET", group + ":v"}};
}

Channel signal_channel(const Groups& groups, const Id128& id, std::string_view name) {
  std::string group = is_broadcast_id(id) ? groups.broadcasts() : groups.mailbox_shard(shard_of_id(id));
  return {.group = group,
          .name = fmt::format("{}!s:{}", group, name),
          .version_read = {"HGET", fmt::format("{}:s:{}", group, name), "r"}};
}

std::vector<Hearing> heartbeat_hearings(const Groups& groups) {
  std::vector<Hearing> hearings;
  hearings.reserve(kHeartbeatShards);
  for (unsigned shard = 0; shard < kHeartbeatShards; ++shard) {
    hearings.push_back({group_channel(groups.heartbeat_shard(shard)), {}});
  }
  return hearings;
}

}  // namespace

std::vector<Hearing> hearings_of(const Groups& groups, const Topic& topic) {
  switch (topic.kind) {
    case Topic::Kind::mailbox:
      return {{mailbox_channel(groups, topic.name), {}}, {group_channel(groups.broadcasts()), {}}};
    case Topic::Kind::agent:
      return {{group_channel(groups.heartbeats(topic.name)), std::string(topic.name)}};
    case Topic::Kind::heartbeats:
      return heartbeat_hearings(groups);
    case Topic::Kind::signal: {
      const std::optional<Id128> id = parse_id("", topic.name);
      if (!id) return {};
      return {{signal_channel(groups, *id, topic.name), {}}};
    }
    case Topic::Kind::approval:
      return {{group_channel(groups.approvals()), std::string(topic.name)}};
    case Topic::Kind::approvals:
      return {{group_channel(groups.approvals()), {}}};
    case Topic::Kind::stream:
      return {{stream_channel(groups, topic.name), {}}};
    case Topic::Kind::streams:
      return {{group_channel(groups.streams()), {}}};
  }
  return {};
}

std::string_view group_of_channel(std::string_view channel) { return channel.substr(0, channel.find('}') + 1); }

}  // namespace aldis
