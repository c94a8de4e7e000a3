#include "telemetry/ring.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <new>
#include <thread>

namespace aldis::telemetry {
namespace {

RingRecord numbered(std::uint32_t number, std::uint8_t writer = 0) {
  RingRecord record{.seconds = number, .event = writer, .values = {}};
  // Over all of the values, so that a record of two halves is noticed.
  for (std::size_t i = 0; i < record.values.size(); i += sizeof number)
    std::memcpy(record.values.data() + i, &number, sizeof number);
  return record;
}

bool is_whole(const RingRecord& record) { return record.values == numbered(record.seconds).values; }

std::vector<std::uint32_t> numbers_of(const Ring::Drained& drained) {
  std::vector<std::uint32_t> numbers;
  for (const RingRecord& record : drained.records) numbers.push_back(record.seconds);
  return numbers;
}

std::vector<std::uint32_t> from_to(std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = first; number <= last; ++number) numbers.push_back(number);
  return numbers;
}

TEST(Ring, that_is_empty_drains_to_nothing) {
  Ring ring;
  const auto drained = ring.drain();
  EXPECT_TRUE(drained.records.empty());
  EXPECT_EQ(drained.dropped, 0u);
}

TEST(Ring, gives_back_what_it_was_given_in_order) {
  Ring ring;
  for (const std::uint32_t number : from_to(1, 5)) ring.push(numbered(number, 7));
  const auto drained = ring.drain();
  EXPECT_EQ(numbers_of(drained), from_to(1, 5));
  for (const RingRecord& record : drained.records) {
    EXPECT_EQ(record.event, 7);
    EXPECT_TRUE(is_whole(record));
  }
  EXPECT_TRUE(ring.drain().records.empty()) << "once";
}

TEST(Ring, that_is_full_drops_the_newest_and_counts_it) {
  Ring ring;
  for (const std::uint32_t number : from_to(1, 60)) ring.push(numbered(number));
  auto drained = ring.drain();
  EXPECT_EQ(numbers_of(drained), from_to(1, 48));
  EXPECT_EQ(drained.dropped, 12u);
  ring.push(numbered(61));
  drained = ring.drain();
  EXPECT_EQ(numbers_of(drained), from_to(61, 61));
  EXPECT_EQ(drained.dropped, 0u) << "counted since the last drain";
}

TEST(Ring, counts_what_never_reached_it) {
  Ring ring;
  ring.count_dropped();
  ring.count_dropped();
  EXPECT_EQ(ring.drain().dropped, 2u);
}

// A ring whose first slot lies on a page of its own. A writer who faults there is one that was stopped between claiming
// its slot and filling it.
class SplitRing {
 public:
  SplitRing()
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
        pages_(
            static_cast<char*>(mmap(nullptr, 3 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
        ring_(new(pages_ + page_ - limits::kTelemetryRecordBytes) Ring) {}
  ~SplitRing() {
    ring_->~Ring();
    munmap(pages_, 3 * page_);
  }
  SplitRing(const SplitRing&) = delete;
  SplitRing& operator=(const SplitRing&) = delete;

  Ring& operator*() const { return *ring_; }

  void push_half() const {
    struct sigaction jump{};
    struct sigaction before{};
    jump.sa_handler = [](int) { siglongjmp(out_, 1); };
    sigaction(SIGSEGV, &jump, &before);
    mprotect(pages_, page_, PROT_READ);
    if (sigsetjmp(out_, 1) == 0) ring_->push(numbered(1));
    mprotect(pages_, page_, PROT_READ | PROT_WRITE);
    sigaction(SIGSEGV, &before, nullptr);
  }

 private:
  static inline sigjmp_buf out_;
  std::size_t page_;
  char* pages_;
  Ring* ring_;
};

TEST(Ring, says_what_a_stopped_writer_holds_back) {
  SplitRing ring;
  (*ring).push(numbered(0));
  EXPECT_EQ(numbers_of((*ring).drain()), from_to(0, 0));
  EXPECT_EQ((*ring).count_left(), 0u);
  for (const std::uint32_t number : from_to(1, 47)) (*ring).push(numbered(number));
  (*ring).drain();
  ring.push_half();
  (*ring).push(numbered(49));
  (*ring).push(numbered(50));
  const auto drained = (*ring).drain();
  EXPECT_TRUE(drained.records.empty());
  EXPECT_EQ((*ring).count_left(), 3u);
}

TEST(Ring, goes_round_at_every_place) {
  Ring ring;
  std::uint32_t next = 1;
  for (std::uint32_t round = 0; round < 500; ++round) {
    const std::uint32_t count = round % 49;
    for (std::uint32_t i = 0; i < count; ++i) ring.push(numbered(next + i));
    const auto drained = ring.drain();
    ASSERT_EQ(drained.records.size(), count);
    ASSERT_EQ(numbers_of(drained), from_to(next, next + count - 1));
    ASSERT_EQ(drained.dropped, 0u);
    next += count;
  }
}

// What one reader saw of writers that never waited for it.
struct Seen {
  std::map<std::uint8_t, std::vector<std::uint32_t>> by_writer;
  std::uint64_t dropped = 0;
  std::uint64_t records = 0;
  bool whole = true;

  void take(const Ring::Drained& drained) {
    dropped += drained.dropped;
    records += drained.records.size();
    for (const RingRecord& record : drained.records) {
      by_writer[record.event].push_back(record.seconds);
      whole = whole && is_whole(record);
    }
  }
};

TEST(Ring, many_writers_lose_and_double_nothing) {
  constexpr std::uint8_t kWriters = 8;
  constexpr std::uint32_t kEach = 20'000;
  Ring ring;
  std::atomic<int> writing{kWriters};
  Seen seen;
  {
    std::vector<std::jthread> writers;
    for (std::uint8_t writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&ring, &writing, writer] {
        for (std::uint32_t number = 1; number <= kEach; ++number) ring.push(numbered(number, writer));
        --writing;
      });
    }
    while (writing > 0) seen.take(ring.drain());
  }
  seen.take(ring.drain());

  EXPECT_EQ(seen.records + seen.dropped, std::uint64_t{kWriters} * kEach) << "each was taken or counted";
  EXPECT_TRUE(seen.whole);
  for (const auto& [writer, numbers] : seen.by_writer) {
    const bool rises = std::ranges::adjacent_find(numbers, std::greater_equal()) == numbers.end();
    EXPECT_TRUE(rises) << "writer " << int{writer} << ": a record was doubled or overtook another";
  }
}

TEST(Ring, many_writers_fill_it_to_the_last_slot) {
  for (int round = 0; round < 50; ++round) {
    Ring ring;
    std::vector<std::jthread> writers;
    for (std::uint8_t writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&ring, writer] {
        for (std::uint32_t number = 1; number <= 25; ++number) ring.push(numbered(number, writer));
      });
    }
    writers.clear();
    const auto drained = ring.drain();
    ASSERT_EQ(drained.records.size(), limits::kTelemetryRingRecords);
    ASSERT_EQ(drained.dropped, 100 - limits::kTelemetryRingRecords);
  }
}

}  // namespace
}  // namespace aldis::telemetry
