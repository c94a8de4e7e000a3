#include "engines/redis/node.h"

#include <charconv>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/routing.h"

namespace aldis {
namespace {

struct Version {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const Version&) const = default;
};

constexpr Version kOldest = {6, 2};
constexpr Version kShardedChannels = {7, 0};
constexpr Version kScriptFlags = {7, 0};

// Servers do not close what was used so short a time ago; if one did, the call notices and goes to another connection.
constexpr std::chrono::nanoseconds kSurelyOpen = std::chrono::milliseconds{100};

Version read_version(std::string_view text) {
  Version version;
  const auto major = std::from_chars(text.data(), text.data() + text.size(), version.major);
  if (major.ptr != text.data() + text.size()) std::from_chars(major.ptr + 1, text.data() + text.size(), version.minor);
  return version;
}

// HELLO answers names and values by turns.
std::string_view value_of(const Reply& hello, std::string_view name) {
  for (std::size_t i = 0; i + 1 < hello.elements.size(); i += 2) {
    if (hello.elements[i].text == name) return hello.elements[i + 1].text;
  }
  return {};
}

}  // namespace

Node::Node(Endpoint endpoint, Access access)
    : endpoint_(std::move(endpoint)), name_(endpoint_.to_text()), access_(std::move(access)) {}

Node::Borrowed::Borrowed(std::shared_ptr<Node> node, std::unique_ptr<Connection> connection, bool was_idle)
    : node_(std::move(node)), connection_(std::move(connection)), was_idle_(was_idle) {}

Node::Borrowed& Node::Borrowed::operator=(Borrowed&& other) noexcept {
  std::swap(node_, other.node_);
  std::swap(connection_, other.connection_);
  std::swap(was_idle_, other.was_idle_);
  return *this;
}

Node::Borrowed::~Borrowed() {
  if (node_ == nullptr) return;
  connection_.reset();
  node_->leave_place({});
  if (was_idle_) node_->close_idle();
}

void Node::Borrowed::give_back() {
  const std::shared_ptr<Node> node = std::move(node_);
  if (!connection_->usable()) connection_.reset();
  node->leave_place({std::move(connection_), node->access_.clock->steady_now()});
}

Result<Node::Borrowed> Node::borrow(SteadyTime deadline) {
  for (;;) {
    ALDIS_TRY_ASSIGN(Place idle, take_place(deadline));
    if (idle.connection == nullptr) break;
    const bool is_fresh = access_.clock->steady_now() < idle.used_at + kSurelyOpen;
    if (is_fresh || idle.connection->is_quiet()) return Borrowed(shared_from_this(), std::move(idle.connection), true);
    leave_place({});
  }
  Result<std::unique_ptr<Connection>> made = connect(deadline);
  if (!made) {
    leave_place({});
    return std::unexpected(std::move(made).error());
  }
  if (is_replica() && !access_.is_cluster) {  // of a cluster it would say so itself, with each answer
    leave_place({});
    return fail(ErrorCode::unavailable, "the Redis server at {} is a replica", name_);
  }
  return Borrowed(shared_from_this(), *std::move(made), false);
}

Result<std::unique_ptr<Connection>> Node::connect(SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(auto connection, Connection::open(*access_.settings, endpoint_, *access_.clock, deadline));
  ALDIS_TRY(greet(*connection, deadline));
  return connection;
}

Result<void> Node::greet(Connection& connection, SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(const auto replies, connection.exchange(kHelloCommand, 1, deadline));
  return check_server(replies.front());
}

Result<void> Node::check_server(const Reply& hello) {
  if (hello.is_error() && hello.text.starts_with("ERR unknown command")) {
    return fail(ErrorCode::failed_precondition,
                "the Redis server at {} does not know HELLO: it is older than 6.0, and Aldis needs {}.{} or newer",
                name_, kOldest.major, kOldest.minor);
  }
  if (hello.is_error()) {
    const Decision decision = decide(hello.text, endpoint_);
    return fail(decision.code, "the Redis server at {} refused HELLO: {}", name_, quote_reply(hello.text));
  }
  const std::string_view mode = value_of(hello, "mode");
  if (mode == "sentinel") {
    return fail(ErrorCode::failed_precondition, "{} is a Sentinel: use redis+sentinel://…/<master name>", name_);
  }
  const std::string_view text = value_of(hello, "version");
  const Version version = read_version(text);
  if (version < kOldest) {
    return fail(ErrorCode::failed_precondition, "the Redis server at {} is {}: Aldis needs {}.{} or newer", name_, text,
                kOldest.major, kOldest.minor);
  }
  const bool is_cluster = mode == "cluster";
  if (is_cluster != access_.is_cluster) {
    return fail(
        ErrorCode::failed_precondition, "the Redis server at {} belongs to {}", name_,
        is_cluster ? "a cluster: use redis+cluster://" : "no cluster: use redis:// instead of redis+cluster://");
  }
  has_sharded_channels_ = access_.is_cluster && version >= kShardedChannels;
  reads_script_flags_ = version >= kScriptFlags;
  is_replica_ = value_of(hello, "role") != "master";
  return {};
}

// A place with an idle connection or, if it is null, for a new one.
Result<Node::Place> Node::take_place(SteadyTime deadline) {
  const MutexLock lock(mutex_);
  while (places_taken_ >= limits::kRedisConnectionsMax) {
    const auto left = deadline - access_.clock->steady_now();
    if (left <= std::chrono::nanoseconds::zero()) {
      return fail(ErrorCode::unavailable, "all {} connections to the Redis server at {} are in use",
                  limits::kRedisConnectionsMax, name_);
    }
    place_left_.wait_for(mutex_, left);
  }
  ++places_taken_;
  if (idle_.empty()) return Place{};
  Place place = std::move(idle_.back());
  idle_.pop_back();
  return place;
}

void Node::close_idle() {
  std::vector<Place> idle;
  const MutexLock lock(mutex_);
  std::swap(idle, idle_);
}

void Node::leave_place(Place place) {
  {
    const MutexLock lock(mutex_);
    --places_taken_;
    if (place.connection != nullptr) idle_.push_back(std::move(place));
  }
  place_left_.notify_one();
}

}  // namespace aldis
