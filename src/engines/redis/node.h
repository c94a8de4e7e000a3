#pragma once
// A Redis server that serves keys: its address, what is known of it, and a pool of connections to it. Made by
// topologies, used by client.cc and the subscriber; implemented in node.cc.
//
// Model: each new connection is greeted (HELLO, which no ACL forbids and every release from 6.0 knows): the server's
// version and mode must be what the store's URL needs. A call borrows a connection and gives it back once all its
// replies were read; one that is not given back is closed. One that was idle for a while is looked at
// before it is used again; if it was dead all the same, so may be the others that are idle: they are closed too.
// Threads: safe from any thread; a borrowed connection is its borrower's. A caller waits, until its deadline, while
// kRedisConnectionsMax are in use.
// Errors: those of connection.h; failed_precondition (older than 6.2; a cluster, a Sentinel or a single server where
// the URL names another kind).

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "engines/redis/connection.h"
#include "engines/redis/endpoint.h"

namespace aldis {

class Node : public std::enable_shared_from_this<Node> {
 public:
  // How a process reaches the servers of its store. The clock outlives them.
  struct Access {
    std::shared_ptr<const ConnectionSettings> settings;
    bool is_cluster = false;
    const Clock* clock = nullptr;
  };

  Node(Endpoint endpoint, Access access);

  const Endpoint& endpoint() const { return endpoint_; }
  const std::string& name() const { return name_; }
  const ConnectionSettings& settings() const { return *access_.settings; }

  // What the latest greeting said; no to all before the first.
  bool has_sharded_channels() const { return has_sharded_channels_.load(std::memory_order_relaxed); }
  bool is_replica() const { return is_replica_.load(std::memory_order_relaxed); }
  bool reads_script_flags() const { return reads_script_flags_.load(std::memory_order_relaxed); }
  bool is_in_cluster() const { return access_.is_cluster; }
  std::string_view ring_command() const { return has_sharded_channels() ? "SPUBLISH" : "PUBLISH"; }

  class Borrowed {
   public:
    Borrowed(Borrowed&&) noexcept = default;
    Borrowed& operator=(Borrowed&& other) noexcept;
    ~Borrowed();

    Connection* operator->() const { return connection_.get(); }
    bool was_idle() const { return was_idle_; }  // others used it before: it may have died unnoticed
    void give_back();                            // REQUIRES: all replies were read

   private:
    friend class Node;
    Borrowed(std::shared_ptr<Node> node, std::unique_ptr<Connection> connection, bool was_idle);

    std::shared_ptr<Node> node_;
    std::unique_ptr<Connection> connection_;
    bool was_idle_;
  };

  Result<Borrowed> borrow(SteadyTime deadline);

  // A connection outside the pool, the caller's own: greeted.
  Result<std::unique_ptr<Connection>> connect(SteadyTime deadline);

  // Asks again what the last greeting said.
  Result<void> greet(Connection& connection, SteadyTime deadline);

 private:
  // In the pool: a connection and when it was last used, or room for a new one.
  struct Place {
    std::unique_ptr<Connection> connection = {};
    SteadyTime used_at = {};
  };

  Result<Place> take_place(SteadyTime deadline);
  void leave_place(Place place);
  void close_idle();
  Result<void> check_server(const Reply& hello);

  const Endpoint endpoint_;
  const std::string name_;
  const Access access_;
  std::atomic<bool> has_sharded_channels_ = false;
  std::atomic<bool> is_replica_ = false;
  std::atomic<bool> reads_script_flags_ = false;

  Mutex mutex_;
  ConditionVariable place_left_;
  std::vector<Place> idle_ ALDIS_GUARDED_BY(mutex_);
  std::size_t places_taken_ ALDIS_GUARDED_BY(mutex_) = 0;
};

}  // namespace aldis
