// What mailboxes leave on a Redis server, what a call does that is carried out twice, and lists longer than one script
// may handle. The rest of their behaviour is in tests/contract.

#include <gmock/gmock.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_mailbox.h"
#include "engines/redis/store_url.h"
#include "ports/signal_address.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const ProcessIdentity kProcess{4242, 77, "boot-id", 4026531836};

class RedisMailboxKeys : public ::testing::Test {
 protected:
  Id128 send(std::chrono::nanoseconds ttl = 60s) {
    Id128 id;
    ++sent_;
    for (std::size_t i = 0; i < sizeof sent_; ++i) id.bytes[13 - i] = static_cast<std::uint8_t>(sent_ >> (8 * i));
    id = address_signal(id, "ann");
    const auto sent = mailbox_.send({id, "task", "boss", "ann", "{}", WallTime{}, ttl});
    EXPECT_TRUE(sent) << sent.error().message;
    return id;
  }
  Result<TakeAnswer> take(const std::string& call = {}, const TakeOptions& options = {}) {
    const SignalFilter filter;
    const TakeRequest request{.agent = "ann", .filter = filter, .options = options, .holder = kProcess};
    return mailbox_.take({request, call, 6s}, TakeMode::full);
  }
  // Empty: something else came.
  std::string taken(const std::string& call = {}, const TakeOptions& options = {}) {
    const TakeAnswer answer = take(call, options).value();
    const auto* delivered = std::get_if<Delivered>(&answer);
    return delivered != nullptr ? delivered->signal.signal_id : std::string();
  }
  static TakeOptions reserving() {
    TakeOptions options;
    options.acknowledge_within = 10s;
    return options;
  }
  static std::string name(const Id128& id) { return format_id(kSignalIdPrefix, id); }

  std::string command(const Words& words) const { return server_.command(words); }
  std::vector<std::string> keys() const {
    std::istringstream lines(command({"KEYS", "*"}));
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }
  std::vector<std::string> immortal_keys() const {
    std::vector<std::string> found;
    for (const std::string& key : keys()) {
      if (command({"PTTL", key}) == "-1") found.push_back(key);
    }
    return found;
  }
  std::string key(std::string_view suffix) const { return Groups("keys").mailbox("ann") + std::string(suffix); }

  RedisMailbox& mailbox() { return mailbox_; }
  void advance(std::chrono::microseconds by) { clock_.advance(by); }

 private:
  ClockFile clock_;
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &clock_}};
  RedisMailbox mailbox_{
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value(),
      Groups("keys")};
  std::uint64_t sent_ = 0;
};

TEST_F(RedisMailboxKeys, a_take_that_is_carried_out_twice_takes_one_signal) {
  const Id128 first = send();
  const Id128 second = send();
  EXPECT_EQ(taken("i:one"), name(first));
  EXPECT_EQ(taken("i:one"), name(first));
  EXPECT_EQ(taken("i:two"), name(second));
}

TEST_F(RedisMailboxKeys, an_expiry_that_is_told_twice_in_one_call_is_told_once) {
  send(1s);
  const Id128 second = send(1s);
  advance(1s);
  EXPECT_TRUE(std::holds_alternative<Expired>(take("i:one").value()));
  EXPECT_TRUE(std::holds_alternative<Expired>(take("i:one").value()));
  const TakeAnswer other = take("i:two").value();
  EXPECT_EQ(std::get<Expired>(other).signal_id, name(second));
}

TEST_F(RedisMailboxKeys, a_clearing_that_is_carried_out_twice_counts_the_same) {
  send();
  EXPECT_EQ(mailbox().clear("ann", "", "i:one").value(), 1U);
  send();
  EXPECT_EQ(mailbox().clear("ann", "", "i:one").value(), 1U);
  EXPECT_THAT(mailbox().pending("ann", "").value(), SizeIs(1)) << "what came between them stays";
}

