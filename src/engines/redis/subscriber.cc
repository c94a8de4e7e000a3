#include "engines/redis/subscriber.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "core/try.h"

namespace aldis {
namespace {

constexpr std::chrono::nanoseconds kQuietTurn = std::chrono::minutes{1};

int poll_timeout(std::chrono::nanoseconds left) {
  const auto bounded = std::clamp(left, std::chrono::nanoseconds::zero(), kQuietTurn);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(bounded).count());
}

}  // namespace

Result<std::unique_ptr<Subscriber>> Subscriber::make(const SubscriberLink::World& world) {
  ALDIS_TRY_ASSIGN(Poke poke, Poke::make());
  return std::unique_ptr<Subscriber>(new Subscriber(world, std::move(poke)));
}

Subscriber::Subscriber(const SubscriberLink::World& world, Poke poke)
    : world_(world), poke_(std::make_shared<const Poke>(std::move(poke))) {}

void Subscriber::run() {
  sweep_at_ = world_.clock.steady_now() + world_.timing.linger;
  reroute_at_ = world_.clock.steady_now() + world_.timing.recheck;
  while (!stopped_) {
    turn();
    wait();
  }
}

void Subscriber::stop() {
  stopped_ = true;
  poke_->poke();
}

void Subscriber::turn() {
  const SteadyTime now = world_.clock.steady_now();
  for (auto& [endpoint, server] : servers_) hear(server, now);
  take_up_channels(now);
  route(now);
  for (auto& [endpoint, server] : servers_) {
    keep_open(server, now);
    speak(server, now);
  }
  drop_idle_servers();
}

void Subscriber::wait() {
  std::vector<pollfd> descriptors = {{poke_->descriptor(), POLLIN, 0}};
  for (const auto& [endpoint, server] : servers_) {
    if (server.link != nullptr) descriptors.push_back({server.link->descriptor(), POLLIN, 0});
  }
  ::poll(descriptors.data(), descriptors.size(), poll_timeout(next_turn() - world_.clock.steady_now()));
  if (descriptors.front().revents != 0) poke_->clear();
}

SteadyTime Subscriber::next_turn() const {
  SteadyTime next = sweep_at_;
  if (routing_ == nullptr && world_.topology.may_change()) next = std::min(next, reroute_at_);
  if (routing_ == nullptr && has_homeless()) next = std::min(next, route_at_);
  for (const auto& [endpoint, server] : servers_) {
    if (server.link != nullptr) {
      next = std::min(next, server.link->has_more_to_hear() ? SteadyTime{} : server.link->next_ping());
    } else if (server.opening == nullptr) {
      next = std::min(next, server.open_at);
    }
  }
  return next;
}

void Subscriber::take_up_channels(SteadyTime now) {
  for (const std::string& channel : world_.table.take_begun()) begin(channel);
  if (now < sweep_at_) return;
  sweep_at_ = now + world_.timing.linger;
  for (const std::string& channel : world_.table.sweep()) end(channel);
}

void Subscriber::begin(const std::string& channel) {
  Group& group = groups_[std::string(group_of_channel(channel))];
  group.channels.insert(channel);
  if (group.server != nullptr && group.server->link != nullptr) group.server->link->subscribe(channel);
}

void Subscriber::end(const std::string& channel) {
  const auto found = groups_.find(group_of_channel(channel));
  if (found == groups_.end()) return;
  Group& group = found->second;
  group.channels.erase(channel);
  if (group.server != nullptr && group.server->link != nullptr) group.server->link->unsubscribe(channel);
  if (!group.channels.empty()) return;
  evict(group);
  groups_.erase(found);
}

void Subscriber::route(SteadyTime now) {
  if (routing_ != nullptr) {
    const std::optional<std::vector<Route>> routes = routing_->take();
    if (!routes) return;
    routing_.reset();
    for (const Route& found : *routes) {
      const auto group = groups_.find(found.group);
      if (group != groups_.end()) settle(group->second, found.node);
    }
    const bool failed = std::ranges::any_of(*routes, [](const Route& route) { return route.node == nullptr; });
    if (failed) route_at_ = routing_pause_.next(now, world_.clock);
  }
  const bool is_due = world_.topology.may_change() && now >= reroute_at_;
  if (is_due || (now >= route_at_ && has_homeless())) start_routing(now);
}

