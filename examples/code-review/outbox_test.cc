// A mailbox that is full, on a board of its own.

#include "outbox.h"

#include <aldis/limits.h>
#include <aldis/workspace.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <variant>

#include "messages.h"

namespace code_review {
namespace {

using aldis::CoordinationSignals;
using namespace std::chrono_literals;

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    std::string name = "/dev/shm/code-review-test.XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  ~OutboxTest() override { std::filesystem::remove_all(directory_); }

  CoordinationSignals join(const std::string& agent) const {
    const auto workspace = aldis::Workspace::open({.runtime_directory = directory_});
    EXPECT_TRUE(workspace) << workspace.error().message;
    auto signals = CoordinationSignals::open(*workspace, agent);
    EXPECT_TRUE(signals) << signals.error().message;
    return *std::move(signals);
  }

  // Reads until the numbers 0 … count - 1 came, and says whether they came in this order.
  static bool read_all(CoordinationSignals& signals, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto outcome = signals.wait_for_signal({"number"});
      const auto* delivered = outcome ? std::get_if<aldis::Delivered>(&*outcome) : nullptr;
      if (delivered == nullptr || *decode_count(delivered->signal.payload) != i) return false;
    }
    return true;
  }

 private:
  std::string directory_;
};

TEST_F(OutboxTest, waits_for_room_and_loses_nothing) {
  constexpr std::size_t kCount = aldis::limits::kMailboxSignalsMax + 500;
  CoordinationSignals sender = join("sender");
  CoordinationSignals reader = join("reader");
  std::jthread reading;
  bool all_in_order = false;
  // Nobody reads before the mailbox is full.
  Outbox outbox(sender, "reader", [&]() -> aldis::Result<void> {
    if (!reading.joinable()) reading = std::jthread([&] { all_in_order = read_all(reader, kCount); });
    return {};
  });
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto sent = outbox.send("number", *encode_count(i));
    ASSERT_TRUE(sent) << sent.error().message;
  }
  ASSERT_TRUE(reading.joinable()) << "the mailbox was never full";
  reading.join();
  EXPECT_TRUE(all_in_order);
}

TEST_F(OutboxTest, waits_although_others_filled_the_mailbox) {
  CoordinationSignals other = join("other");
  CoordinationSignals sender = join("sender");
  CoordinationSignals reader = join("reader");
  Outbox filling(other, "reader",
                 [] { return std::unexpected(aldis::Error{aldis::ErrorCode::internal, "full", false}); });
  std::size_t count = 0;
  while (filling.send("number", *encode_count(count))) ++count;
  int waits = 0;
  Outbox outbox(sender, "reader", [&]() -> aldis::Result<void> {
    const bool read = ++waits < 2 || read_all(reader, count);
    EXPECT_TRUE(read);
    return {};
  });
  EXPECT_TRUE(outbox.send("number", *encode_count(count)));
  EXPECT_EQ(waits, 2);
}

TEST_F(OutboxTest, gives_up_when_waiting_fails) {
  CoordinationSignals sender = join("sender");
  const aldis::Error gone{aldis::ErrorCode::conflict, "another took over", false};
  Outbox outbox(sender, "reader", [&] { return std::unexpected(gone); });
  aldis::Result<void> sent;
  while (sent) sent = outbox.send("number", {});
  EXPECT_EQ(sent.error(), gone);
}

}  // namespace
}  // namespace code_review
