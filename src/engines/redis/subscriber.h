#pragma once
// The thread that hears what is published on the channels of the table: one for a store. Used by redis_waker.cc;
// implemented in subscriber.cc.
//
// Model: one connection to each server that holds a group with a channel. The thread waits for all of them at once and
// never for one: what may block (finding out which server holds a group, connecting to one) is done by short-lived
// threads, so a dead server delays nobody else's rings, and not the end: they end by themselves. Each channel rings
// when the server confirmed that it is subscribed, so what happened before is not missed: at first, after a lost
// connection, and when its slot has moved. Trouble ends by itself: what fails is tried again, after a growing pause.
// Until then the recheck rings. Threads: `run` is the thread's; the others are safe from any thread. Errors: none; see
// Poke for make.

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/background_task.h"
#include "engines/redis/endpoint.h"
#include "engines/redis/node.h"
#include "engines/redis/poke.h"
#include "engines/redis/reopen_pause.h"
#include "engines/redis/subscriber_link.h"
#include "engines/redis/subscription_table.h"
#include "engines/redis/topology.h"
#include "engines/redis/waker_timing.h"

namespace aldis {

class Subscriber {
 public:
  // All that the world names outlives the subscriber.
  static Result<std::unique_ptr<Subscriber>> make(const SubscriberLink::World& world);

  // Until `stop`.
  void run();
  void stop();
  // After a channel began.
  void poke() const { poke_->poke(); }

 private:
  using Opening = BackgroundTask<Result<std::unique_ptr<Connection>>>;
  struct Route {
    std::string group;
    std::shared_ptr<Node> node;
  };
  using Routing = BackgroundTask<std::vector<Route>>;

  struct Server {
    std::shared_ptr<Node> node;
    std::size_t groups = 0;  // that it holds
    std::unique_ptr<SubscriberLink> link = {};
    std::unique_ptr<Opening> opening = {};
    SteadyTime open_at = {};
    ReopenPause pause = {};
  };
  struct Group {
    std::set<std::string, std::less<>> channels = {};
    Server* server = nullptr;  // null: homeless, to be routed
  };

  Subscriber(const SubscriberLink::World& world, Poke poke);

  void turn();
  void wait();
  SteadyTime next_turn() const;

  void take_up_channels(SteadyTime now);
  void begin(const std::string& channel);
  void end(const std::string& channel);

  void route(SteadyTime now);
  void start_routing(SteadyTime now);
  void settle(Group& group, const std::shared_ptr<Node>& node);
  void evict(Group& group);
  bool has_homeless() const;

  void hear(Server& server, SteadyTime now);
  void keep_open(Server& server, SteadyTime now);
  void take_opened(Server& server, SteadyTime now);
  void speak(Server& server, SteadyTime now);
  void lose(Server& server, SteadyTime now);
  void drop_idle_servers();

  const SubscriberLink::World world_;
  const std::shared_ptr<const Poke> poke_;  // the tasks' too
  std::atomic<bool> stopped_ = false;

  std::map<Endpoint, Server> servers_;
  std::map<std::string, Group, std::less<>> groups_;
  std::unique_ptr<Routing> routing_;
  ReopenPause routing_pause_;
  SteadyTime route_at_{};    // not before, however homeless
  SteadyTime reroute_at_{};  // also those that have a home: a server may have lost a slot without a word
  SteadyTime sweep_at_{};
};

}  // namespace aldis
