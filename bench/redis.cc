// The Redis rows: ours beside bare hiredis on one server, with no other keys and with a million of them.

#include <optional>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "raw_redis.h"
#include "redis/server.h"
#include "rows.h"
#include "scene.h"
#include "stage.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kForeignKeys = 1'000'000;
constexpr std::size_t kAgents = 10'000;
constexpr std::size_t kBeatRecordBytes = 160;  // what one beat rewrites
constexpr std::size_t kListedBytes = 320;      // what is kept of one agent

class RedisScene {
 public:
  RedisScene() : raw_("127.0.0.1", server_.port()) {}

  WorkspaceOptions options() const { return {.store = server_.url()}; }
  Workspace workspace() const { return must(Workspace::open(options())); }
  RawRedis& raw() { return raw_; }
  RawRedis another_raw() const { return RawRedis("127.0.0.1", server_.port()); }

  void add_foreign_keys() { raw_.command({"DEBUG", "POPULATE", std::to_string(kForeignKeys), "foreign", "100"}); }

 private:
  testing::RedisServer server_{{.lines = {"enable-debug-command yes"}}};
  RawRedis raw_;
};

std::vector<Row> beat_rows(RedisScene& scene, const std::string& beside) {
  HeartbeatCoordinator coordinator(scene.workspace());
  must(coordinator.start_heartbeat("agent"));
  const std::string record(kBeatRecordBytes, 'r');
  const auto beat = [&] { must(coordinator.beat("running", 0.5, "task")); };
  const auto set = [&] { scene.raw().command({"SETEX", "raw", "30", record}); };
  for (int i = 0; i < 100; ++i) beat();  // connections and scripts are there
  scene.raw().reset_statistics();
  const Pair pair = alternate({beat}, {set}, 50, 100);
  Row server{.work = "`beat()` on Redis, the server's CPU" + beside, .yardstick = "SETEX", .ratio_max = 4.0};
  server.ours = {scene.raw().server_microseconds("evalsha") * 1'000};
  server.raw = {scene.raw().server_microseconds("setex") * 1'000};
  Row call{.work = "`beat()` on Redis" + beside, .yardstick = "SETEX", .ratio_max = 1.2};
  call.ours = pair.ours;
  call.raw = pair.raw;
  return {std::move(call), std::move(server)};
}

Row wake_row(RedisScene& scene, const std::string& beside) {
  Stage stage;
  Row row{.work = "signal -> woken reader has it, two processes, Redis" + beside,
          .yardstick = "RPUSH -> BLPOP",
          .ratio_max = 2.0};
  row.ours = wake_up_samples(stage, scene.options());
  std::optional<RawRedis> sender;
  row.raw = stage.run(
      [&] {
        RawRedis reader = scene.another_raw();
        for (std::size_t i = 0; i < kWakeUpRounds; ++i) {
          reader.command({"BLPOP", "raw-queue", "0"});
          stage.record_take();
        }
      },
      [&](std::size_t) {
        if (!sender) sender.emplace(scene.another_raw());
        sender->command({"RPUSH", "raw-queue", std::string(kBeatRecordBytes, 'r')});
      });
  return row;
}

void start_agents(const Workspace& workspace) {
  for (std::size_t i = 0; i < kAgents; ++i) {
    HeartbeatCoordinator agent(workspace);
    must(agent.start_heartbeat(fmt::format("agent-{:05}", i), {.process = {.kind = ProcessBinding::Kind::none}}));
    must(agent.beat("running", 0.5, "task"));
  }
}

Row list_row(RedisScene& scene, const std::string& beside) {
  const HeartbeatCoordinator reader(scene.workspace());
  Row row{.work = "list 10,000 agents, Redis" + beside, .yardstick = "HGETALL of 10,000 fields", .ratio_max = 3.0};
  const Pair pair =
      alternate({[&] { must(reader.list()); }}, {[&] { scene.raw().command({"HGETALL", "raw-list"}); }}, 20, 10);
  row.ours = pair.ours;
  row.raw = pair.raw;
  return row;
}

void measure(RedisScene& scene, const std::string& beside, std::vector<Row>& rows) {
  for (Row& row : beat_rows(scene, beside)) rows.push_back(std::move(row));
  rows.push_back(wake_row(scene, beside));
  rows.push_back(list_row(scene, beside));
}

}  // namespace

std::vector<Row> redis_rows() {
  RedisScene scene;
  start_agents(scene.workspace());
  for (std::size_t i = 0; i < kAgents; ++i) {
    scene.raw().command({"HSET", "raw-list", fmt::format("agent-{:05}", i), std::string(kListedBytes, 'r')});
  }
  std::vector<Row> rows;
  measure(scene, "", rows);
  scene.add_foreign_keys();
  measure(scene, ", 1,000,000 foreign keys", rows);
  return rows;
}

}  // namespace aldis::bench
