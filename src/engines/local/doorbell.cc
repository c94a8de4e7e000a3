#include "engines/local/doorbell.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <optional>
#include <vector>

#include "aldis/limits.h"
#include "core/clock.h"
#include "core/failure.h"
#include "core/fnv.h"
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
constexpr std::uint32_t kAnyWord = 0;
constexpr std::uint32_t kHeartbeatsWord = 1;
constexpr std::uint32_t kNamedWords = 2;  // the first of them

// How far a subscription's count jumps when another page takes the place of the one that it counted on: further than
// the words of any subscription can count.
constexpr std::uint64_t kOtherPage = std::uint64_t{1} << 48;

using Word = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 4);
using Words = std::array<Word, kWords>;

void ring_word(Word& word) {
  const std::uint32_t before = word.fetch_add(kOneRing);
  if ((before & kSleeper) == 0) return;
  word.fetch_and(~kSleeper);
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// Returns when the word is another one or rings, or later.
void wait_while(Word& word, std::uint32_t value, std::chrono::nanoseconds at_most) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
  const timespec relative{static_cast<time_t>(seconds.count()), static_cast<long>((at_most - seconds).count())};
  syscall(SYS_futex, &word, FUTEX_WAIT, value, &relative, nullptr, 0);
}

std::uint32_t word_of_name(std::string_view name) {
  return kNamedWords + static_cast<std::uint32_t>(fnv1a_64(name) % (kWords - kNamedWords));
}

// What shares a name shares a word, as a mailbox and the record of its agent do.
std::uint32_t word_of(const Topic& topic) {
  switch (topic.kind) {
    case Topic::Kind::heartbeats:
      return kHeartbeatsWord;
    case Topic::Kind::approvals:
      return word_of_name("|approvals");  // no name has a '|' in it
    case Topic::Kind::streams:
      return word_of_name("|streams");
    default:
      return word_of_name(topic.name);
  }
}

// The mapped file.
class Page {
 public:
  static Result<std::unique_ptr<Page>> open(const std::string& directory, const std::string& path) {
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
    return std::make_unique<Page>(static_cast<Words*>(memory), *key);
  }

  Page(Words* words, FileKey key) : words_(words), key_(key) {}
  ~Page() { munmap(words_, sizeof(Words)); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  Word& operator[](std::uint32_t index) { return (*words_)[index % kWords]; }
  Words& words() { return *words_; }
  const Words& words() const { return *words_; }
  const FileKey& key() const { return key_; }

 private:
  Words* const words_;
  const FileKey key_;
};

class FutexDoorbell final : public Doorbell {
 public:
  FutexDoorbell(std::string directory, std::string path, std::chrono::nanoseconds recheck, std::unique_ptr<Page> page)
      : directory_(std::move(directory)), path_(std::move(path)), recheck_(recheck), page_(page.get()) {
    pages_.push_back(std::move(page));
    plan_recheck(clock_.steady_now());
  }

  void ring(std::span<const Topic> topics) override {
    if (fork_guard_.in_child()) return;
    Page& page = current_page(clock_.steady_now());
    for (const Topic& topic : topics) ring_word(page[word_of(topic)]);
    ring_word(page[kAnyWord]);
  }

  void ring_all() override {
    if (fork_guard_.in_child()) return;
    Page& page = current_page(clock_.steady_now());
    for (std::uint32_t word = kWords; word-- > 0;) ring_word(page[word]);
    static_assert(kAnyWord == 0, "who sleeps on it looks at the others, so it is the last to ring");
  }

  std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) override {
    std::vector<std::uint32_t> words;
    words.reserve(topics.size());
    for (const Topic& topic : topics) words.push_back(word_of(topic));
    std::ranges::sort(words);
    words.erase(std::ranges::unique(words).begin(), words.end());
    return std::make_unique<Listener>(*this, std::move(words));
  }

  const Subscription& any() const override { return any_; }

