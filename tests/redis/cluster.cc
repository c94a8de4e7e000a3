#include "redis/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <ranges>
#include <sstream>

#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using Role = RedisServerOptions::Role;

// Until a cluster with a clock of the test is ok, that clock runs ten times as fast as the poll of eventually().
constexpr std::chrono::milliseconds kClockStep{50};

// A line of CLUSTER NODES.
struct NodeLine {
  std::string id;
  std::string address;
  std::string flags;   // "myself,master"
  std::string master;  // of a replica
  std::uint64_t epoch = 0;
  std::string link;                // "connected"; to itself too
  std::vector<std::string> slots;  // "0-5460", "7", and what migrates in brackets

  bool is(std::string_view flag) const { return flags.find(flag) != std::string::npos; }
  bool serves(std::size_t slot) const {
    return std::ranges::any_of(slots, [&](const std::string& range) {
      if (range.starts_with('[')) return false;
      const std::size_t dash = range.find('-');
      const std::size_t first = std::stoul(range);
      return first <= slot && slot <= (dash == std::string::npos ? first : std::stoul(range.substr(dash + 1)));
    });
  }
};

std::vector<NodeLine> nodes_as_seen_by(const RedisServer& node) {
  std::vector<NodeLine> nodes;
  std::istringstream lines(node.try_command({"CLUSTER", "NODES"}).value_or(""));
  for (std::string text; std::getline(lines, text);) {
    std::istringstream words(text);
    NodeLine line;
    std::string unused;
    words >> line.id >> line.address >> line.flags >> line.master >> unused >> unused >> line.epoch >> line.link;
    for (std::string range; words >> range;) line.slots.push_back(range);
    nodes.push_back(std::move(line));
  }
  return nodes;
}

std::optional<NodeLine> itself(const RedisServer& node) {
  for (const NodeLine& line : nodes_as_seen_by(node)) {
    if (line.is("myself")) return line;
  }
  return std::nullopt;
}

std::string master_as_seen_by(const RedisServer& node, std::size_t slot) {
  for (const NodeLine& line : nodes_as_seen_by(node)) {
    if (line.is("master") && line.serves(slot)) return line.id;
  }
  return "";
}

bool is_ok(const RedisServer& node, std::size_t nodes) {
  const std::string state = node.try_command({"CLUSTER", "INFO"}).value_or("");
  if (field_of(state, "cluster_state") != "ok") return false;
  const auto others = nodes_as_seen_by(node);
  const bool all_linked = std::ranges::all_of(others, [](const NodeLine& other) { return other.link == "connected"; });
  if (others.size() != nodes || !all_linked) return false;
  return node.info("role") == "master" || node.info("master_link_status") == "up";
}

std::string random_hex(std::size_t digits) {
  std::random_device random;
  std::string text;
  while (text.size() < digits) text += "0123456789abcdef"[random() % 16];
  return text;
}

Words cluster_lines(const RedisClusterOptions& options) {
  using namespace std::chrono_literals;
  constexpr auto kYears = std::chrono::hours{24} * 3650;
  Words lines = {"cluster-config-file nodes.conf", "cluster-replica-validity-factor 0"};
  if (options.server.listen == RedisServerOptions::Listen::on_tls) lines.emplace_back("tls-cluster yes");
  if (options.clock == nullptr) {
    lines.push_back("cluster-node-timeout " + std::to_string(options.node_timeout.count()));
    return lines;
  }
  // Nothing may seem to have been silent for too long when the clock jumps.
  lines.push_back("cluster-node-timeout " + std::to_string(std::chrono::milliseconds{kYears}.count()));
  lines.push_back("repl-timeout " + std::to_string(std::chrono::seconds{kYears}.count()));
  lines.emplace_back("repl-backlog-ttl 0");
  return lines;
}

}  // namespace

RedisCluster::RedisCluster(RedisClusterOptions options) : options_(std::move(options)), id_prefix_(random_hex(36)) {
  RedisServerOptions node = options_.server;
  node.role = Role::cluster_node;
  node.clock = options_.clock;
  for (const std::string& line : cluster_lines(options_)) node.lines.push_back(line);
  const std::size_t count = options_.masters * (1 + options_.replicas_per_master);
  for (std::size_t i = 0; i < count; ++i) {
    nodes_.push_back(std::make_unique<RedisServer>(node, RedisServer::Begin::later));
  }
  for (std::size_t i = 0; i < count; ++i) write_nodes(i);
  for (const auto& server : nodes_) server->start();
  for (const auto& server : nodes_) server->wait_until_ready();
  wait_until_ok();
}

std::string RedisCluster::node_id(std::size_t index) const {
  const std::string digits = std::to_string(1000 + index);
  return id_prefix_ + digits;
}

std::string RedisCluster::id_of(const RedisServer& node) const {
  const auto found = std::ranges::find_if(nodes_, [&](const auto& one) { return one.get() == &node; });
  return node_id(static_cast<std::size_t>(found - nodes_.begin()));
}

std::string RedisCluster::slots_of(std::size_t master) const {
  const std::size_t first = kSlots * master / options_.masters;
  const std::size_t last = kSlots * (master + 1) / options_.masters - 1;
  return std::to_string(first) + "-" + std::to_string(last);
}

