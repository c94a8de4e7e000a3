#include "engines/redis/fork_hold.h"

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace aldis {
namespace {

// One word, and no rwlock of the library's: that one would take threads that waited in the parent for waiting in the
// child, and it may not be made anew. This word has a value that is right there.
constexpr std::uint32_t kOpen = 0;
constexpr std::uint32_t kForking = 1U << 31;  // what is below counts the holds
constinit std::atomic<std::uint32_t> gate{kOpen};

// Waits for the end of a fork that is under way, then adds `what`.
void enter(std::uint32_t what) {
  std::uint32_t seen = gate.load();
  for (;;) {
    if ((seen & kForking) != 0) {
      gate.wait(seen);
      seen = gate.load();
    } else if (gate.compare_exchange_weak(seen, seen + what)) {
      return;
    }
  }
}

void before_fork() {
  enter(kForking);
  for (std::uint32_t seen = gate.load(); seen != kForking; seen = gate.load()) gate.wait(seen);
}

void after_fork_in_the_parent() {
  gate.store(kOpen);
  gate.notify_all();
}

void after_fork_in_the_child() { gate.store(kOpen); }

bool register_handlers() {
  if (pthread_atfork(before_fork, after_fork_in_the_parent, after_fork_in_the_child) != 0) std::abort();  // no memory
  return true;
}

[[maybe_unused]] const bool kRegistered = register_handlers();

}  // namespace

ForkHold::ForkHold() { enter(1); }

ForkHold::~ForkHold() {
  if (gate.fetch_sub(1) == (kForking | 1)) gate.notify_all();
}

}  // namespace aldis
