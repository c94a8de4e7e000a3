#include "engines/redis/wait_for_socket.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace aldis {

bool wait_for_socket(int descriptor, short events, const Clock& clock, SteadyTime deadline) {
  using std::chrono::seconds;
  pollfd watched{descriptor, events, 0};
  for (;;) {
    const auto left = std::max(deadline - clock.steady_now(), std::chrono::nanoseconds::zero());
    const auto whole = std::chrono::floor<seconds>(left);
    const timespec at_most{static_cast<time_t>(whole.count()), static_cast<long>((left - whole).count())};
    if (ppoll(&watched, 1, &at_most, nullptr) > 0) return true;
    if (left <= std::chrono::nanoseconds::zero()) return false;
  }
}

}  // namespace aldis
