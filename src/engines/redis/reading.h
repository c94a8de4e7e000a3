#pragma once
// Many reads at once, wherever their groups are. Used by client.cc; implemented in reading.cc.
//
// Model: a round sends to every server what is open there, at most kRedisPipelineMax requests, and only then waits for
// the answers: all servers work at the same time. What was not answered, or sent elsewhere, is open in the next round.
// A request of several commands is one transaction. A single command goes where ASK points: it names the one key that
// it needs, so the server that moves the slot and the one that gets it know who of them has it. A script does not.
// Threads: one thread.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "engines/redis/call_attempts.h"
#include "engines/redis/client.h"
#include "engines/redis/node.h"
#include "engines/redis/topology.h"

namespace aldis {

class Reading {
 public:
  // All three outlive it.
  Reading(Topology& topology, std::span<const ReadRequest> requests, CallAttempts& attempts);

  // An error ends the call.
  Result<void> do_round();
  bool is_complete() const { return open_.empty(); }
  std::vector<Reply> answers() && { return std::move(answers_); }  // REQUIRES: is_complete()

 private:
  struct Open {
    std::size_t index = 0;
    std::shared_ptr<Node> asked = {};  // where ASK pointed
    bool by_text = false;              // the server does not know the script
  };
  // What goes to one server in one round.
  struct Batch {
    std::shared_ptr<Node> node;
    std::vector<std::size_t> places = {};  // in open_
    std::optional<Node::Borrowed> connection = {};
  };

  Result<std::vector<Batch>> share_out();
  Result<void> send(Batch& batch);
  Result<void> receive(Batch& batch);
  Result<bool> check_role(Batch& batch, SteadyTime deadline);
  Result<void> settle(const Batch& batch, Open& open, std::vector<Reply>&& replies);
  std::size_t reply_count(const Open& open) const;

  Topology& topology_;
  std::span<const ReadRequest> requests_;
  CallAttempts& attempts_;
  std::vector<Reply> answers_;
  std::vector<Open> open_;
  std::vector<bool> answered_;
};

}  // namespace aldis
