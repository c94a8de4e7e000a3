#include "engines/redis/subscriber_link.h"

#include <algorithm>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/routing.h"

namespace aldis {
namespace {

constexpr std::size_t kRepliesPerTurn = 10'000;  // then the other connections have theirs

// What is on its way fits into the buffers of the kernel, unless the server does not read.
constexpr std::chrono::nanoseconds kSendPatience = std::chrono::seconds{1};
constexpr std::chrono::nanoseconds kGoodByePatience = std::chrono::milliseconds{100};

}  // namespace

SubscriberLink::SubscriberLink(const World& world, std::shared_ptr<Node> node, std::unique_ptr<Connection> connection)
    : world_(world),
      node_(std::move(node)),
      connection_(std::move(connection)),
      sharded_(node_->has_sharded_channels()),
      heard_at_(world_.clock.steady_now()),
      pinged_at_(heard_at_) {}

SubscriberLink::~SubscriberLink() {
  // It need not arrive.
  static_cast<void>(connection_->send(format_command({"QUIT"}), world_.clock.steady_now() + kGoodByePatience));
}

void SubscriberLink::subscribe(std::string_view channel) {
  waiting_.push_back({Verb::subscribe, std::string(channel)});
}

void SubscriberLink::unsubscribe(std::string_view channel) {
  waiting_.push_back({Verb::unsubscribe, std::string(channel)});
}

Result<void> SubscriberLink::hear(std::vector<std::string>& homeless) {
  has_more_to_hear_ = true;
  for (std::size_t i = 0; i < kRepliesPerTurn; ++i) {
    ALDIS_TRY_ASSIGN(const auto reply, connection_->receive_now());
    if (!reply) {
      has_more_to_hear_ = false;
      break;
    }
    heard_at_ = world_.clock.steady_now();
    ALDIS_TRY(take(*reply, homeless));
  }
  if (!confirmed_.empty()) world_.table.ring_listeners(std::exchange(confirmed_, {}));
  return {};
}

Result<void> SubscriberLink::speak() {
  const SteadyTime now = world_.clock.steady_now();
  ALDIS_TRY(check_pulse(now));
  std::string commands;
  while (!waiting_.empty() && sent_.size() < limits::kRedisSubscribeWindow) {
    commands += format(waiting_.front());
    sent_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (commands.empty()) return {};
  return connection_->send(commands, now + kSendPatience);
}

SteadyTime SubscriberLink::next_ping() const {
  return pinged_ ? std::max(heard_at_, pinged_at_) + world_.timing.ping_patience
                 : heard_at_ + world_.timing.ping_interval;
}

std::string_view SubscriberLink::word_of(Verb verb) const {
  if (verb == Verb::ping) return "PING";
  if (verb == Verb::subscribe) return sharded_ ? "SSUBSCRIBE" : "SUBSCRIBE";
  return sharded_ ? "SUNSUBSCRIBE" : "UNSUBSCRIBE";
}

std::string SubscriberLink::format(const Command& command) const {
  if (command.verb == Verb::ping) return format_command({word_of(command.verb)});
  return format_command({word_of(command.verb), command.channel});
}

Result<void> SubscriberLink::check_pulse(SteadyTime now) {
  if (now < next_ping()) return {};
  if (pinged_) return fail(ErrorCode::unavailable, "the Redis server at {} does not answer PING", node_->name());
  pinged_ = true;
  pinged_at_ = now;
  waiting_.push_front({Verb::ping, {}});
  return {};
}

Result<void> SubscriberLink::take(const Reply& reply, std::vector<std::string>& homeless) {
  if (reply.is_error()) return take_error(reply.text, homeless);
  if (reply.is_status()) return answered(Verb::ping, {});  // as long as nothing is subscribed
  return take_news(reply, homeless);
}

Result<void> SubscriberLink::take_error(const std::string& text, std::vector<std::string>& homeless) {
  if (sent_.empty()) return fail(ErrorCode::unavailable, "the Redis server at {}: {}", node_->name(), text);
  const Command command = std::move(sent_.front());
  sent_.pop_front();
  if (command.verb == Verb::ping) pinged_ = false;
  if (command.verb != Verb::subscribe) return {};
  const Decision decision = decide(text, node_->endpoint());
  // What an ACL forbids to hear is found by the recheck.
  if (decision.action == Decision::Action::fail) return {};
  if (decision.action == Decision::Action::moved) world_.topology.moved(*decision.slot, decision.endpoint);
  homeless.push_back(command.channel);
  return {};
}

Result<void> SubscriberLink::take_news(const Reply& reply, std::vector<std::string>& homeless) {
  if (reply.elements.size() < 2) return answered(Verb::ping, "no answer to anything");
  const std::string& kind = reply.elements[0].text;
  const std::string& channel = reply.elements[1].text;
  if (kind == "pong") return answered(Verb::ping, {});
  if (kind == "message" || kind == "smessage") {
    world_.table.ring(channel, reply.elements.back().text);
    return {};
  }
  if (kind == "subscribe" || kind == "ssubscribe") {
    confirmed_.push_back(channel);
    return answered(Verb::subscribe, channel);
  }
  if (kind == "sunsubscribe" && !is_answer_to_first(Verb::unsubscribe, channel)) {  // the slot has moved
    world_.topology.suspect(*node_);
    homeless.push_back(channel);
    return {};
  }
  return answered(Verb::unsubscribe, channel);
}

Result<void> SubscriberLink::answered(Verb verb, std::string_view channel) {
  if (!is_answer_to_first(verb, channel)) {
    return fail(ErrorCode::unavailable, "the Redis server at {} answered what it was not asked", node_->name());
  }
  sent_.pop_front();
  if (verb == Verb::ping) pinged_ = false;
  return {};
}

bool SubscriberLink::is_answer_to_first(Verb verb, std::string_view channel) const {
  return !sent_.empty() && sent_.front().verb == verb && sent_.front().channel == channel;
}

}  // namespace aldis
