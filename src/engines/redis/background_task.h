#pragma once
// One call that may block, made on a thread of its own, for a thread that must not. Header only; used by the
// subscriber.
//
// Model: the task pokes its owner when it is done; then `take` has the result. A task that goes before its call is done
// does not wait for it: the thread ends by itself, so the call owns what it works on. Threads: one, the owner. Errors
// of start: resource_exhausted.

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
  static Result<std::unique_ptr<BackgroundTask>> start(std::shared_ptr<const Poke> owner, std::function<T()> call) {
    std::unique_ptr<BackgroundTask> task(new BackgroundTask);
    ALDIS_TRY_ASSIGN(std::thread thread,
                     start_worker_thread([owner = std::move(owner), call = std::move(call), outcome = task->outcome_] {
                       outcome->put(call());
                       owner->poke();
                     }));
    thread.detach();
    return task;
  }
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  std::optional<T> take() { return outcome_->take(); }

 private:
  class Outcome {
   public:
    void put(T result) {
      const MutexLock lock(mutex_);
      result_ = std::move(result);
    }
    std::optional<T> take() {
      const MutexLock lock(mutex_);
      return std::exchange(result_, std::nullopt);
    }

   private:
    Mutex mutex_;
    std::optional<T> result_ ALDIS_GUARDED_BY(mutex_);
  };

  BackgroundTask() = default;

  const std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
};

}  // namespace aldis
