#include "core/worker_thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>
#include <system_error>
#include <utility>

#include "core/failure.h"

namespace aldis {

Result<std::thread> start_worker_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits the mask
  Result<std::thread> started;
  try {
    started = std::thread(std::move(body));
  } catch (const std::system_error& failure) {
    started = fail(ErrorCode::resource_exhausted,
                   "no thread can be started ({}): raise the limit of processes (ulimit -u) or of the control group",
                   failure.code().message());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void forget_worker_thread(std::thread& thread) { std::construct_at(&thread); }

}  // namespace aldis
