#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/topology.h"
#include "engines/redis/topology_parts.h"

namespace aldis {
namespace {

class SingleTopology final : public Topology {
 public:
  explicit SingleTopology(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  Result<std::shared_ptr<Node>> node_of(std::string_view, SteadyTime) override { return node_; }
  Result<std::vector<std::shared_ptr<Node>>> masters(SteadyTime) override { return std::vector{node_}; }
  void suspect(const Node&) override {}
  bool may_change() const override { return false; }

 private:
  const std::shared_ptr<Node> node_;
};

}  // namespace

Result<std::shared_ptr<Topology>> open_single_topology(const RedisOptions& options, const Clock& clock,
                                                       SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(Node::Access access, make_access(options, clock));
  auto node = std::make_shared<Node>(options.endpoints.front(), std::move(access));
  Result<Node::Borrowed> connection = node->borrow(deadline);
  if (node->is_replica()) {
    return fail(ErrorCode::failed_precondition,
                "the Redis server at {} is a replica and takes no writes: name its master, or use redis+sentinel://",
                node->name());
  }
  if (!connection) return std::unexpected(std::move(connection).error());
  connection->give_back();
  return std::make_shared<SingleTopology>(std::move(node));
}

}  // namespace aldis
