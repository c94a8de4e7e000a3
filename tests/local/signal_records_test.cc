// What signals leave on the local board: bounded while it works, nothing once it is over; and how stores that share a
// board see each other.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engines/local/board.h"
#include "engines/local/board_keys.h"
#include "engines/local/doorbell.h"
#include "engines/local/local_signals.h"
#include "engines/local/reclaim.h"
#include "engines/local/signal_codec.h"
#include "fakes/fake_clock.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kSentAt{std::chrono::seconds{1'790'000'000}};
constexpr std::size_t kSmallBoard = 4 * 1024 * 1024;
constexpr std::size_t kLargeBoard = 64 * 1024 * 1024;
// Each write settles the mailbox or type that it is about, and that of each due entry that it works off.
constexpr std::size_t kSettledByOneWrite = limits::kSettledPerWrite * (limits::kRemovalsPerWrite + 1);

class SignalRecords : public ::testing::Test {
 protected:
  explicit SignalRecords(std::size_t board_bytes = kSmallBoard) : board_bytes_(board_bytes) {}

  Id128 next_id() {
    ++ids_;
    Id128 id;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return id;
  }
  Result<void> send(SignalStore& store, std::optional<std::string_view> target, std::string_view payload = "{}",
                    std::chrono::nanoseconds ttl = 60s) {
    return store.send({next_id(), "task", "boss", target, payload, kSentAt, ttl});
  }
  static Result<TakeOutcome> take(SignalStore& store, std::string_view agent, const std::string& take_id = {}) {
    const SignalFilter any;
    const TakeOptions options{.consume = true, .acknowledge_within = {}, .take_id = take_id};
    return store.take({.agent = agent, .filter = any, .options = options, .holder = std::nullopt});
  }
  static bool takes_signal(SignalStore& store, std::string_view agent) {
    return std::holds_alternative<Delivered>(take(store, agent).value());
  }
  // How many records begin with this byte; all but the board's own if none is given.
  int count(std::string_view prefix = {}) {
    return board_
        ->read([&](BoardTransaction& transaction) -> Result<int> {
          int entries = 0;
          const std::string_view from = prefix.empty() ? "\1" : prefix;
          for (auto entry = transaction.seek(prefix, from); entry; entry = transaction.next()) {
            if (entry->key.front() != board_key::kFormat) ++entries;
          }
          return entries;
        })
        .value();
  }
  // Any write works off what is due, a few entries each.
  void write_often() {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
        reclaim_due(transaction, clock_->boot_now());
        return {};
      }));
    }
  }

  // Changes the record of a signal, in a way that none of us would.
  template <class Change>
  void tamper_with(const Id128& id, Change change) {
    const std::string key = local::signal_key(id);
    ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
      change(transaction, key);
      return {};
    }));
  }

  const std::size_t board_bytes_;
  const ScratchDirectory directory_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<Board> board_ = Board::open({.runtime_directory = directory_.path(),
                                                     .namespace_name = "default",
                                                     .call_timeout = 5s,
                                                     .clock = clock_.get(),
                                                     .bytes_max = board_bytes_})
                                            .value();
  const std::shared_ptr<Doorbell> doorbell_ = Doorbell::open(directory_.path(), "default").value();
  const std::shared_ptr<SignalStore> store_ = make_local_signals(board_, doorbell_, clock_);
  const std::shared_ptr<SignalStore> other_store_ = make_local_signals(board_, doorbell_, clock_);
  std::uint64_t ids_ = 0;
};

TEST_F(SignalRecords, a_store_that_saw_nothing_sees_what_another_one_sends) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(takes_signal(*store_, "ann"));
    EXPECT_FALSE(takes_signal(*store_, "ann"));
    ASSERT_TRUE(send(*other_store_, "ann"));
    EXPECT_TRUE(takes_signal(*store_, "ann"));
    EXPECT_FALSE(takes_signal(*store_, "ann"));
    ASSERT_TRUE(send(*other_store_, std::nullopt));
    EXPECT_TRUE(takes_signal(*store_, "ann"));
  }
}

