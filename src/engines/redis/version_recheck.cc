#include "engines/redis/version_recheck.h"

#include <algorithm>
#include <string>
#include <utility>

#include "aldis/limits.h"
#include "core/format.h"
#include "engines/redis/node.h"
#include "engines/redis/topology.h"

namespace aldis {
namespace {

// A key that is not there has a version too.
std::optional<std::string> version_of(const Reply& reply) {
  if (reply.is_error()) return std::nullopt;
  return reply.is_nil() ? "none" : fmt::format("={}{}", reply.text, reply.integer);
}

}  // namespace

VersionRecheck::VersionRecheck(RedisClient& client, SubscriptionTable& table, const Clock& clock,
                               const RedisWakerTiming& timing, std::chrono::nanoseconds interval)
    : client_(client), table_(table), clock_(clock), timing_(timing), interval_(interval) {}

void VersionRecheck::run() {
  SteadyTime next = clock_.steady_now() + interval_;
  for (;;) {
    const std::uint32_t rings = bell_.rings();
    if (stopped_) return;
    const SteadyTime now = clock_.steady_now();
    if (now < next) {
      bell_.sleep(rings, next - now, {});
      continue;
    }
    check_all();
    next = std::max(next + interval_, clock_.steady_now());
  }
}

void VersionRecheck::stop() {
  stopped_ = true;
  bell_.ring();
}

void VersionRecheck::check_all() {
  const ByServer by_server = share_out();
  std::set<Endpoint> failed;
  for (const bool failed_before : {false, true}) {
    for (const auto& [server, channels] : by_server) {
      if (failed_.contains(server) == failed_before && !check_server(channels)) failed.insert(server);
    }
  }
  failed_ = std::move(failed);
}

VersionRecheck::ByServer VersionRecheck::share_out() {
  ByServer by_server;
  std::map<std::string_view, Channels*> by_group;
  Channels nobodys;
  const Channels all = table_.listened_to();
  const SteadyTime deadline = clock_.steady_now() + timing_.recheck_patience;
  for (const auto& channel : all) {
    const auto [found, is_new] = by_group.try_emplace(channel->group, &nobodys);
    if (is_new) {
      const auto node = client_.topology().node_of(channel->group, deadline);
      if (node) found->second = &by_server[(*node)->endpoint()];
    }
    found->second->push_back(channel);
  }
  note_unread(nobodys);
  return by_server;
}

// False: the server failed, and was not asked for the rest.
bool VersionRecheck::check_server(Part channels) {
  while (!channels.empty() && !stopped_) {
    const std::size_t count = std::min(channels.size(), limits::kRedisRecheckBatch);
    if (!check(channels.first(count))) {
      note_unread(channels);
      return false;
    }
    channels = channels.subspan(count);
  }
  return true;
}

bool VersionRecheck::check(Part channels) {
  std::vector<ReadRequest> requests;
  requests.reserve(channels.size());
  for (const auto& channel : channels) requests.push_back({channel->group, {channel->version_read}});
  Result<std::vector<Reply>> replies = client_.read(requests, timing_.recheck_patience);
  if (!replies) return false;
  std::vector<SubscriptionTable::VersionRead> versions;
  versions.reserve(channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    versions.push_back({channels[i], version_of((*replies)[i])});
  }
  table_.note(versions);
  return true;
}

void VersionRecheck::note_unread(Part channels) {
  std::vector<SubscriptionTable::VersionRead> versions;
  versions.reserve(channels.size());
  for (const auto& channel : channels) versions.push_back({channel, std::nullopt});
  table_.note(versions);
}

}  // namespace aldis
