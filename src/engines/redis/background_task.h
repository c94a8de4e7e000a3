#pragma once
// One call that may block, made on a thread of its own, for a thread that must not. Header only; used by the
// subscriber.
//
// Model: the task pokes its owner when it is done; then `take` has the result. The end of a task waits for the call.
// Threads: one, the owner. Errors of start: resource_exhausted.

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "aldis/result.h"
#include "core/mutex.h"
#include "core/try.h"
#include "core/worker_thread.h"
#include "engines/redis/poke.h"

namespace aldis {

template <class T>
class BackgroundTask {
 public:
  // `owner` outlives the task.
  static Result<std::unique_ptr<BackgroundTask>> start(const Poke& owner, std::function<T()> call) {
    std::unique_ptr<BackgroundTask> task(new BackgroundTask);
    ALDIS_TRY_ASSIGN(task->thread_, start_worker_thread([&owner, call = std::move(call), task = task.get()] {
                       task->put(call());
                       owner.poke();
                     }));
    return task;
  }
  ~BackgroundTask() {
    if (thread_.joinable()) thread_.join();
  }
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  std::optional<T> take() {
    const MutexLock lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }

 private:
  BackgroundTask() = default;

  void put(T result) {
    const MutexLock lock(mutex_);
    result_ = std::move(result);
  }

  Mutex mutex_;
  std::optional<T> result_ ALDIS_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace aldis