void Subscriber::start_routing(SteadyTime now) {
  reroute_at_ = now + world_.timing.recheck;
  std::vector<Route> routes;
  routes.reserve(groups_.size());
  for (const auto& [name, group] : groups_) routes.push_back({name, nullptr});
  const SteadyTime deadline = now + world_.timing.connect_patience;
  Topology& topology = world_.topology;
  auto started =
      Routing::start(poke_, [routes = std::move(routes), deadline, &topology, keeper = world_.keeper]() mutable {
        for (Route& route : routes) route.node = topology.node_of(route.group, deadline).value_or(nullptr);
        return std::move(routes);
      });
  if (started) {
    routing_ = *std::move(started);
  } else {
    route_at_ = routing_pause_.next(now, world_.clock);
  }
}

// A group whose server could not be found stays where it is.
void Subscriber::settle(Group& group, const std::shared_ptr<Node>& node) {
  if (node == nullptr) return;
  Server& server = servers_[node->endpoint()];
  server.node = node;
  if (group.server == &server) return;
  if (group.server != nullptr && group.server->link != nullptr) {
    for (const std::string& channel : group.channels) group.server->link->unsubscribe(channel);
  }
  evict(group);
  group.server = &server;
  ++server.groups;
  if (server.link == nullptr) return;
  for (const std::string& channel : group.channels) server.link->subscribe(channel);
}

void Subscriber::evict(Group& group) {
  if (group.server != nullptr) --group.server->groups;
  group.server = nullptr;
}

bool Subscriber::has_homeless() const {
  return std::ranges::any_of(groups_, [](const auto& entry) { return entry.second.server == nullptr; });
}

void Subscriber::hear(Server& server, SteadyTime now) {
  if (server.link == nullptr) return;
  std::vector<std::string> homeless;
  const Result<void> heard = server.link->hear(homeless);
  for (const std::string& channel : homeless) {
    const auto group = groups_.find(group_of_channel(channel));
    if (group == groups_.end() || group->second.server != &server) continue;
    evict(group->second);
    route_at_ = routing_pause_.next(now, world_.clock);
  }
  if (!heard) lose(server, now);
}

void Subscriber::keep_open(Server& server, SteadyTime now) {
  if (server.opening != nullptr) return take_opened(server, now);
  if (server.link != nullptr || server.groups == 0 || now < server.open_at) return;
  const SteadyTime deadline = now + world_.timing.connect_patience;
  auto started =
      Opening::start(poke_, [node = server.node, deadline, keeper = world_.keeper] { return node->connect(deadline); });
  if (started) {
    server.opening = *std::move(started);
  } else {
    server.open_at = server.pause.next(now, world_.clock);
  }
}

void Subscriber::take_opened(Server& server, SteadyTime now) {
  std::optional<Result<std::unique_ptr<Connection>>> opened = server.opening->take();
  if (!opened) return;
  server.opening.reset();
  // A replica hears what its master publishes, as long as it has one.
  if (!*opened || server.node->is_replica()) return lose(server, now);
  server.link = std::make_unique<SubscriberLink>(world_, server.node, **std::move(opened));
  for (const auto& [name, group] : groups_) {
    if (group.server != &server) continue;
    for (const std::string& channel : group.channels) server.link->subscribe(channel);
  }
}

void Subscriber::speak(Server& server, SteadyTime now) {
  if (server.link != nullptr && !server.link->speak()) lose(server, now);
}

void Subscriber::lose(Server& server, SteadyTime now) {
  server.link.reset();
  server.open_at = server.pause.next(now, world_.clock);
  world_.topology.suspect(*server.node);
  reroute_at_ = std::min(reroute_at_, server.open_at);
}

void Subscriber::drop_idle_servers() {
  std::erase_if(servers_,
                [](const auto& entry) { return entry.second.groups == 0 && entry.second.opening == nullptr; });
}

}  // namespace aldis