  void sleep(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
             const std::stop_token& stop) override {
    const auto& listener = static_cast<const Listener&>(subscription);
    SteadyTime now = clock_.steady_now();
    const SteadyTime end = now + std::min<std::chrono::nanoseconds>(at_most, limits::kWaitMax);
    for (; now < end && !fork_guard_.in_child(); now = clock_.steady_now()) {
      Word& word = current_page(now)[listener.sleeping_word()];
      // Before its words are counted: whatever rings later changes this one, or did so already and is counted.
      const std::uint32_t heard = word.load() & ~kSleeper;
      if (stop.stop_requested() || listener.rings() != rings) return;
      const std::stop_callback ring_on_stop(stop, [&word] { ring_word(word); });
      std::uint32_t found = heard;
      const bool marked = word.compare_exchange_strong(found, heard | kSleeper) || found == (heard | kSleeper);
      if (marked) wait_while(word, heard | kSleeper, std::min(end, next_recheck()) - now);
    }
  }

  std::chrono::nanoseconds recheck_interval() const override { return recheck_; }

 private:
  class Listener final : public Subscription {
   public:
    Listener(const FutexDoorbell& doorbell, std::vector<std::uint32_t> words)
        : doorbell_(doorbell), words_(std::move(words)) {}

    std::uint64_t rings() const override { return doorbell_.count(words_); }
    std::uint32_t sleeping_word() const { return words_.size() == 1 ? words_.front() : kAnyWord; }

   private:
    const FutexDoorbell& doorbell_;
    const std::vector<std::uint32_t> words_;
  };

  std::uint64_t count(const std::vector<std::uint32_t>& words) const {
    std::uint64_t rings = rechecks_.load();
    const Page& page = *page_.load();
    for (const std::uint32_t word : words) rings += page.words()[word].load() / kOneRing;
    return rings;
  }

  // Once a recheck interval everything rings, and the file is opened again if it was removed or replaced.
  Page& current_page(SteadyTime now) {
    if (now >= next_recheck()) {
      plan_recheck(now);
      find_page();
    }
    return *page_.load();
  }

  void find_page() {
    ++rechecks_;
    if (FileKey::of(path_) == page_.load()->key()) return;
    Result<std::unique_ptr<Page>> reopened = Page::open(directory_, path_);
    const MutexLock lock(mutex_);
    if (!reopened || pages_.size() == limits::kDoorbellPagesMax) return;
    // The old ones stay: somebody may sleep on them.
    pages_.push_back(*std::move(reopened));
    page_ = pages_.back().get();
    rechecks_ += kOtherPage;
  }

  SteadyTime next_recheck() const {
    return SteadyTime{std::chrono::nanoseconds{recheck_at_.load(std::memory_order_relaxed)}};
  }
  void plan_recheck(SteadyTime now) {
    recheck_at_.store((now + recheck_).time_since_epoch().count(), std::memory_order_relaxed);
  }

  const std::string directory_;
  const std::string path_;
  const std::chrono::nanoseconds recheck_;
  const SystemClock clock_;
  ForkGuard fork_guard_;
  std::atomic<std::int64_t> recheck_at_{0};
  std::atomic<std::uint64_t> rechecks_{0};
  std::atomic<Page*> page_;  // the last of pages_
  Mutex mutex_;
  std::vector<std::unique_ptr<Page>> pages_ ALDIS_GUARDED_BY(mutex_);
  const Listener any_{*this, {kAnyWord}};
};

}  // namespace

Result<std::shared_ptr<Doorbell>> Doorbell::open(const std::string& runtime_directory,
                                                 const std::string& namespace_name, std::chrono::nanoseconds recheck) {
  ALDIS_TRY(check_namespace(namespace_name));
  const std::string path = doorbell_file(runtime_directory, namespace_name);
  ALDIS_TRY_ASSIGN(auto page, Page::open(runtime_directory, path));
  return std::make_shared<FutexDoorbell>(runtime_directory, path, recheck, std::move(page));
}

}  // namespace aldis
