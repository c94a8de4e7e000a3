// Events and approvals beside bare SQLite, on the disk where a ledger lies.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "aldis/approvals.h"
#include "aldis/events.h"
#include "raw_ledger.h"
#include "rows.h"
#include "scene.h"
#include "stage.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kDataBytes = 160;
constexpr int kReadEvents = 100;

Json event_data() { return Json::trusted(fmt::format(R"({{"text":"{}"}})", std::string(kDataBytes - 11, 'x'))); }

Row publish_row() {
  const Scene scene;
  EventStreamer streamer(scene.workspace());
  const Json data = event_data();
  for (std::uint64_t i = 0; i < limits::kStreamLengthDefault; ++i) must(streamer.publish_event("work", data, "bench"));
  RawLedger raw(scene.disk_path("raw.sqlite3"), RawLedger::Sync::normal);
  const Pair pair = alternate({[&] { must(streamer.publish_event("work", data, "bench")); }},
                              {[&] { raw.insert(data.text()); }}, 100, 200);
  return {.work = "publish_event(), stream at its bound",
          .yardstick = "SQLite insert",
          .ours = pair.ours,
          .raw = pair.raw,
          .ratio_max = 2.5};
}

// One read each; ours hands out whole events.
std::vector<Row> consume_rows() {
  const Scene scene;
  EventStreamer streamer(scene.workspace());
  RawLedger raw(scene.disk_path("raw.sqlite3"), RawLedger::Sync::normal);
  const Json data = event_data();
  for (std::uint64_t i = 0; i < limits::kStreamLengthDefault; ++i) {
    must(streamer.publish_event("work", data, "bench"));
    raw.insert(data.text());
  }
  std::string position = "0";
  std::int64_t after = 0;
  const auto read = [&] {
    const EventBatch batch = must(streamer.consume_events({"work"}, {.start = position, .count = kReadEvents}));
    position = batch.items.empty() ? "0" : batch.position;
  };
  const auto read_raw = [&] {
    const std::int64_t last = raw.read(after, kReadEvents);
    after = last == after ? 0 : last;
  };
  const Pair plain = alternate({read}, {read_raw}, 50, 60);

  const auto read_and_acknowledge = [&] {
    const EventBatch batch =
        must(streamer.consume_events({"work"}, {.start = "0", .count = kReadEvents, .group = "g", .consumer = "c"}));
    std::vector<std::string> ids;
    for (const StreamItem& item : batch.items) ids.push_back(std::get<StreamEvent>(item).event_id);
    must(streamer.acknowledge("work", "g", ids));
  };
  Row group{.work = "consume and acknowledge 100 events in a group", .yardstick = "SELECT of 100 rows"};
  for (std::uint64_t i = 0; i < limits::kStreamLengthDefault / kReadEvents; ++i) {
    group.ours.push_back(time_once(read_and_acknowledge));
    group.raw.push_back(time_once(read_raw));
  }
  return {{.work = "consume 100 events", .yardstick = "SELECT of 100 rows", .ours = plain.ours, .raw = plain.raw},
          std::move(group)};
}

Samples run_raw_decision(Stage& stage, const Scene& scene) {
  auto* word = reinterpret_cast<std::uint32_t*>(&stage.bell());
  auto waiter = [&] {
    for (std::size_t i = 0; i < kWakeUpRounds; ++i) {
      while (stage.bell().load() == i) ::syscall(SYS_futex, word, FUTEX_WAIT, i, nullptr, nullptr, 0);
      stage.record_take();
    }
  };
  std::optional<RawLedger> ledger;
  const std::string record(kDataBytes, 'r');
  return stage.run(waiter, [&](std::size_t) {
    if (!ledger) ledger.emplace(scene.disk_path("raw.sqlite3"), RawLedger::Sync::full);
    ledger->insert(record);
    ++stage.bell();
    ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  });
}

Row decision_row() {
  Stage stage;
  const Scene scene;
  std::vector<std::string> ids;
  {
    ApprovalGate gate = must(ApprovalGate::open(scene.workspace(), "worker"));
    for (std::size_t i = 0; i < kWakeUpRounds; ++i) ids.push_back(must(gate.open_request("deploy")).request_id);
  }
  auto waiter = [&] {
    ApprovalGate gate = must(ApprovalGate::open(scene.workspace(), "worker"));
    for (const std::string& id : ids) {
      if (!must(gate.wait(id)).approved()) ::_exit(1);
      stage.record_take();
    }
  };
  std::optional<ApprovalGate> responder;
  Row row{.work = "decision -> waiting workflow resumes, two processes",
          .yardstick = "synchronous=FULL commit + futex wake",
          .ratio_max = 2.0};
  row.ours = stage.run(waiter, [&](std::size_t round) {
    if (!responder) responder = must(ApprovalGate::open(scene.workspace()));
    must(responder->respond_to_approval(ids[round], true, "dana"));
  });
  row.raw = run_raw_decision(stage, scene);
  return row;
}

}  // namespace

std::vector<Row> ledger_rows() {
  std::vector<Row> rows = {publish_row()};
  for (Row& row : consume_rows()) rows.push_back(std::move(row));
  rows.push_back(decision_row());
  return rows;
}

}  // namespace aldis::bench