TEST_F(SignalRecords, asking_in_vain_writes_nothing) {
  take(*store_, "ann").value();
  const std::uint64_t before = board_->last_transaction_id();
  for (int i = 0; i < 10; ++i) take(*store_, "ann").value();
  store_->pending("ann", {}).value();
  store_->appear("ann").value();
  EXPECT_EQ(board_->last_transaction_id(), before);
}

TEST_F(SignalRecords, an_agent_that_only_asks_is_remembered_all_the_same) {
  take(*store_, "ann").value();
  for (int hour = 0; hour < 24 * 12; ++hour) {
    clock_->advance(1h);
    take(*store_, "ann").value();
  }
  ASSERT_TRUE(send(*store_, std::nullopt, "{}", 1s));
  clock_->advance(1s);
  EXPECT_TRUE(std::holds_alternative<Expired>(take(*store_, "ann").value()));
}

TEST_F(SignalRecords, everything_is_gone_when_it_is_over) {
  ASSERT_TRUE(send(*store_, "ann"));
  ASSERT_TRUE(send(*store_, "bob"));
  ASSERT_TRUE(send(*store_, std::nullopt));
  take(*store_, "ann", "named").value();
  take(*store_, "ann").value();
  clock_->advance(2h);
  take(*store_, "bob").value();
  clock_->advance(24h * 20);
  write_often();
  EXPECT_EQ(count({&board_key::kBroadcastVersion, 1}), 1);
  EXPECT_EQ(count(), 1) << "only the version of all broadcasts";
}

TEST_F(SignalRecords, a_mailbox_that_nobody_reads_is_settled_by_others) {
  const std::string payload = R"({"text":")" + std::string(1000, 'x') + R"("})";
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(send(*store_, "nobody", payload, 10s));
  clock_->advance(10s);
  write_often();
  const int records = count({&board_key::kSignal, 1});
  EXPECT_EQ(records, 500) << "receipts are kept";
  const auto payload_bytes = board_->read([&](BoardTransaction& transaction) -> Result<std::size_t> {
    std::size_t bytes = 0;
    const std::string_view prefix{&board_key::kSignal, 1};
    for (auto entry = transaction.seek(prefix, prefix); entry; entry = transaction.next()) bytes += entry->value.size();
    return bytes;
  });
  EXPECT_LT(payload_bytes.value(), 100'000U) << "payloads are not";
}

TEST_F(SignalRecords, a_board_under_steady_load_does_not_grow) {
  // Each round is an hour: what is older than a day has gone, so twenty days fill no more than two.
  int after_two_days = 0;
  for (int hour = 0; hour < 24 * 20; ++hour) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(send(*store_, "ann", "{}", i % 2 == 0 ? 60s : 168h));
    ASSERT_TRUE(send(*store_, std::nullopt));
    for (int i = 0; i < 8; ++i) take(*store_, "ann").value();
    store_->clear("ann", {}).value();
    clock_->advance(1h);
    if (hour == 24 * 2) after_two_days = count();
  }
  EXPECT_LE(count(), after_two_days + after_two_days / 10);
}

TEST_F(SignalRecords, a_full_board_refuses_signals_and_takes_still_work) {
  const std::string payload = R"({"text":")" + std::string(100'000, 'x') + R"("})";
  Result<void> sent;
  int signals = 0;
  while (sent && signals < 100) {
    sent = send(*store_, "ann", payload);
    if (sent) ++signals;
  }
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::resource_exhausted);
  EXPECT_NE(sent.error().message.find("80 %"), std::string::npos) << sent.error().message;
  EXPECT_TRUE(sent.error().retryable);
  for (int i = 0; i < signals; ++i) EXPECT_TRUE(takes_signal(*store_, "ann"));
  EXPECT_TRUE(send(*store_, "ann", payload));
}

