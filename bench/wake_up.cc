// Signal -> woken reader has it, between two processes, beside the same with bare LMDB and a futex.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "aldis/signals.h"
#include "raw_board.h"
#include "rows.h"
#include "scene.h"
#include "stage.h"

namespace aldis::bench {
namespace {

Samples run_raw(Stage& stage, const Scene& scene) {
  const auto key = [](std::size_t round) { return fmt::format("reader/task/{:016}", round); };
  auto* word = reinterpret_cast<std::uint32_t*>(&stage.bell());
  auto reader = [&] {
    RawBoard board(scene.path("raw.mdb"));
    for (std::size_t i = 0; i < kWakeUpRounds; ++i) {
      while (stage.bell().load() == i) ::syscall(SYS_futex, word, FUTEX_WAIT, i, nullptr, nullptr, 0);
      if (!board.take(key(i))) ::_exit(1);
      stage.record_take();
    }
  };
  std::optional<RawBoard> board;
  const std::string record(160, 'r');
  return stage.run(reader, [&](std::size_t round) {
    if (!board) board.emplace(scene.path("raw.mdb"));
    board->put(key(round), record);
    ++stage.bell();
    ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  });
}

}  // namespace

Samples wake_up_samples(Stage& stage, const WorkspaceOptions& options) {
  auto reader = [&] {
    auto signals = must(CoordinationSignals::open(must(Workspace::open(options)), "reader"));
    for (std::size_t i = 0; i < kWakeUpRounds; ++i) {
      if (!std::holds_alternative<Delivered>(must(signals.wait_for_signal({"task"})))) ::_exit(1);
      stage.record_take();
    }
  };
  std::optional<CoordinationSignals> sender;
  return stage.run(reader, [&](std::size_t) {
    if (!sender) sender = must(CoordinationSignals::open(must(Workspace::open(options)), "sender"));
    must(sender->signal("task", "reader"));
  });
}

Row wake_up_row() {
  Stage stage;
  const Scene scene;
  Row row{.work = "signal -> woken reader has it, two processes",
          .yardstick = "LMDB put + futex wake + take",
          .ratio_max = 1.5,
          .p99_max = 1e6};
  row.ours = wake_up_samples(stage, scene.options());
  row.raw = run_raw(stage, scene);
  return row;
}

}  // namespace aldis::bench
