// What is said of an audit log on a Redis server whose owner removed or changed its head, or put entries beyond its
// ends, and that nothing is written over what is left. What each engine does is in tests/contract.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/sha256.h"
#include "domain/audit_check.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_approvals.h"
#include "engines/redis/redis_audit.h"
#include "engines/redis/store_url.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RedisAuditHead : public ::testing::Test {
 protected:
  ApprovalSubject subject(std::optional<std::chrono::nanoseconds> timeout = {}) {
    return {.id = make_id(WallTime{}),
            .type = "deploy",
            .agent = "ann",
            .context = "{}",
            .context_hash = sha256_hex("{}"),
            .timeout = timeout};
  }
  Id128 ask(std::optional<std::chrono::nanoseconds> timeout = {}) {
    const ApprovalSubject asked = subject(timeout);
    const auto opened = approvals().open(asked);
    EXPECT_TRUE(opened) << opened.error().message;
    return asked.id;
  }
  void ask_often(int count) {
    for (int i = 0; i < count; ++i) ask();
  }
  void rotate(std::uint64_t through) {
    const AuditHead head{through, audit().entries(through - 1, 1).value().front().hash};
    EXPECT_TRUE(audit().rotate(head, "dana"));
  }

  // The number of the first fault, or 0.
  std::uint64_t fault() {
    AuditCheck check(audit().bounds().value(), {});
    const auto entries = audit().entries(0, 10'000);
    for (const AuditEntry& entry : entries.value()) {
      if (!check.take(entry)) break;
    }
    const AuditVerification found = check.finish();
    return found.fault ? found.fault->number : 0;
  }
  // A request, an answer, a settling and a rotation, each of which would be recorded.
  void expect_nothing_can_be_recorded(const Id128& id) {
    const std::string before = log();
    const std::string requests = command({"ZRANGE", key(":i"), "0", "-1"});
    const ApprovalChange change{
        .id = make_id(WallTime{}), .seen_version = 1, .state = ApprovalState::approved, .responder = "bob"};
    expect_refused(approvals().open(subject()));
    expect_refused(approvals().change(id, change));
    clock_.advance(1h);
    expect_refused(approvals().read(id));
    EXPECT_FALSE(audit().rotate({1, first_hash_}, "dana"));
    EXPECT_EQ(log(), before);
    EXPECT_EQ(command({"ZRANGE", key(":i"), "0", "-1"}), requests);
  }

  std::string command(const Words& words) const { return server_.command(words); }
  std::string key(std::string_view suffix) const { return groups_.approvals() + std::string(suffix); }
  std::string log() const {
    return command({"HGETALL", key(":m")}) + command({"HGETALL", key(":l:0")}) + command({"HGETALL", key(":l:1")});
  }
  // The bytes of the entry under another number, too.
  void plant(const std::string& part, const std::string& number) {
    command({"HSET", key(part), number, command({"HGET", key(":l:0"), "1"})});
  }
  std::string hash_of(std::uint64_t number) { return audit().entries(number - 1, 1).value().front().hash; }

  ApprovalStore& approvals() { return *approvals_; }
  AuditStore& audit() { return *audit_; }

  std::string first_hash_;

 private:
  template <class T>
  static void expect_refused(const Result<T>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::data_loss);
    EXPECT_THAT(result.error().message, HasSubstr("docs/redis.md"));
  }

  ClockFile clock_;
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &clock_}};
  const Groups groups_{"heads"};
  const std::shared_ptr<RedisClient> client_ =
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value();
  const std::shared_ptr<ApprovalStore> approvals_ = make_redis_approvals(client_, groups_);
  const std::shared_ptr<AuditStore> audit_ = make_redis_audit(client_, groups_);
};

TEST_F(RedisAuditHead, that_was_removed_is_missed_and_nothing_is_written_over_the_entries) {
  const Id128 id = ask(300s);
  ask_often(2);
  first_hash_ = hash_of(1);
  EXPECT_EQ(fault(), 0U);
  command({"DEL", key(":m")});
  EXPECT_EQ(fault(), 1U);
  expect_nothing_can_be_recorded(id);
}

