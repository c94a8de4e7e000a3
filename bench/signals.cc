#include "aldis/signals.h"

#include <atomic>
#include <thread>

#include "raw_board.h"
#include "rows.h"
#include "scene.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kForeignSignals = 100'000;
constexpr std::size_t kMailboxes = 100;  // a mailbox holds 10,000 signals
constexpr std::size_t kCheckBatch = 100;
constexpr std::size_t kCheckSamples = 2'000;

const std::string kPayload = R"({"file":"src/main.cc","lines":1234,"attempt":1,"note":"a payload of usual size"})";

// Signals in other agents' mailboxes, which no check of ours should feel.
void fill_foreign(const Workspace& workspace) {
  auto sender = must(CoordinationSignals::open(workspace, "foreign"));
  const Json payload = must(Json::parse(kPayload));
  for (std::size_t i = 0; i < kForeignSignals; ++i) {
    must(sender.signal("task", fmt::format("other-{}", i % kMailboxes), payload, std::chrono::hours{1}));
  }
}

Row check_row(const std::string& work, double median_max, const Workspace& workspace) {
  auto reader = must(CoordinationSignals::open(workspace, "reader"));
  const std::vector<std::string> types = {"task"};
  Row row{.work = work, .median_max = median_max};
  for (std::size_t i = 0; i < kCheckSamples; ++i) {
    row.ours.push_back(time_once([&] { must(reader.check_signal(types)); }, kCheckBatch));
  }
  return row;
}

Row busy_check_row(const Workspace& workspace) {
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    auto sender = must(CoordinationSignals::open(workspace, "writer"));
    auto drain = must(CoordinationSignals::open(workspace, "drain"));
    while (!done) {
      must(sender.signal("task", "drain"));
      must(drain.check_signal({"task"}));
    }
  });
  Row row = check_row("check_signal, nothing new, others write, 100,000 foreign keys", 600, workspace);
  done = true;
  return row;
}

}  // namespace

Row signal_row() {
  const Scene scene;
  const Workspace workspace = scene.workspace();
  auto sender = must(CoordinationSignals::open(workspace, "sender"));
  auto reader = must(CoordinationSignals::open(workspace, "reader"));
  RawBoard raw(scene.path("raw.mdb"));
  const Json payload = must(Json::parse(kPayload));
  const std::string record(kPayload.size() + 120, 'r');
  std::size_t sent = 0;
  const Pair pair =
      alternate({[&] { must(sender.signal("task", "reader", payload)); },
                 [&] {
                   while (std::holds_alternative<Delivered>(must(reader.check_signal({"task"})))) {
                   }
                 }},
                {[&] { raw.put(fmt::format("reader/task/{:016}", sent++), record); }, [&] { raw.clear(); }}, 50, 400);
  return {.work = "signal()", .yardstick = "LMDB put", .ours = pair.ours, .raw = pair.raw, .ratio_max = 4.0};
}

std::vector<Row> check_rows() {
  std::vector<Row> rows;
  const Scene scene;
  const Workspace workspace = scene.workspace();
  rows.push_back(check_row("check_signal, nothing new, idle board", 200, workspace));
  fill_foreign(workspace);
  rows.push_back(check_row("check_signal, nothing new, idle board, 100,000 foreign keys", 200, workspace));
  rows.push_back(busy_check_row(workspace));
  return rows;
}

}  // namespace aldis::bench