TEST_F(RedisMailboxKeys, a_hand_back_that_is_carried_out_twice_counts_the_same) {
  const Id128 id = send();
  taken("i:one", reserving());
  const std::vector<Reservation> held{{id, 1, kProcess}};
  EXPECT_EQ(mailbox().hand_back("ann", held, "i:two").value(), 1U);
  EXPECT_EQ(mailbox().hand_back("ann", held, "i:two").value(), 1U);
  EXPECT_EQ(mailbox().hand_back("ann", held, "i:three").value(), 0U);
}

TEST_F(RedisMailboxKeys, more_signals_than_a_script_may_handle_are_listed_and_cleared) {
  constexpr std::size_t kMany = 2 * limits::kRedisPageSignalsMax + 1;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kMany; ++i) ids.push_back(name(send()));
  std::vector<std::string> listed;
  const auto pending = mailbox().pending("ann", "");
  for (const CoordinationSignal& one : pending.value()) listed.push_back(one.signal_id);
  EXPECT_EQ(listed, ids);
  EXPECT_EQ(mailbox().clear("ann", "", "i:one").value(), kMany);
}

TEST_F(RedisMailboxKeys, everything_has_a_time_to_live) {
  send();
  taken("i:one");
  const Id128 reserved = send(1h);
  taken("u:two", reserving());
  send(1s);
  advance(2s);
  EXPECT_EQ(mailbox().receipt(reserved).value().receipt.state, ReceiptState::reserved);
  EXPECT_THAT(immortal_keys(), IsEmpty());
  advance(26h);
  EXPECT_THAT(mailbox().pending("ann", "").value(), IsEmpty());
  EXPECT_THAT(immortal_keys(), IsEmpty()) << "an expiry that nobody was told of has folded";
  advance(24 * 30h);
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(RedisMailboxKeys, a_mailbox_that_was_empty_has_a_time_to_live_again) {
  send();
  taken();
  advance(25h);
  EXPECT_THAT(mailbox().pending("ann", "").value(), IsEmpty());
  EXPECT_EQ(command({"EXISTS", key(":i:ann")}), "0") << "its last tombstone went";
  send();
  EXPECT_THAT(immortal_keys(), IsEmpty());
}

TEST_F(RedisMailboxKeys, a_payload_goes_with_the_take_and_stays_while_that_may_be_repeated) {
  const Id128 id = send();
  EXPECT_EQ(command({"HEXISTS", key(":s:" + short_id(id)), "p"}), "1");
  taken("i:one");
  EXPECT_EQ(command({"HEXISTS", key(":s:" + short_id(id)), "p"}), "0");
  EXPECT_EQ(taken("i:one"), name(id));
  advance(7s);
  EXPECT_EQ(taken("i:one"), "");
}

TEST_F(RedisMailboxKeys, a_payload_stays_while_a_take_that_was_acknowledged_may_be_repeated) {
  const Id128 id = send();
  taken("i:one", reserving());
  ASSERT_TRUE(mailbox().acknowledge("ann", id, 1));
  EXPECT_EQ(command({"HEXISTS", key(":s:" + short_id(id)), "p"}), "0");
  EXPECT_EQ(taken("i:one", reserving()), name(id));
  advance(7s);
  EXPECT_EQ(command({"EXISTS", key(":p:" + short_id(id))}), "0");
  EXPECT_EQ(taken("i:one", reserving()), "");
}

TEST_F(RedisMailboxKeys, a_signal_that_the_server_evicted_is_data_loss_once) {
  const Id128 lost = send();
  const Id128 kept = send();
  command({"DEL", key(":s:" + short_id(lost))});
  const auto taking = take();
  ASSERT_FALSE(taking);
  EXPECT_EQ(taking.error().code, ErrorCode::data_loss);
  EXPECT_THAT(taking.error().message, ::testing::HasSubstr("noeviction"));
  EXPECT_EQ(taken(), name(kept));
  EXPECT_TRUE(std::holds_alternative<NothingFound>(take().value()));
}

}  // namespace
}  // namespace aldis::testing
