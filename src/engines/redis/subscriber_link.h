#pragma once
// What is said and heard on one subscribed connection. Used by subscriber.cc; implemented in subscriber_link.cc.
//
// Model: a command names one channel, so each answer belongs to one command. They come in order, with what others
// published in between; at most kRedisSubscribeWindow are on their way. On a cluster that has them the channels are
// sharded ones: the master of their slot alone knows them, and says so when the slot moves. When nothing was heard for
// a while the server is asked (PING); when it does not answer that either, the connection is dead although nobody said
// so. After an error the link is to be dropped.
// Threads: one. Errors: those of connection.h; unavailable.

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/connection.h"
#include "engines/redis/node.h"
#include "engines/redis/subscription_table.h"
#include "engines/redis/topology.h"
#include "engines/redis/waker_timing.h"

namespace aldis {

class SubscriberLink {
 public:
  struct World {
    SubscriptionTable& table;
    Topology& topology;
    const Clock& clock;
    const RedisWakerTiming& timing;
    std::shared_ptr<const void> keeper;  // owns the topology: for what may outlive the subscriber
  };

  SubscriberLink(const World& world, std::shared_ptr<Node> node, std::unique_ptr<Connection> connection);
  // Says QUIT: closing alone ends nothing for the server while a forked child holds the descriptor too.
  ~SubscriberLink();
  SubscriberLink(const SubscriberLink&) = delete;
  SubscriberLink& operator=(const SubscriberLink&) = delete;

  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);

  // Rings for all that came, confirmations too. Appends the channels that this server does not serve any more.
  Result<void> hear(std::vector<std::string>& homeless);
  // Sends what waits, and PING when it is time.
  Result<void> speak();

  int descriptor() const { return connection_->descriptor(); }
  bool has_more_to_hear() const { return has_more_to_hear_; }
  SteadyTime next_ping() const;

 private:
  enum class Verb { subscribe, unsubscribe, ping };
  struct Command {
    Verb verb;
    std::string channel;
  };

  std::string_view word_of(Verb verb) const;
  std::string format(const Command& command) const;
  Result<void> check_pulse(SteadyTime now);
  Result<void> take(const Reply& reply, std::vector<std::string>& homeless);
  Result<void> take_error(const std::string& text, std::vector<std::string>& homeless);
  Result<void> take_news(const Reply& reply, std::vector<std::string>& homeless);
  Result<void> answered(Verb verb, std::string_view channel);
  bool is_answer_to_first(Verb verb, std::string_view channel) const;

  const World world_;
  const std::shared_ptr<Node> node_;
  const std::unique_ptr<Connection> connection_;
  const bool sharded_;
  std::deque<Command> waiting_;
  std::deque<Command> sent_;  // and not answered
  std::vector<std::string> confirmed_;
  SteadyTime heard_at_;
  SteadyTime pinged_at_;
  bool pinged_ = false;
  bool has_more_to_hear_ = false;
};

}  // namespace aldis
