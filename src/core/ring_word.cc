#include "core/ring_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

namespace aldis {

void RingWord::ring() {
  const std::uint32_t before = word_.fetch_add(kOneRing);
  if ((before & kSleeper) == 0) return;
  word_.fetch_and(~kSleeper);
  syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void RingWord::sleep(std::uint32_t rings, std::chrono::nanoseconds at_most, const std::stop_token& stop) {
  static_assert(sizeof(word_) == sizeof(std::uint32_t) && std::atomic<std::uint32_t>::is_always_lock_free);
  if (at_most <= std::chrono::nanoseconds::zero()) return;
  const std::stop_callback ring_on_stop(stop, [this] { ring(); });
  std::uint32_t found = rings;
  if (!word_.compare_exchange_strong(found, rings | kSleeper) && found != (rings | kSleeper)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
  const timespec relative{static_cast<time_t>(seconds.count()), static_cast<long>((at_most - seconds).count())};
  syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, rings | kSleeper, &relative, nullptr, 0);
}

}  // namespace aldis
