#include "engines/local/drop_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <optional>

#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"
#include "engines/local/board_environment.h"
#include "engines/local/directory_lock.h"
#include "engines/local/runtime_directory.h"

namespace aldis {
namespace {

using Count = std::atomic<std::uint64_t>;
static_assert(Count::is_always_lock_free && sizeof(Count) == 8);

// The mapped file.
class CountPage {
 public:
  // Waits for nobody: unavailable while another process makes it.
  static Result<std::unique_ptr<CountPage>> open(const std::string& directory, const std::string& path) {
    ALDIS_TRY(prepare_runtime_directory(directory));
    ALDIS_TRY_ASSIGN(const DirectoryLock lock, DirectoryLock::take(directory, std::chrono::nanoseconds::zero()));
    ALDIS_TRY_ASSIGN(bool usable, is_own_file(path));
    struct stat status{};
    usable = usable && stat(path.c_str(), &status) == 0 && status.st_size == static_cast<off_t>(sizeof(Count));
    if (!usable) {
      const std::string temporary = path + ".new";
      ALDIS_TRY(create_allocated_file(temporary, sizeof(Count)));
      ALDIS_TRY(rename_file(temporary, path));
    }
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    void* const memory = file.is_open() ? map_shared(file, sizeof(Count)) : nullptr;
    const std::optional<FileKey> key = FileKey::of(path);
    if (memory == nullptr || !key) return fail(ErrorCode::resource_exhausted, "cannot map {}", path);
    return std::make_unique<CountPage>(static_cast<Count*>(memory), *key);
  }

  CountPage(Count* count, FileKey key) : count_(count), key_(key) {}
  ~CountPage() { munmap(count_, sizeof(Count)); }
  CountPage(const CountPage&) = delete;
  CountPage& operator=(const CountPage&) = delete;

  Count& count() { return *count_; }
  const FileKey& key() const { return key_; }

 private:
  Count* const count_;
  const FileKey key_;
};

class MappedDropCounter final : public DropCounter {
 public:
  MappedDropCounter(std::string directory, const std::string& namespace_name)
      : directory_(std::move(directory)), path_(directory_ + "/drops-v1-" + namespace_name) {}

  void add(std::uint64_t events) override {
    if (fork_guard_.in_child()) return;
    const MutexLock lock(mutex_);
    own_ += events;
    find_page();
  }

  std::uint64_t total() override {
    if (fork_guard_.in_child()) return 0;
    const MutexLock lock(mutex_);
    find_page();
    return own_ + (page_ == nullptr ? 0 : page_->count().load());
  }

 private:
  void find_page() ALDIS_REQUIRES(mutex_) {
    if (page_ == nullptr || FileKey::of(path_) != page_->key()) {
      Result<std::unique_ptr<CountPage>> opened = CountPage::open(directory_, path_);
      if (!opened) return;
      page_ = *std::move(opened);
    }
    page_->count() += own_;
    own_ = 0;
  }

  const std::string directory_;
  const std::string path_;
  ForkGuard fork_guard_;
  Mutex mutex_;
  std::unique_ptr<CountPage> page_ ALDIS_GUARDED_BY(mutex_);
  std::uint64_t own_ ALDIS_GUARDED_BY(mutex_) = 0;  // not in the page yet
};

}  // namespace

std::shared_ptr<DropCounter> DropCounter::make(std::string runtime_directory, const std::string& namespace_name) {
  return std::make_shared<MappedDropCounter>(std::move(runtime_directory), namespace_name);
}

}  // namespace aldis