TEST_F(SignalRecords, a_full_board_has_room_again_when_signals_expire_though_everybody_only_sends) {
  const std::string payload = R"({"text":")" + std::string(20'000, 'x') + R"("})";
  Result<void> sent;
  for (int i = 0; sent && i < 1000; ++i) sent = send(*store_, "ann-" + std::to_string(i % 40), payload, 30s);
  ASSERT_FALSE(sent);
  clock_->advance(30s);
  EXPECT_TRUE(send(*store_, "bob", payload));
}

TEST_F(SignalRecords, a_damaged_record_is_data_loss_and_never_nothing) {
  const Id128 id = next_id();
  ASSERT_TRUE(store_->send({id, "task", "boss", "ann", "{}", kSentAt, 60s}));
  ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
    const std::string_view prefix{&board_key::kSignal, 1};
    const auto entry = transaction.seek(prefix, prefix);
    const std::string key(entry->key);
    const std::string cut(entry->value.substr(0, 20));
    transaction.put(key, cut);
    return {};
  }));
  EXPECT_EQ(take(*store_, "ann").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->pending("ann", {}).error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->clear("ann", {}).error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->receipt(id).error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->acknowledge("ann", id).error().code, ErrorCode::data_loss);
}

TEST_F(SignalRecords, reclaiming_leaves_a_damaged_mailbox_alone_and_whoever_asks_is_told) {
  std::vector<Id128> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(next_id());
    ASSERT_TRUE(store_->send({ids.back(), "task", "boss", "ann", "{}", kSentAt, 60s}));
  }
  ASSERT_TRUE(send(*store_, "bob"));
  tamper_with(ids[1], [](BoardTransaction& board, const std::string& key) { board.erase(key); });
  clock_->advance(60s);
  write_often();
  EXPECT_EQ(take(*store_, "ann").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->pending("ann", {}).error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->receipt(ids[2]).error().code, ErrorCode::data_loss);
  EXPECT_TRUE(std::holds_alternative<Expired>(take(*store_, "bob").value())) << "nobody else is concerned";
  clock_->advance(24h);
  write_often();
  EXPECT_EQ(store_->receipt(ids[2]).error().code, ErrorCode::data_loss);
  EXPECT_EQ(count({&board_key::kDue, 1}), 1) << "of the notice that bob was told";
}

TEST_F(SignalRecords, whatever_is_damaged_in_a_mailbox_an_expired_signal_is_never_delivered) {
  const std::string parts{board_key::kTotals, board_key::kEnds, board_key::kLog};
  for (const char part : parts) {
    const std::string agent = std::string("ann-") + part;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(*store_, agent));
    ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
      const std::string prefix = local::lane_key(board_key::kMailbox, agent, part);
      transaction.put(std::string(transaction.seek(prefix, prefix)->key), "cut");
      return {};
    }));
  }
  ASSERT_TRUE(send(*store_, "bob"));
  clock_->advance(60s);
  write_often();
  for (const char part : parts) {
    const auto outcome = take(*store_, std::string("ann-") + part);
    ASSERT_FALSE(outcome) << part;
    EXPECT_EQ(outcome.error().code, ErrorCode::data_loss) << part;
  }
  EXPECT_TRUE(std::holds_alternative<Expired>(take(*store_, "bob").value()));
}

TEST_F(SignalRecords, a_queued_signal_without_its_record_is_data_loss) {
  const Id128 id = next_id();
  ASSERT_TRUE(store_->send({id, "task", "boss", "ann", "{}", kSentAt, 60s}));
  const Id128 news = next_id();
  ASSERT_TRUE(store_->send({news, "news", "boss", std::nullopt, "{}", kSentAt, 60s}));
  for (const Id128& one : {id, news}) {
    tamper_with(one, [](BoardTransaction& board, const std::string& key) { board.erase(key); });
  }
  EXPECT_EQ(take(*store_, "ann").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->pending("ann", {}).error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->clear("ann", {}).error().code, ErrorCode::data_loss);
  EXPECT_EQ(take(*store_, "bob").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store_->pending("bob", {}).error().code, ErrorCode::data_loss);
}

