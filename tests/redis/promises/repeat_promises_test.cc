// A call whose answer is lost is done once, however late its repetition.

#include <gtest/gtest.h>

#include <future>

#include "redis/chaos_proxy.h"
#include "redis/eventually.h"
#include "redis/promises/agents.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatientCallTimeout = 20s;
constexpr auto kOutage = 7s;  // longer than a call takes by default

TEST(LostAnswer, of_a_take_is_given_again_long_after) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  auto sender = act_as("sender", join(server.url()));
  auto reader = act_as("reader", join("redis://" + proxy.address(), kPatientCallTimeout));
  EXPECT_EQ(take(reader), "nothing");  // the server knows it now: the next call is a take at once
  const std::string first = send(sender, "reader");
  const std::string second = send(sender, "reader");
  proxy.misbehave(ChaosProxy::Direction::to_client, {.cut_after = 0});
  auto taking = std::async(std::launch::async, [&] { return take(reader); });
  ASSERT_TRUE(eventually([&] { return sender.receipt(first)->state == ReceiptState::delivered; }));
  let_pass(kOutage);
  proxy.behave();
  EXPECT_EQ(taking.get(), first);
  EXPECT_EQ(take(reader), second);
  EXPECT_EQ(take(reader), "nothing");
}

}  // namespace
}  // namespace aldis::testing