TEST_F(RedisAuditHead, that_was_set_back_is_found_and_nothing_is_written_over_the_entries) {
  const Id128 id = ask(300s);
  ask_often(2);
  first_hash_ = hash_of(1);
  command({"HSET", key(":m"), "n", "1", "h", first_hash_});
  EXPECT_EQ(fault(), 2U);
  EXPECT_EQ(audit().bounds().value().stray, 2U);
  expect_nothing_can_be_recorded(id);
}

TEST_F(RedisAuditHead, that_was_put_back_is_good_again) {
  ask_often(3);
  const std::string hash = hash_of(3);
  command({"DEL", key(":m")});
  ASSERT_NE(fault(), 0U);
  command({"HSET", key(":m"), "n", "3", "h", hash});
  EXPECT_EQ(fault(), 0U);
  ask();
  EXPECT_EQ(fault(), 0U);
}

TEST_F(RedisAuditHead, that_was_removed_with_the_log_is_missed_while_requests_are_there) {
  const Id128 id = ask(300s);
  command({"DEL", key(":m"), key(":l:0")});
  EXPECT_EQ(fault(), 1U);
  expect_nothing_can_be_recorded(id);
  command({"DEL", key(":i")});
  EXPECT_EQ(fault(), 1U) << "of the rings something is known yet";
  command({"DEL", key(":v")});
  EXPECT_EQ(fault(), 0U) << "that is how one begins anew";
  ask();
  EXPECT_EQ(fault(), 0U);
}

TEST_F(RedisAuditHead, that_was_removed_stays_missed_when_the_store_got_another_name) {
  ask();
  command({"DEL", key(":m")});
  ASSERT_TRUE(approvals().store_id());
  EXPECT_EQ(fault(), 1U);
}

TEST_F(RedisAuditHead, of_a_rotated_log_that_was_removed_is_missed) {
  ask_often(3);
  rotate(2);
  command({"HDEL", key(":m"), "n", "h"});
  EXPECT_NE(fault(), 0U);
  EXPECT_FALSE(approvals().open(subject()));
  command({"DEL", key(":m")});
  EXPECT_EQ(audit().bounds().value().stray, 3U) << "the first that is there";
  EXPECT_FALSE(approvals().open(subject()));
}

TEST_F(RedisAuditHead, of_a_store_that_has_no_more_than_a_name_is_not_missed) {
  ASSERT_TRUE(approvals().store_id());
  EXPECT_EQ(fault(), 0U);
  ask();
  EXPECT_EQ(fault(), 0U);
}

class RedisAuditEnds : public RedisAuditHead {
 protected:
  RedisAuditEnds() { ask_often(1'000); }
};

TEST_F(RedisAuditEnds, of_full_parts_have_nothing_beyond_them) {
  EXPECT_EQ(audit().bounds().value().stray, std::nullopt);
  ask();
  EXPECT_EQ(audit().bounds().value().stray, std::nullopt);
  rotate(1'000);
  EXPECT_EQ(audit().bounds().value().stray, std::nullopt);
  EXPECT_EQ(command({"EXISTS", key(":l:0")}), "0");
  rotate(1'001);
  EXPECT_EQ(audit().bounds().value().stray, std::nullopt);
}

TEST_F(RedisAuditEnds, are_looked_behind_in_the_next_part) {
  plant(":l:1", "1001");
  EXPECT_EQ(audit().bounds().value().stray, 1001U);
  EXPECT_FALSE(approvals().open(subject()));
  command({"HDEL", key(":l:1"), "1001"});
  command({"HDEL", key(":l:0"), "1000"});
  command({"HSET", key(":m"), "n", "999", "h", hash_of(999)});
  plant(":l:1", "1007");
  EXPECT_EQ(audit().bounds().value().stray, 1001U) << "there is something in a part that should not exist";
  EXPECT_FALSE(approvals().open(subject()));
}

TEST_F(RedisAuditEnds, are_looked_below_in_the_parts_that_went) {
  ask_often(3);
  const std::string entry = command({"HGET", key(":l:0"), "1"});
  rotate(1'001);
  command({"HSET", key(":l:1"), "1001", entry});
  EXPECT_EQ(audit().bounds().value().stray, 1001U);
  command({"HSET", key(":l:0"), "7", entry});
  EXPECT_EQ(audit().bounds().value().stray, 7U);
  ask();
  EXPECT_EQ(audit().bounds().value().head.number, 1'005U) << "the log goes on";
}

}  // namespace
}  // namespace aldis::testing