TEST_F(SignalRecords, reclaiming_leaves_a_damaged_kept_record_alone) {
  ASSERT_TRUE(send(*store_, "ann"));
  take(*store_, "ann", "named").value();
  const std::string key = local::names_key(board_key::kTakeId, "ann", "named");
  ASSERT_TRUE(board_->write([&](BoardTransaction& transaction) -> Result<void> {
    transaction.put(key, "cut");
    return {};
  }));
  clock_->advance(60s);
  write_often();
  EXPECT_EQ(take(*store_, "ann", "named").error().code, ErrorCode::data_loss);
}

class ManySignalRecords : public SignalRecords {
 protected:
  ManySignalRecords() : SignalRecords(kLargeBoard) {}

  // A mailbox as full as it may be, of signals that are over.
  void fill_mailbox_of_ann() {
    for (std::size_t i = 0; i < limits::kMailboxSignalsMax; ++i) ASSERT_TRUE(send(*store_, "ann", "{}", 60s));
    ASSERT_FALSE(send(*store_, "ann"));
    clock_->advance(60s);
  }
  std::size_t count_told_later() {
    const std::string prefix = local::lane_key(board_key::kMailbox, "ann", board_key::kUntold);
    return static_cast<std::size_t>(count(prefix));
  }
};

TEST_F(ManySignalRecords, a_send_to_a_mailbox_full_of_expired_signals_settles_a_few) {
  fill_mailbox_of_ann();
  ASSERT_TRUE(send(*store_, "ann"));
  EXPECT_GT(count_told_later(), 0U);
  EXPECT_LE(count_told_later(), kSettledByOneWrite);
}

TEST_F(ManySignalRecords, a_take_settles_what_expired_in_many_small_writes) {
  fill_mailbox_of_ann();
  const std::uint64_t before = board_->last_transaction_id();
  EXPECT_TRUE(std::holds_alternative<Expired>(take(*store_, "ann").value()));
  EXPECT_EQ(count_told_later(), limits::kMailboxSignalsMax - 1);
  EXPECT_GE(board_->last_transaction_id() - before, limits::kMailboxSignalsMax / kSettledByOneWrite);
}

TEST_F(ManySignalRecords, clearing_does_not_settle_more_than_it_clears) {
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < limits::kMailboxSignalsMax; ++i) ASSERT_TRUE(send(*store_, "ann", "{}", 60s));
    const int before = count({&board_key::kSignal, 1});
    EXPECT_EQ(store_->clear("ann", {}).value(), limits::kMailboxSignalsMax);
    EXPECT_LE(before - count({&board_key::kSignal, 1}), static_cast<int>(kSettledByOneWrite));
  }
  write_often();
  EXPECT_EQ(count({&board_key::kSignal, 1}), static_cast<int>(limits::kTombstonesMax)) << "the due index goes on";
}

TEST_F(ManySignalRecords, a_write_forgets_a_few_broadcasts_with_many_readers) {
  constexpr std::size_t kReaders = 100;
  constexpr std::size_t kBroadcasts = 20;
  for (std::size_t i = 0; i < kBroadcasts; ++i) ASSERT_TRUE(send(*store_, std::nullopt));
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    for (std::size_t i = 0; i < kBroadcasts; ++i)
      ASSERT_TRUE(takes_signal(*store_, "reader-" + std::to_string(reader)));
  }
  const std::string_view readers{&board_key::kReader, 1};
  ASSERT_EQ(count(readers), kReaders * kBroadcasts);
  clock_->advance(48h);
  ASSERT_TRUE(send(*store_, std::nullopt));
  // The last one of each share may pass the limit.
  EXPECT_GE(count(readers), kReaders * kBroadcasts - (kSettledByOneWrite + 3 * kReaders));
  for (int i = 0; i < 20; ++i) write_often();
  EXPECT_EQ(count(readers), 0) << "the due index goes on";
}

}  // namespace
}  // namespace aldis::testing
