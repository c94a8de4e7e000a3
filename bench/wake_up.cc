// Signal -> woken reader has it, between two processes, beside the same with bare LMDB and a futex.

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "aldis/signals.h"
#include "raw_board.h"
#include "rows.h"
#include "scene.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kRounds = 3'000;
constexpr useconds_t kSettleMicroseconds = 150;  // long enough for the reader to fall asleep

// Shared by the two processes.
struct Stage {
  std::atomic<std::uint32_t> bell{0};
  std::atomic<std::uint32_t> taken{0};
  std::atomic<std::int64_t> taken_at{0};
};

std::int64_t now() { return SystemClock().steady_now().time_since_epoch().count(); }

void record_take(Stage& stage) {
  stage.taken_at = now();
  ++stage.taken;
}

// Runs `reader` in a child; times from just before `send` to the reader's take.
Samples run(Stage& stage, const std::function<void()>& reader, const std::function<void(std::size_t)>& send) {
  stage.taken = 0;
  stage.bell = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    reader();
    ::_exit(0);
  }
  Samples samples;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    ::usleep(kSettleMicroseconds);
    const std::int64_t start = now();
    send(round);
    while (stage.taken.load() == round) ::usleep(10);
    samples.push_back(static_cast<double>(stage.taken_at - start));
  }
  ::waitpid(child, nullptr, 0);
  return samples;
}

Samples run_ours(Stage& stage, const Scene& scene) {
  auto reader = [&] {
    auto signals = must(CoordinationSignals::open(scene.workspace(), "reader"));
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (!std::holds_alternative<Delivered>(must(signals.wait_for_signal({"task"})))) ::_exit(1);
      record_take(stage);
    }
  };
  std::optional<CoordinationSignals> sender;
  return run(stage, reader, [&](std::size_t) {
    if (!sender) sender = must(CoordinationSignals::open(scene.workspace(), "sender"));
    must(sender->signal("task", "reader"));
  });
}

Samples run_raw(Stage& stage, const Scene& scene) {
  const auto key = [](std::size_t round) { return fmt::format("reader/task/{:016}", round); };
  auto* word = reinterpret_cast<std::uint32_t*>(&stage.bell);
  auto reader = [&] {
    RawBoard board(scene.path("raw.mdb"));
    for (std::size_t i = 0; i < kRounds; ++i) {
      while (stage.bell.load() == i) ::syscall(SYS_futex, word, FUTEX_WAIT, i, nullptr, nullptr, 0);
      if (!board.take(key(i))) ::_exit(1);
      record_take(stage);
    }
  };
  std::optional<RawBoard> board;
  const std::string record(160, 'r');
  return run(stage, reader, [&](std::size_t round) {
    if (!board) board.emplace(scene.path("raw.mdb"));
    board->put(key(round), record);
    ++stage.bell;
    ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  });
}

}  // namespace

Row wake_up_row() {
  void* shared = ::mmap(nullptr, sizeof(Stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Stage& stage = *new (shared) Stage;
  const Scene scene;
  Row row{.work = "signal -> woken reader has it, two processes",
          .yardstick = "LMDB put + futex wake + take",
          .ratio_max = 1.5,
          .p99_max = 1e6};
  row.ours = run_ours(stage, scene);
  row.raw = run_raw(stage, scene);
  ::munmap(shared, sizeof(Stage));
  return row;
}

}  // namespace aldis::bench
