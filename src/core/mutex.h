#pragma once
// An annotated mutex: clang's -Wthread-safety proves that a GUARDED_BY field is only touched under its lock. Header
// only.

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ALDIS_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ALDIS_THREAD_ANNOTATION(x)
#endif

#define ALDIS_CAPABILITY(name) ALDIS_THREAD_ANNOTATION(capability(name))
#define ALDIS_SCOPED_CAPABILITY ALDIS_THREAD_ANNOTATION(scoped_lockable)
#define ALDIS_GUARDED_BY(mutex) ALDIS_THREAD_ANNOTATION(guarded_by(mutex))
#define ALDIS_REQUIRES(...) ALDIS_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ALDIS_ACQUIRE(...) ALDIS_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ALDIS_RELEASE(...) ALDIS_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define ALDIS_EXCLUDES(...) ALDIS_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace aldis {

class ALDIS_CAPABILITY("mutex") Mutex {
 public:
  void lock() ALDIS_ACQUIRE() { mutex_.lock(); }
  void unlock() ALDIS_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ALDIS_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ALDIS_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ALDIS_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds: std::condition_variable_any releases and takes it again.
using ConditionVariable = std::condition_variable_any;

}  // namespace aldis
