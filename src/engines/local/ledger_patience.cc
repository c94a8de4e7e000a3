#include "engines/local/ledger_patience.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace aldis {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kFirstPause = 50us;
constexpr std::chrono::nanoseconds kLongestPause = 1ms;

}  // namespace

std::chrono::nanoseconds LedgerPatience::left() {
  const SteadyTime now = clock_.steady_now();
  if (deadline_ == SteadyTime::max()) deadline_ = now + at_most_;
  return std::max(0ns, deadline_ - now);
}

bool LedgerPatience::pause() {
  const std::chrono::nanoseconds remaining = left();
  if (remaining == 0ns) return false;
  const std::chrono::nanoseconds time = std::min({remaining, kLongestPause, kFirstPause * ++pauses_});
  const timespec relative{0, static_cast<long>(time.count())};
  ppoll(nullptr, 0, &relative, nullptr);
  return true;
}

}  // namespace aldis
