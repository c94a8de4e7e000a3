// Senders and readers in processes of their own over the same mailboxes, undisturbed and under random kill -9.

#include <gmock/gmock.h>

#include <optional>
#include <random>

#include "aldis/signals.h"
#include "core/format.h"
#include "fleet.h"
#include "journal.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

constexpr int kMailboxes = 2;
constexpr int kSenders = 8;
constexpr int kReaders = 8;
constexpr auto kSilence = 100ms;
constexpr int kSilencesMax = 300;

struct Plan {
  int signals_per_sender = 0;
  bool reserving = false;
  int kills = 0;
  std::uint32_t seed = 0;
};

class Exchange {
 public:
  explicit Exchange(const Plan& plan, const std::string& store = "local:")
      : plan_(plan), fleet_(store), journal_(plan.reserving), random_(plan.seed) {}

  void run() {
    for (int i = 0; i < kSenders; ++i) start_sender(fmt::format("sender-{}", i), 0);
    for (int i = 0; i < kReaders; ++i) start_reader(i % kMailboxes);
    choose_next_kill();
    for (int silences = 0; !is_done();) {
      const auto line = fleet_.hear(kSilence);
      if (line) journal_.note(*line);
      if (!line && are_missing_ones_settled()) break;
      silences = line ? 0 : silences + 1;
      ASSERT_LT(silences, kSilencesMax) << "nobody does anything any more; " << describe_unsettled();
      if (journal_.deliveries() >= next_kill_ && kills_ < plan_.kills) kill_one();
    }
    stop_readers();
    check_the_rest();
  }

 private:
  struct Worker {
    pid_t pid;
    std::optional<std::string> sender;  // none: a reader
    int mailbox = 0;
  };

  void start_sender(const std::string& agent, int first) {
    workers_.push_back(
        {fleet_.start({"send", "agent=" + agent, fmt::format("mailboxes={}", kMailboxes),
                       fmt::format("first={}", first), fmt::format("last={}", plan_.signals_per_sender - 1)}),
         agent});
  }
  void start_reader(int mailbox) {
    Words arguments = {"read", fmt::format("agent=mailbox-{}", mailbox)};
    if (plan_.reserving) arguments.push_back("reserve=yes");
    workers_.push_back({fleet_.start(std::move(arguments)), std::nullopt, mailbox});
  }

  // Kills are spread over the load by its progress, not by time, so that a slow machine sees as many.
  void choose_next_kill() {
    if (plan_.kills == 0) return;
    const auto gap = static_cast<std::uint32_t>(kSenders * plan_.signals_per_sender / plan_.kills);
    next_kill_ += 1 + random_() % gap;
  }

  void kill_one() {
    const std::size_t index = random_() % workers_.size();
    const Worker victim = workers_[index];
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    fleet_.kill(victim.pid);
    ++kills_;
    for (std::size_t lines = fleet_.unheard(); lines > 0; --lines) journal_.note(*fleet_.hear());
    if (!victim.sender) {
      ++killed_readers_;
      start_reader(victim.mailbox);
    } else if (!journal_.has_finished(*victim.sender)) {
      start_sender(*victim.sender, journal_.last_number_of(*victim.sender) + 1);
    }
    choose_next_kill();
  }

  bool is_done() { return kills_ == plan_.kills && all_is_sent() && journal_.is_settled(); }
  bool all_is_sent() {
    for (int i = 0; i < kSenders; ++i) {
      if (!journal_.has_finished(fmt::format("sender-{}", i))) return false;
    }
    return true;
  }

  // A reader that was killed between its take (or acknowledgement) and its line said nothing; the receipts know.
  bool are_missing_ones_settled() {
    for (const std::string& id : journal_.unsettled()) {
      const auto receipt = observer_.receipt(id);
      EXPECT_TRUE(receipt) << receipt.error().message;
      if (!receipt || receipt->state != ReceiptState::delivered) return false;
    }
    return kills_ == plan_.kills && all_is_sent();
  }

  std::string describe_unsettled() {
    std::string text = fmt::format("{} kills, {} deliveries, unsettled:", kills_, journal_.deliveries());
    for (const std::string& id : journal_.unsettled()) {
      const auto receipt = observer_.receipt(id);
      text += fmt::format(" {} {}", id, receipt ? to_string(receipt->state) : receipt.error().message);
    }
    return text;
  }

  void stop_readers() {
    for (const Worker& worker : workers_) {
      if (worker.sender) continue;
      ASSERT_TRUE(observer_.signal("stop", fmt::format("mailbox-{}", worker.mailbox)));
    }
    for (const Worker& worker : workers_) EXPECT_EQ(fleet_.wait_for_end(worker.pid), 0);
    while (const auto line = fleet_.hear(0ms)) journal_.note(*line);
  }

  void check_the_rest() {
    EXPECT_EQ(kills_, plan_.kills);
    EXPECT_TRUE(are_missing_ones_settled()) << describe_unsettled();
    EXPECT_LE(journal_.unsettled().size(), killed_readers_) << "one that is killed takes one with it at most";
    if (plan_.kills == 0) {
      EXPECT_EQ(journal_.sent(), static_cast<std::size_t>(kSenders * plan_.signals_per_sender));
      EXPECT_EQ(journal_.deliveries(), journal_.sent());
    }
    for (int i = 0; i < kMailboxes; ++i) {
      auto mailbox = *CoordinationSignals::open(fleet_.join(), fmt::format("mailbox-{}", i));
      const auto pending = mailbox.get_pending_signals();
      ASSERT_TRUE(pending) << pending.error().message;
      EXPECT_THAT(*pending, IsEmpty());
    }
  }

  const Plan plan_;
  Fleet fleet_;
  CoordinationSignals observer_ = *CoordinationSignals::open(fleet_.join(), "observer");
  Journal journal_;
  std::mt19937 random_;
  std::vector<Worker> workers_;
  std::size_t next_kill_ = 0;
  int kills_ = 0;
  std::size_t killed_readers_ = 0;
};

TEST(Exchange, every_signal_is_taken_exactly_once_and_in_order) { Exchange({.signals_per_sender = 20'000}).run(); }

TEST(Exchange, every_reserved_signal_is_acknowledged_exactly_once) {
  Exchange({.signals_per_sender = 2'500, .reserving = true}).run();
}

TEST(Exchange, nothing_is_delivered_twice_under_200_kills) {
  const Plan plan{.signals_per_sender = 2'500, .kills = 200, .seed = 20'261};
  SCOPED_TRACE(fmt::format("seed {}", plan.seed));
  Exchange(plan).run();
}

TEST(Exchange, nothing_is_lost_or_held_twice_under_200_kills_with_acknowledgement) {
  const Plan plan{.signals_per_sender = 2'500, .reserving = true, .kills = 200, .seed = 20'262};
  SCOPED_TRACE(fmt::format("seed {}", plan.seed));
  Exchange(plan).run();
}

TEST(ExchangeOnRedis, nothing_is_delivered_twice_under_40_kills) {
  const RedisServer server;
  const Plan plan{.signals_per_sender = 400, .kills = 40, .seed = 20'263};
  SCOPED_TRACE(fmt::format("seed {}", plan.seed));
  Exchange(plan, server.url()).run();
}

TEST(ExchangeOnRedis, nothing_is_lost_or_held_twice_under_40_kills_with_acknowledgement) {
  const RedisServer server;
  const Plan plan{.signals_per_sender = 400, .reserving = true, .kills = 40, .seed = 20'264};
  SCOPED_TRACE(fmt::format("seed {}", plan.seed));
  Exchange(plan, server.url()).run();
}

}  // namespace
}  // namespace aldis::testing