void RedisCluster::write_nodes(std::size_t self) const {
  std::ofstream file(nodes_[self]->file("nodes.conf"));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const bool is_master = i < options_.masters;
    const std::size_t master = i % options_.masters;
    file << node_id(i) << ' ' << nodes_[i]->address() << '@' << nodes_[i]->bus_port() << ' '
         << (i == self ? "myself," : "") << (is_master ? "master -" : "slave " + node_id(master)) << " 0 0 "
         << master + 1 << " connected" << (is_master ? " " + slots_of(master) : "") << '\n';
  }
  file << "vars currentEpoch " << options_.masters << " lastVoteEpoch 0\n";
}

std::string RedisCluster::url() const {
  const bool is_tls = options_.server.listen == RedisServerOptions::Listen::on_tls;
  std::string text = is_tls ? "rediss+cluster://" : "redis+cluster://";
  for (const auto& node : nodes_) text += (node == nodes_.front() ? "" : ",") + node->address();
  return text;
}

void RedisCluster::wait_until_ok() {
  const bool all_are = eventually([this] {
    if (options_.clock != nullptr) options_.clock->advance(kClockStep);
    return std::ranges::all_of(nodes_, [this](const auto& node) { return is_ok(*node, nodes_.size()); });
  });
  EXPECT_TRUE(all_are) << "the cluster is not ok; its first node says:\n"
                       << nodes_.front()->try_command({"CLUSTER", "NODES"}).value_or("nothing");
}

RedisServer& RedisCluster::master_of(std::size_t slot) {
  RedisServer* master = nullptr;
  std::uint64_t epoch = 0;
  for (const auto& node : nodes_) {
    const auto line = itself(*node);
    if (!line || !line->is("master") || !line->serves(slot) || line->epoch < epoch) continue;
    master = node.get();
    epoch = line->epoch;
  }
  EXPECT_NE(master, nullptr) << "nobody serves slot " << slot;
  return master == nullptr ? *nodes_.front() : *master;
}

std::vector<RedisServer*> RedisCluster::replicas_of(std::size_t slot) {
  const std::string port = std::to_string(master_of(slot).port());
  std::vector<RedisServer*> replicas;
  for (const auto& node : nodes_) {
    if (node->info("role") == "slave" && node->info("master_port") == port) replicas.push_back(node.get());
  }
  return replicas;
}

void RedisCluster::fail_over(std::size_t slot) {
  RedisServer& former = master_of(slot);
  former.kill();
  wait_for_master_change(slot, former);
}

void RedisCluster::hand_over(std::size_t slot) {
  const RedisServer& former = master_of(slot);
  const auto replicas = replicas_of(slot);
  ASSERT_FALSE(replicas.empty());
  // A master that has not heard yet whose replica it is does not answer to its wish.
  const bool is_known = eventually([&] {
    const auto nodes = nodes_as_seen_by(former);
    return std::ranges::any_of(nodes, [&](const NodeLine& node) {
      return node.id == id_of(*replicas.front()) && node.master == id_of(former);
    });
  });
  ASSERT_TRUE(is_known);
  EXPECT_EQ(replicas.front()->command({"CLUSTER", "FAILOVER"}), "OK");
  wait_for_master_change(slot, former);
}

void RedisCluster::wait_for_master_change(std::size_t slot, const RedisServer& former) {
  const std::string former_id = id_of(former);
  const bool all_agree = eventually([&] {
    return std::ranges::all_of(nodes_, [&](const auto& node) {
      if (node->pid() < 0) return true;
      const std::string master = master_as_seen_by(*node, slot);
      const std::string state = node->try_command({"CLUSTER", "INFO"}).value_or("");
      return !master.empty() && master != former_id && field_of(state, "cluster_state") == "ok";
    });
  });
  EXPECT_TRUE(all_agree) << "no replica took over slot " << slot;
}

void RedisCluster::begin_move(std::size_t slot, RedisServer& to) {
  RedisServer& from = master_of(slot);
  const std::string number = std::to_string(slot);
  EXPECT_EQ(to.command({"CLUSTER", "SETSLOT", number, "IMPORTING", id_of(from)}), "OK");
  EXPECT_EQ(from.command({"CLUSTER", "SETSLOT", number, "MIGRATING", id_of(to)}), "OK");
}

void RedisCluster::move_keys(std::size_t slot, RedisServer& to) {
  RedisServer& from = master_of(slot);
  std::istringstream keys(from.command({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "100000"}));
  for (std::string key; std::getline(keys, key);) {
    EXPECT_EQ(from.command({"MIGRATE", "127.0.0.1", std::to_string(to.port()), key, "0", "5000"}), "OK");
  }
}

void RedisCluster::end_move(std::size_t slot, RedisServer& to) {
  RedisServer& from = master_of(slot);
  const std::string to_id = id_of(to);
  for (RedisServer* node : {&to, &from}) {
    EXPECT_EQ(node->command({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", to_id}), "OK");
  }
}

}  // namespace aldis::testing
