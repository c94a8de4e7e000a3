#include "engines/local/lock_page.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "core/clock.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"

#if defined(__SANITIZE_THREAD__)  // g++ only
#include <sanitizer/tsan_interface.h>
#endif

namespace aldis {

struct RobustLock {
  pthread_mutex_t mutex;
  std::atomic<std::int32_t> holder;  // pid, 0 when free; for messages only
};

struct LockPage::Page {
  std::uint32_t format_bytes;
  char format[252];
  alignas(64) RobustLock writer;
  alignas(64) RobustLock reader_table;
};

namespace {

constexpr std::size_t kPageBytes = 4096;

void initialise(RobustLock& lock) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&lock.mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  new (&lock.holder) std::atomic<std::int32_t>(0);
}

#if defined(__SANITIZE_THREAD__)
// The thread sanitizer of g++ 12 does not know pthread_mutex_clocklock and would take the unlock for a mistake.
int clocklock(pthread_mutex_t& mutex, const timespec& until) {
  __tsan_mutex_pre_lock(&mutex, __tsan_mutex_try_lock);
  const int answer = pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
  const bool locked = answer == 0 || answer == EOWNERDEAD;
  __tsan_mutex_post_lock(&mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return answer;
}
#else
int clocklock(pthread_mutex_t& mutex, const timespec& until) {
  return pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
}
#endif

int lock_until(pthread_mutex_t& mutex, std::chrono::nanoseconds timeout) {
  const int at_once = pthread_mutex_trylock(&mutex);
  if (at_once != EBUSY) return at_once;
  const std::chrono::nanoseconds deadline = SystemClock().steady_now().time_since_epoch() + timeout;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline);
  const timespec until{static_cast<time_t>(seconds.count()), static_cast<long>((deadline - seconds).count())};
  return clocklock(mutex, until);
}

}  // namespace

LockHold::~LockHold() {
  if (lock_ == nullptr) return;
  lock_->holder.store(0, std::memory_order_relaxed);
  pthread_mutex_unlock(&lock_->mutex);
}

Result<void> LockPage::create(const std::string& path, std::string_view format) {
  static_assert(sizeof(Page) <= kPageBytes && offsetof(Page, writer) == 256 && offsetof(Page, reader_table) == 320);
  ALDIS_TRY_ASSIGN(const FileDescriptor file, create_allocated_file(path, kPageBytes));
  auto* const page = static_cast<Page*>(map_shared(file, kPageBytes));
  if (page == nullptr) {
    return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot map " + path, errno));
  }
  page->format_bytes = static_cast<std::uint32_t>(format.size());
  std::memcpy(page->format, format.data(), std::min(format.size(), sizeof page->format));
  initialise(page->writer);
  initialise(page->reader_table);
  munmap(page, kPageBytes);
  return {};
}

Result<std::unique_ptr<LockPage>> LockPage::open(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!file.is_open() || fstat(file.get(), &status) != 0) {
    return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot open " + path, errno));
  }
  if (status.st_size != static_cast<off_t>(kPageBytes)) {
    return fail(ErrorCode::data_loss, "{} has {} bytes instead of {}: stop its agents and remove it", path,
                status.st_size, kPageBytes);
  }
  auto* const page = static_cast<Page*>(map_shared(file, kPageBytes));
  if (page == nullptr) {
    return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot map " + path, errno));
  }
  return std::unique_ptr<LockPage>(new LockPage(path, page));
}

LockPage::LockPage(std::string path, Page* page) : path_(std::move(path)), page_(page), pid_(getpid()) {}

LockPage::~LockPage() { munmap(page_, kPageBytes); }

std::string_view LockPage::format() const {
  return {page_->format, std::min<std::size_t>(page_->format_bytes, sizeof page_->format)};
}

Result<LockHold> LockPage::lock_writer(std::chrono::nanoseconds timeout) {
  return lock(page_->writer, "writer lock", timeout);
}

Result<LockHold> LockPage::lock_reader_table(std::chrono::nanoseconds timeout) {
  return lock(page_->reader_table, "reader table", timeout);
}

Result<LockHold> LockPage::lock(RobustLock& lock, std::string_view what, std::chrono::nanoseconds timeout) {
  int answer = lock_until(lock.mutex, timeout);
  if (answer == EOWNERDEAD) answer = pthread_mutex_consistent(&lock.mutex);
  if (answer == 0) {
    lock.holder.store(pid_, std::memory_order_relaxed);
    return LockHold(lock);
  }
  if (answer == ETIMEDOUT) {
    const std::int32_t holder = lock.holder.load(std::memory_order_relaxed);
    return fail(ErrorCode::deadline_exceeded,
                "the {} of {} is held by pid {} for too long: is it stopped (Ctrl-Z, a debugger)? Continue or kill it",
                what, path_, holder);
  }
  if (answer == EDEADLK) return fail(ErrorCode::internal, "a transaction on {} inside another one", path_);
  return std::unexpected(
      system_error(ErrorCode::internal, fmt::format("cannot take the {} of {}", what, path_), answer));
}

}  // namespace aldis
