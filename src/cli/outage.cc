#include "cli/outage.h"

#include <algorithm>

#include "cli/output.h"
#include "cli/terminal_text.h"
#include "core/format.h"
#include "core/mutex.h"

namespace aldis::cli {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kPauseMin = std::chrono::milliseconds{200};
constexpr nanoseconds kPauseMax = std::chrono::seconds{5};

}  // namespace

bool Outage::outlast(const Error& error) {
  if (error.retryable) wait(error);
  return error.retryable;
}

void Outage::wait(const Error& error) {
  if (pause_ == nanoseconds::zero()) {
    write_stderr(fmt::format("aldis: {}; trying again until it works\n", printable(error.message)));
  }
  pause_ = std::clamp<nanoseconds>(pause_ * 2, kPauseMin, kPauseMax);
  Mutex mutex;
  ConditionVariable stopped;
  const MutexLock lock(mutex);
  stopped.wait_for(mutex, stop_, pause_, [] { return false; });
}

}  // namespace aldis::cli
