#include "engines/local/doorbell.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <optional>

#include "aldis/limits.h"
#include "core/clock.h"
#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/names.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"
#include "engines/local/board_environment.h"
#include "engines/local/board_files.h"
#include "engines/local/directory_lock.h"
#include "engines/local/runtime_directory.h"

namespace aldis {
namespace {

// A word: the lowest bit says that somebody sleeps on it, the others count rings.
constexpr std::size_t kWords = 1024;
constexpr std::uint32_t kSleeper = 1;
constexpr std::uint32_t kOneRing = 2;
constexpr std::uint32_t kEverythingWord = 0;
constexpr std::uint32_t kHeartbeatsWord = 1;
constexpr std::uint32_t kMailboxWords = 2;  // the first of them

using Word = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 4);
using Words = std::array<Word, kWords>;

void ring_word(Word& word) {
  const std::uint32_t before = word.fetch_add(kOneRing);
  if ((before & kSleeper) == 0) return;
  word.fetch_and(~kSleeper);
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// FNV-1a, 64 bits: the same in every process.
std::uint32_t word_of_agent(std::string_view agent) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : agent) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return kMailboxWords + static_cast<std::uint32_t>(hash % (kWords - kMailboxWords));
}

std::uint32_t word_of(const Topic& topic) {
  switch (topic.kind) {
    case Topic::Kind::mailbox:
      return word_of_agent(topic.agent);
    case Topic::Kind::heartbeats:
      return kHeartbeatsWord;
    case Topic::Kind::everything:
      return kEverythingWord;
  }
  return kEverythingWord;
}

// The mapped file. Stays valid for those who sleep on it when another takes its place.
class Page {
 public:
  static Result<std::shared_ptr<Page>> open(const std::string& directory, const std::string& path) {
    ALDIS_TRY(prepare_runtime_directory(directory));
    ALDIS_TRY_ASSIGN(const DirectoryLock lock, DirectoryLock::take(directory, limits::kCallTimeoutDefault));
    ALDIS_TRY_ASSIGN(bool usable, is_own_file(path));
    struct stat status{};
    usable = usable && stat(path.c_str(), &status) == 0 && status.st_size == static_cast<off_t>(sizeof(Words));
    if (!usable) {
      const std::string temporary = path + ".new";
      ALDIS_TRY(create_allocated_file(temporary, sizeof(Words)));
      ALDIS_TRY(rename_file(temporary, path));
    }
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    void* const memory = file.is_open() ? map_shared(file, sizeof(Words)) : nullptr;
    const std::optional<FileKey> key = FileKey::of(path);
    if (memory == nullptr || !key) {
      return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot map " + path, errno));
    }
    return std::make_shared<Page>(static_cast<Words*>(memory), *key);
  }

  Page(Words* words, FileKey key) : words_(words), key_(key) {}
  ~Page() { munmap(words_, sizeof(Words)); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  Word& operator[](std::uint32_t index) { return (*words_)[index % kWords]; }
  Words& words() { return *words_; }
  const FileKey& key() const { return key_; }

 private:
  Words* const words_;
  const FileKey key_;
};

class FutexDoorbell final : public Doorbell {
 public:
  FutexDoorbell(std::string directory, std::string path, std::shared_ptr<Page> page)
      : directory_(std::move(directory)), path_(std::move(path)), page_(std::move(page)) {
    plan_recheck(clock_.steady_now());
  }

  void ring(const Topic& topic) override {
    if (fork_guard_.in_child()) return;
    const std::shared_ptr<Page> page = current_page();
    if (topic.kind == Topic::Kind::everything) {
      for (Word& word : page->words()) ring_word(word);
      return;
    }
    ring_word((*page)[word_of(topic)]);
    ring_word((*page)[kEverythingWord]);
  }

  Listening listen(const Topic& topic) override {
    if (fork_guard_.in_child()) return {};
    const std::uint32_t word = word_of(topic);
    return {word, (*current_page())[word].load() & ~kSleeper};
  }

  void sleep(const Listening& listening, std::chrono::nanoseconds at_most, const std::stop_token& stop) override {
    if (fork_guard_.in_child() || at_most <= std::chrono::nanoseconds::zero()) return;
    const std::shared_ptr<Page> page = current_page();
    Word& word = (*page)[listening.channel];
    const std::stop_callback ring_on_stop(stop, [&word] { ring_word(word); });
    std::uint32_t found = listening.value;
    if (!word.compare_exchange_strong(found, listening.value | kSleeper) && found != (listening.value | kSleeper))
      return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
    const timespec relative{static_cast<time_t>(seconds.count()), static_cast<long>((at_most - seconds).count())};
    syscall(SYS_futex, &word, FUTEX_WAIT, listening.value | kSleeper, &relative, nullptr, 0);
  }

  std::chrono::nanoseconds recheck_interval() const override { return limits::kRecheckLocal; }

 private:
  // At most once a recheck interval, opens the file again if it was removed or replaced.
  std::shared_ptr<Page> current_page() {
    const SteadyTime now = clock_.steady_now();
    const bool due = now.time_since_epoch().count() >= recheck_at_.load(std::memory_order_relaxed);
    if (due) plan_recheck(now);
    std::shared_ptr<Page> page = page_now();
    if (!due || FileKey::of(path_) == page->key()) return page;
    Result<std::shared_ptr<Page>> reopened = Page::open(directory_, path_);
    // Without a bell everybody still looks again after a recheck interval.
    if (!reopened) return page;
    const MutexLock lock(mutex_);
    page_ = *reopened;
    return *reopened;
  }

  std::shared_ptr<Page> page_now() {
    const MutexLock lock(mutex_);
    return page_;
  }

  void plan_recheck(SteadyTime now) {
    recheck_at_.store((now + limits::kRecheckLocal).time_since_epoch().count(), std::memory_order_relaxed);
  }

  const std::string directory_;
  const std::string path_;
  const SystemClock clock_;
  ForkGuard fork_guard_;
  std::atomic<std::int64_t> recheck_at_{0};
  Mutex mutex_;
  std::shared_ptr<Page> page_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::shared_ptr<Doorbell>> Doorbell::open(const std::string& runtime_directory,
                                                 const std::string& namespace_name) {
  ALDIS_TRY(check_namespace(namespace_name));
  const std::string path = doorbell_file(runtime_directory, namespace_name);
  ALDIS_TRY_ASSIGN(auto page, Page::open(runtime_directory, path));
  return std::make_shared<FutexDoorbell>(runtime_directory, path, std::move(page));
}

}  // namespace aldis
