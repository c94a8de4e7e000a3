#include "engines/redis/redis_heartbeats.h"

#include <array>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/failure.h"
#include "core/ids.h"
#include "core/try.h"
#include "engines/redis/heartbeat_codec.h"
#include "engines/redis/scripts.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;

static_assert(limits::kAgentRetention == 24h, "scripts/heartbeat_*.lua count with it");
static_assert(limits::kLeaseMax + limits::kAgentRetention + 1h < 50h,
              "what scripts/lib/heartbeat_refresh.lua lets the keys live");

std::string_view bytes_of(const Id128& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

// By which a script recognises a call that it carried out already.
class OperationId {
 public:
  std::string_view bytes() const { return bytes_of(id_).substr(8); }  // random ones

 private:
  const Id128 id_ = make_id(WallTime{});
};

std::string incarnation_in(const Reply& answer) {
  return format_id(kIncarnationPrefix, ByteReader(answer.elements.back().text).id());
}

// "conflict", "finished", "damaged"; empty: no refusal.
std::string_view refusal_in(const Reply& answer) {
  return answer.is_array() && !answer.elements.empty() ? std::string_view(answer.elements.front().text)
                                                       : std::string_view{};
}

// What a script says that changes the record of one incarnation.
Result<void> judge(const Reply& answer, std::string_view agent_id) {
  if (answer.is_integer()) return {};
  if (answer.is_nil()) return fail(ErrorCode::not_found, "there is no heartbeat of agent {}: start it", agent_id);
  const std::string_view refusal = refusal_in(answer);
  if (refusal == "conflict") {
    return fail(ErrorCode::conflict, "agent {} was taken over by {}: this incarnation must stop", agent_id,
                incarnation_in(answer));
  }
  if (refusal == "finished") {
    return fail(ErrorCode::failed_precondition, "agent {} has finished ({}): start it again", agent_id,
                answer.elements.back().text);
  }
  return damaged_heartbeat(agent_id);
}

class RedisHeartbeats final : public HeartbeatStore {
 public:
  RedisHeartbeats(std::shared_ptr<RedisClient> client, const Groups& groups)
      : client_(std::move(client)), groups_(groups) {}

  Result<void> start(const AgentStart& start, std::optional<Id128> replaces) override {
    const std::string ttl = std::to_string(start.ttl.count());
    const std::string self_description = pack_self_description(start);
    const std::array<std::string_view, 5> arguments{start.agent_id, bytes_of(start.incarnation), ttl, self_description,
                                                    replaces ? bytes_of(*replaces) : std::string_view{}};
    ALDIS_TRY_ASSIGN(const Reply answer, run(kHeartbeatStart, start.agent_id, arguments, Durability::durable));
    if (answer.is_integer()) return {};
    return fail(ErrorCode::conflict, "agent {} was started by somebody else meanwhile", start.agent_id);
  }

  Result<void> beat(const BeatUpdate& update) override {
    const OperationId id;
    const std::string progress = update.progress ? ByteWriter{}.real(*update.progress).bytes() : std::string{};
    const std::array<std::string_view, 6> arguments{update.agent_id, bytes_of(update.incarnation),
                                                    id.bytes(),      update.status,
                                                    progress,        update.current_task.value_or("")};
    const std::span<const std::string_view> given(arguments.data(), arguments.size() - (update.current_task ? 0 : 1));
    ALDIS_TRY_ASSIGN(const Reply answer, run(kHeartbeatBeat, update.agent_id, given, Durability::fleeting));
    return judge(answer, update.agent_id);
  }

  Result<void> renew(std::string_view agent_id, const Id128& incarnation) override {
    const std::array<std::string_view, 2> arguments{agent_id, bytes_of(incarnation)};
    ALDIS_TRY_ASSIGN(const Reply answer, run(kHeartbeatRenew, agent_id, arguments, Durability::fleeting));
    return judge(answer, agent_id);
  }

  Result<void> finish(std::string_view agent_id, const Id128& incarnation, std::string_view final_status) override {
    const std::array<std::string_view, 3> arguments{agent_id, bytes_of(incarnation), final_status};
    ALDIS_TRY_ASSIGN(const Reply answer, run(kHeartbeatFinish, agent_id, arguments, Durability::durable));
    if (refusal_in(answer) != "finished") return judge(answer, agent_id);
    return fail(ErrorCode::failed_precondition, "agent {} has finished already, as {}", agent_id,
                answer.elements.back().text);
  }

  Result<std::optional<HeartbeatReading>> read(std::string_view agent_id) override {
    const std::string agent(agent_id);
    const std::string group = groups_.heartbeats(agent_id);
    const std::array<ReadRequest, 1> request{
        ReadRequest{group, {{"TIME"}, {"HGET", group + ":r", agent}, {"HGET", group + ":s", agent}}}};
    ALDIS_TRY_ASSIGN(const std::vector<Reply> answers, read_at_once(request, {&agent_id, 1}));
    return read_heartbeat_answer(agent_id, answers.front());
  }

  Result<HeartbeatListing> list() override {
    std::vector<ReadRequest> requests;
    requests.reserve(kHeartbeatShards);
    for (unsigned shard = 0; shard < kHeartbeatShards; ++shard) {
      const std::string group = groups_.heartbeat_shard(shard);
      requests.push_back({group, {{"TIME"}, {"HGETALL", group + ":r"}, {"HGETALL", group + ":s"}}});
    }
    ALDIS_TRY_ASSIGN(const std::vector<Reply> answers, read_at_once(requests, {}));
    return read_heartbeat_answers(answers);
  }

  Result<bool> publish_state(std::string_view agent_id, const Id128& incarnation, AgentState expected,
                             AgentState next) override {
    if (expected == next) return false;
    const OperationId id;
    const std::string expected_number = std::to_string(static_cast<int>(expected));
    const std::string next_number = std::to_string(static_cast<int>(next));
    const std::array<std::string_view, 5> arguments{agent_id, bytes_of(incarnation), id.bytes(), expected_number,
                                                    next_number};
    ALDIS_TRY_ASSIGN(const Reply answer, run(kHeartbeatPublish, agent_id, arguments, Durability::fleeting));
    if (answer.is_integer()) return answer.integer == 1;
    if (answer.is_nil() || refusal_in(answer) == "conflict") return false;
    return damaged_heartbeat(agent_id);
  }

 private:
  // Transactions, which are quick; a full server queues none, but runs scripts. `arguments` of those: an agent, or
  // none.
  Result<std::vector<Reply>> read_at_once(std::span<const ReadRequest> requests,
                                          std::span<const std::string_view> arguments) {
    Result<std::vector<Reply>> answers = client_->read(requests);
    if (answers || answers.error().code != ErrorCode::resource_exhausted) return answers;
    std::vector<Reply> read;
    for (const ReadRequest& request : requests) {
      ALDIS_TRY_ASSIGN(Reply answer, client_->run(kHeartbeatRead, request.group, arguments));
      read.push_back(std::move(answer));
    }
    return read;
  }

  Result<Reply> run(const Script& script, std::string_view agent_id, std::span<const std::string_view> arguments,
                    Durability durability) {
    return client_->run(script, groups_.heartbeats(agent_id), arguments, durability);
  }

  const std::shared_ptr<RedisClient> client_;
  const Groups groups_;
};

}  // namespace

std::shared_ptr<HeartbeatStore> make_redis_heartbeats(std::shared_ptr<RedisClient> client, const Groups& groups) {
  return std::make_shared<RedisHeartbeats>(std::move(client), groups);
}

}  // namespace aldis
