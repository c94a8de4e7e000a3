#include "engines/local/environment_registry.h"

#include <atomic>
#include <map>

#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/try.h"
#include "engines/local/board_files.h"
#include "engines/local/directory_lock.h"
#include "engines/local/runtime_directory.h"

namespace aldis {
namespace {

class EnvironmentRegistry {
 public:
  // Of this process: a child's first call makes a new one and gives the inherited one up.
  static EnvironmentRegistry& instance() {
    static std::atomic<EnvironmentRegistry*> current{nullptr};
    EnvironmentRegistry* registry = current.load(std::memory_order_acquire);
    while (registry == nullptr || registry->fork_guard_.in_child()) {
      auto fresh = std::make_unique<EnvironmentRegistry>();
      if (current.compare_exchange_strong(registry, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    }
    return *registry;
  }

  Result<std::shared_ptr<BoardEnvironment>> acquire(const BoardLocation& location, std::size_t bytes_max,
                                                    std::chrono::nanoseconds timeout, BootTime now) {
    const MutexLock lock(mutex_);
    ALDIS_TRY_ASSIGN(const BoardHome home, BoardHome::of_this_process());
    ALDIS_TRY_ASSIGN(const DirectoryLock directory_lock, DirectoryLock::take(location.runtime_directory, timeout));
    const BoardFiles files = board_files(location.runtime_directory, location.namespace_name);
    for (bool again = false;; again = true) {
      ALDIS_TRY(ready_board_files(location.runtime_directory, location.namespace_name, home, bytes_max, now));
      const std::optional<FileKey> key = FileKey::of(files.data);
      if (!key) return fail(ErrorCode::unavailable, "{} was removed while it was opened: try again", files.data);
      if (const auto found = entries_.find(*key); found != entries_.end()) return share(found->first, found->second);
      ALDIS_TRY_ASSIGN(auto opened, BoardEnvironment::open(files, timeout));
      ALDIS_TRY_ASSIGN(const BoardVerdict verdict, judge_board(opened->format(), home, files.data));
      if (verdict == BoardVerdict::ours) {
        const auto [entry, inserted] = entries_.emplace(*key, Entry{std::move(opened), 0});
        return share(entry->first, entry->second);
      }
      if (again)
        return fail(ErrorCode::data_loss, "{} is of an earlier boot and cannot be replaced: remove it", files.data);
      discard_board_files(files);
    }
  }

 private:
  struct Entry {
    std::unique_ptr<BoardEnvironment> environment;
    std::size_t users = 0;
  };

  std::shared_ptr<BoardEnvironment> share(const FileKey& key, Entry& entry) ALDIS_REQUIRES(mutex_) {
    ++entry.users;
    return {entry.environment.get(), [this, key](BoardEnvironment*) { release(key); }};
  }

  void release(const FileKey& key) {
    if (fork_guard_.in_child()) return;
    const MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (--found->second.users == 0) entries_.erase(found);
  }

  ForkGuard fork_guard_;
  Mutex mutex_;
  std::map<FileKey, Entry> entries_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::shared_ptr<BoardEnvironment>> acquire_environment(const BoardLocation& location, std::size_t bytes_max,
                                                              std::chrono::nanoseconds timeout, BootTime now) {
  ALDIS_TRY(prepare_runtime_directory(location.runtime_directory));
  return EnvironmentRegistry::instance().acquire(location, bytes_max, timeout, now);
}

}  // namespace aldis
