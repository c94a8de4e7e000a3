#include "stage.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "core/clock.h"

namespace aldis::bench {
namespace {

constexpr useconds_t kSettleMicroseconds = 150;  // long enough for the reader to fall asleep

std::int64_t now() { return SystemClock().steady_now().time_since_epoch().count(); }

}  // namespace

Stage::Stage() {
  void* const page = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared_ = new (page) Shared;
}

Stage::~Stage() { ::munmap(shared_, sizeof(Shared)); }

void Stage::record_take() {
  shared_->taken_at = now();
  ++shared_->taken;
}

Samples Stage::run(const std::function<void()>& reader, const std::function<void(std::size_t round)>& send) {
  shared_->taken = 0;
  shared_->bell = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    reader();
    ::_exit(0);
  }
  Samples samples;
  for (std::uint32_t round = 0; round < kWakeUpRounds; ++round) {
    ::usleep(kSettleMicroseconds);
    const std::int64_t start = now();
    send(round);
    while (shared_->taken.load() == round) ::usleep(10);
    samples.push_back(static_cast<double>(shared_->taken_at - start));
  }
  ::waitpid(child, nullptr, 0);
  return samples;
}

}  // namespace aldis::bench
