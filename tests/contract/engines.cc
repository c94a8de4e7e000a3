#include "contract/engines.h"

#include <utility>

#include "engines/local/board.h"
#include "engines/local/doorbell.h"
#include "engines/local/local_heartbeats.h"
#include "engines/local/local_signals.h"
#include "engines/local/runtime_directory.h"
#include "fakes/fake_clock.h"
#include "fakes/memory_heartbeats.h"
#include "fakes/memory_signals.h"
#include "fakes/memory_waker.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

class MemoryEngine final : public EngineUnderTest {
 public:
  HeartbeatStore& heartbeats() override { return *heartbeats_; }
  SignalStore& signals() override { return *signals_; }
  Waker& waker() override { return *waker_; }
  void advance(std::chrono::nanoseconds by) override { clock_->advance(by); }

 private:
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<MemoryWaker> waker_ = std::make_shared<MemoryWaker>();
  const Ring ring_ = [waker = waker_](const Topic& topic) { waker->ring(topic); };
  const std::shared_ptr<HeartbeatStore> heartbeats_ = make_memory_heartbeats(clock_, ring_, processes_);
  const std::shared_ptr<SignalStore> signals_ = make_memory_signals(clock_, ring_);
};

class LocalEngine final : public EngineUnderTest {
 public:
  LocalEngine() {
    prepare_runtime_directory(directory_.path()).value();
    board_ = Board::open({.runtime_directory = directory_.path(),
                          .namespace_name = "contract",
                          .call_timeout = std::chrono::seconds{5},
                          .clock = clock_.get(),
                          .processes = processes_})
                 .value();
    doorbell_ = Doorbell::open(directory_.path(), "contract").value();
    heartbeats_ = make_local_heartbeats(board_, doorbell_, clock_);
    signals_ = make_local_signals(board_, doorbell_, clock_);
  }
  HeartbeatStore& heartbeats() override { return *heartbeats_; }
  SignalStore& signals() override { return *signals_; }
  Waker& waker() override { return *doorbell_; }
  void advance(std::chrono::nanoseconds by) override { clock_->advance(by); }

 private:
  const ScratchDirectory directory_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<Board> board_;
  std::shared_ptr<Doorbell> doorbell_;
  std::shared_ptr<HeartbeatStore> heartbeats_;
  std::shared_ptr<SignalStore> signals_;
};

}  // namespace

std::vector<EngineKind> all_engines() {
  return {{"memory", [] { return std::make_unique<MemoryEngine>(); }},
          {"local", [] { return std::make_unique<LocalEngine>(); }}};
}

}  // namespace aldis::testing
