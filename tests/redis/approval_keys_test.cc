// What approvals and their audit log leave on a Redis server, what they cost there, and what a call does that is
// carried out twice. The rest of their behaviour is in tests/contract.

#include <gmock/gmock.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "core/clock.h"
#include "core/sha256.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_approvals.h"
#include "engines/redis/redis_audit.h"
#include "engines/redis/scripts.h"
#include "engines/redis/store_url.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RedisApprovalKeys : public ::testing::Test {
 protected:
  Id128 next_id() {
    Id128 id;
    ++ids_;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[13 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return id;
  }
  ApprovalSubject subject(std::optional<std::chrono::nanoseconds> timeout = 300s, std::string type = "deploy") {
    return {.id = next_id(),
            .type = std::move(type),
            .agent = "ann",
            .context = "{}",
            .context_hash = sha256_hex("{}"),
            .timeout = timeout};
  }
  Id128 ask(const ApprovalSubject& asked) {
    const auto opened = approvals_->open(asked);
    EXPECT_TRUE(opened) << opened.error().message;
    return asked.id;
  }
  Id128 ask(std::optional<std::chrono::nanoseconds> timeout = 300s) { return ask(subject(timeout)); }
  void vote(const Id128& id) {
    const StoredVote vote{.responder = "bob", .approved = true, .reason = "fine", .time = WallTime{}};
    EXPECT_TRUE(approvals_->change(id, {.id = next_id(), .seen_version = 1, .vote = vote}));
  }
  void decide(const Id128& id, std::uint64_t seen = 1) {
    const ApprovalChange change{
        .id = next_id(), .seen_version = seen, .state = ApprovalState::approved, .responder = "bob"};
    EXPECT_TRUE(approvals_->change(id, change));
  }
  bool exists(const Id128& id) { return approvals_->read(id).value().has_value(); }
  std::size_t listed() { return approvals_->list({.count = 1'000}).value().size(); }
  std::vector<std::uint64_t> numbers(std::uint64_t after, std::size_t count) {
    std::vector<std::uint64_t> all;
    const auto entries = audit_->entries(after, count);
    for (const AuditEntry& entry : entries.value()) all.push_back(entry.number);
    return all;
  }
  AuditHead head_at(std::uint64_t number) { return {number, audit_->entries(number - 1, 1).value().front().hash}; }
  // The script as the client runs it when it does not know whether it ran before.
  std::string count_of(const Script& script, std::initializer_list<std::string_view> arguments) {
    const std::vector<std::string_view> words(arguments);
    return client_->run(script, groups_.approvals(), words).value().elements.back().text;
  }

  std::string command(const Words& words) const { return server_.command(words); }
  std::string key(std::string_view suffix) const { return groups_.approvals() + std::string(suffix); }
  std::string key(std::string_view kind, const Id128& id) const { return key(kind) + format_id("", id); }
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
  std::chrono::milliseconds time_to_live(std::string_view suffix) const {
    return std::chrono::milliseconds{std::stoll(command({"PTTL", key(suffix)}))};
  }
  // How many commands the server carries out for a call, those of its script too.
  template <class Call>
  std::uint64_t commands_of(Call call) {
    command({"CONFIG", "RESETSTAT"});
    call();
    std::istringstream lines(command({"INFO", "commandstats"}));
    std::uint64_t commands = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t calls = line.find("calls=");
      if (calls != std::string::npos) commands += std::stoull(line.substr(calls + 6));
    }
    return commands;
  }

  ApprovalStore& approvals() { return *approvals_; }
  AuditStore& audit() { return *audit_; }
  void advance(std::chrono::microseconds by) { clock_.advance(by); }

 private:
  ClockFile clock_;
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &clock_}};
  const Groups groups_{"keys"};
  const std::shared_ptr<RedisClient> client_ =
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value();
  const std::shared_ptr<ApprovalStore> approvals_ = make_redis_approvals(client_, groups_);
  const std::shared_ptr<AuditStore> audit_ = make_redis_audit(client_, groups_);
  std::uint64_t ids_ = 0;
};

TEST_F(RedisApprovalKeys, everything_has_a_time_to_live) {
  ASSERT_TRUE(approvals().store_id());
  ApprovalSubject keyed = subject();
  keyed.key = "once";
  vote(ask(keyed));
  ask(std::nullopt);
  decide(ask());
  EXPECT_THAT(immortal_keys(), IsEmpty());
  advance(300s);
  EXPECT_EQ(listed(), 3U);
  EXPECT_THAT(immortal_keys(), IsEmpty()) << "one has timed out";
  advance(1s);
  EXPECT_EQ(approvals().remove_timed_out(0s).value(), 1U);
  EXPECT_TRUE(audit().rotate(audit().bounds().value().head, "cli"));
  EXPECT_THAT(immortal_keys(), IsEmpty());
}

TEST_F(RedisApprovalKeys, an_index_and_a_part_of_the_log_that_were_empty_have_a_time_to_live_again) {
  decide(ask());
  EXPECT_EQ(audit().rotate(audit().bounds().value().head, "cli").value(), 2U);
  advance(days{30});
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(command({"EXISTS", key(":i")}), "0");
  ask();
  EXPECT_THAT(immortal_keys(), IsEmpty());
}

TEST_F(RedisApprovalKeys, an_abandoned_namespace_disappears_by_itself) {
  ASSERT_TRUE(approvals().store_id());
  vote(ask());
  ask(std::nullopt);
  ask(limits::kApprovalTimeoutMax);
  advance(days{401} - 1s);
  EXPECT_EQ(audit().bounds().value().head.number, 4U);
  advance(2s);
  EXPECT_EQ(audit().bounds().value().head.number, 0U);
  advance(days{365});
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(RedisApprovalKeys, a_request_that_outlived_its_store_is_none) {
  ApprovalSubject asked = subject(limits::kApprovalTimeoutMax);
  asked.key = "once";
  ask(asked);
  advance(days{402});
  EXPECT_EQ(command({"EXISTS", key(":r:", asked.id)}), "1");
  EXPECT_FALSE(exists(asked.id));
  EXPECT_FALSE(approvals().open(asked).value().existed);
  EXPECT_TRUE(approvals().read(asked.id).value()->record.votes.empty());
}

TEST_F(RedisApprovalKeys, a_request_without_a_timeout_lives_where_somebody_looks) {
  const Id128 id = ask(std::nullopt);
  for (int looks = 0; looks < 8; ++looks) {
    advance(days{190});
    EXPECT_TRUE(exists(id));
  }
  EXPECT_EQ(audit().bounds().value().head.number, 1U);
}

TEST_F(RedisApprovalKeys, what_timed_out_long_ago_is_settled_by_whoever_comes) {
  const Id128 id = ask(1s);
  advance(days{400});
  EXPECT_EQ(approvals().read(id).value()->record.state, ApprovalState::timed_out);
  EXPECT_EQ(time_to_live(":r:" + format_id("", id)), days{31} + 1ms) << "its retention, and a day";
  EXPECT_EQ(audit().bounds().value().head.number, 2U);
}

TEST_F(RedisApprovalKeys, an_evicted_request_leaves_the_index_when_it_is_due) {
  const Id128 lost = ask();
  command({"DEL", key(":r:", lost)});
  EXPECT_FALSE(exists(lost));
  EXPECT_EQ(listed(), 0U);
  advance(300s);
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(command({"EXISTS", key(":i")}), "0");
}

TEST_F(RedisApprovalKeys, a_removal_leaves_nothing_behind) {
  ApprovalSubject asked = subject(1s);
  asked.key = "once";
  vote(ask(asked));
  advance(1s);
  EXPECT_EQ(listed(), 1U);
  advance(1s);
  EXPECT_EQ(approvals().remove_timed_out(0s).value(), 1U);
  EXPECT_EQ(command({"EXISTS", key(":r:", asked.id), key(":k:ann|deploy|once"), key(":i")}), "0");
}

TEST_F(RedisApprovalKeys, a_record_that_somebody_spoilt_hides_and_holds_up_no_others) {
  const Id128 bad_record = ask(10s);
  const Id128 bad_votes = ask(10s);
  const Id128 no_context = ask(10s);
  const Id128 sound = ask(20s);
  vote(bad_votes);
  command({"HSET", key(":r:", bad_record), "r", "rubbish"});
  command({"HSET", key(":r:", bad_votes), "v", "rubbish"});
  command({"HDEL", key(":r:", no_context), "c"});
  for (const std::size_t count : {std::size_t{1}, std::size_t{1'000}}) {
    const auto page = approvals().list({.count = count});
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_THAT(*page, SizeIs(1)) << count;
    EXPECT_EQ(page->front().record.subject.id, sound);
  }
  for (const Id128& id : {bad_record, bad_votes, no_context}) {
    const auto read = approvals().read(id);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::data_loss) << read.error().message;
  }
  advance(10s);
  decide(sound);
  EXPECT_FALSE(exists(bad_record)) << "its time is over";
}

TEST_F(RedisApprovalKeys, a_key_that_another_request_has_by_now_stays) {
  ApprovalSubject asked = subject(1s);
  asked.key = "once";
  ask(asked);
  command({"SET", key(":k:ann|deploy|once"), format_id("", next_id())});
  advance(1s);
  EXPECT_EQ(listed(), 1U);
  advance(1s);
  EXPECT_EQ(approvals().remove_timed_out(0s).value(), 1U);
  EXPECT_EQ(command({"EXISTS", key(":k:ann|deploy|once")}), "1");
}

TEST_F(RedisApprovalKeys, a_removal_that_is_carried_out_twice_counts_the_same) {
  ask(1s);
  advance(1s);
  EXPECT_EQ(listed(), 1U);
  advance(1s);
  for (int times = 0; times < 2; ++times)
    EXPECT_EQ(count_of(kApprovalRemove, {"64", "16", "one", "6000000", "0", "100"}), "1");
  EXPECT_EQ(count_of(kApprovalRemove, {"64", "16", "two", "6000000", "0", "100"}), "0");
}

TEST_F(RedisApprovalKeys, a_rotation_that_is_carried_out_twice_is_done_once_and_counts_the_same) {
  for (int i = 0; i < 3; ++i) ask();
  const std::string hash = head_at(2).hash;
  for (int times = 0; times < 2; ++times) EXPECT_EQ(count_of(kAuditRotate, {"one", "6000000", "2", hash, "cli"}), "2");
  EXPECT_EQ(audit().bounds().value().head.number, 4U);
  advance(7s);
  EXPECT_FALSE(audit().rotate({2, hash}, "cli"));
}

TEST_F(RedisApprovalKeys, an_entry_is_kept_as_the_bytes_that_are_hashed) {
  const Id128 id = ask();
  const AuditEntry entry = audit().entries(0, 1).value().front();
  const std::string hash = sha256_hex("{}");
  const std::string time = std::to_string(entry.time.time_since_epoch().count());
  EXPECT_EQ(command({"HGET", key(":l:0"), "1"}), "1:1,9:requested,16:" + time +
                                                     ",30:" + format_id(kApprovalIdPrefix, id) +
                                                     ",6:deploy,3:ann,3:ann,0:,0:,64:" + hash +
                                                     ",0:,64:" + std::string(64, '0') + ",64:" + entry.hash + ",");
  EXPECT_EQ(entry.hash, audit_hash(entry));
}

class RedisAuditParts : public RedisApprovalKeys {
 protected:
  static constexpr std::uint64_t kEntries = 2'010;

  RedisAuditParts() {
    for (std::uint64_t i = 0; i < kEntries; ++i) ask(std::nullopt);
  }
};

TEST_F(RedisAuditParts, a_rotation_removes_whole_parts_and_a_piece) {
  EXPECT_EQ(audit().rotate(head_at(2'004), "cli").value(), 2'004U);
  EXPECT_EQ(command({"EXISTS", key(":l:0"), key(":l:1")}), "0");
  EXPECT_EQ(command({"HLEN", key(":l:2")}), "7") << "those that were kept, and that it was rotated";
  EXPECT_THAT(numbers(0, 2), ElementsAre(2005, 2006));
  EXPECT_EQ(audit().rotate(head_at(2'011), "cli").value(), 7U);
  EXPECT_THAT(numbers(0, 10), ElementsAre(2012));
}

TEST_F(RedisAuditParts, a_log_is_read_across_its_parts_which_live_as_long_as_the_newest) {
  EXPECT_THAT(numbers(998, 4), ElementsAre(999, 1000, 1001, 1002));
  EXPECT_THAT(numbers(0, 3'000), SizeIs(kEntries));
  EXPECT_THAT(numbers(2'008, 1'000), ElementsAre(2009, 2010));
  advance(days{100});
  ask();
  for (const char* part : {":l:0", ":l:1", ":l:2", ":m", ":i", ":v"})
    EXPECT_EQ(time_to_live(part), days{401} + 1ms) << part;
}

TEST_F(RedisAuditParts, what_is_missing_or_changed_is_seen_by_who_reads_on) {
  command({"HDEL", key(":l:0"), "2"});
  command({"HSET", key(":l:0"), "3", "junk"});
  command({"DEL", key(":l:1")});
  EXPECT_THAT(numbers(0, 3), ElementsAre(1, 3, 4));
  EXPECT_EQ(audit().entries(2, 1).value().front().hash, "");
  EXPECT_THAT(numbers(999, 2), ElementsAre(1000, 2001));
}

TEST_F(RedisApprovalKeys, a_call_costs_the_same_whatever_else_is_there) {
  const auto cost = [this](const std::string& agent) {
    ApprovalSubject asked = subject(300s, "rare");
    asked.agent = agent;
    const std::uint64_t opening = commands_of([&] { ask(asked); });
    const std::uint64_t voting = commands_of([&] { vote(asked.id); });
    const std::uint64_t reading = commands_of([&] { exists(asked.id); });
    const ApprovalPage page{.type = "rare", .agent = agent, .states = {ApprovalState::pending}, .count = 10};
    const std::uint64_t listing = commands_of([&] { EXPECT_THAT(approvals().list(page).value(), SizeIs(1)); });
    const std::uint64_t deciding = commands_of([&] { decide(asked.id, 2); });
    return std::vector{opening, voting, reading, listing, deciding};
  };
  cost("first");  // the scripts are new to the server
  const std::vector<std::uint64_t> before = cost("second");
  for (int i = 0; i < 500; ++i) ask(subject(std::nullopt, "common"));
  EXPECT_EQ(cost("third"), before);
}

TEST_F(RedisApprovalKeys, a_list_that_is_longer_than_one_answer_may_be_is_whole) {
  constexpr std::size_t kMany = limits::kRedisPageBytesMax / limits::kPayloadBytesMax + 4;
  std::vector<std::string> contexts;
  for (std::size_t i = 0; i < kMany; ++i) {
    ApprovalSubject asked = subject();
    asked.context = contexts.emplace_back(limits::kPayloadBytesMax, static_cast<char>('a' + i));
    ask(asked);
  }
  std::vector<std::string> found;
  const auto all = approvals().list({.count = 100});
  for (const ApprovalReading& reading : all.value()) found.push_back(reading.record.subject.context);
  EXPECT_TRUE(found == contexts) << found.size();
}

TEST_F(RedisApprovalKeys, a_full_server_refuses_requests_and_nothing_else) {
  const Id128 id = ask(std::nullopt);
  const Id128 late = ask(1s);
  command({"CONFIG", "SET", "maxmemory", "1"});
  const auto refused = approvals().open(subject());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  vote(id);
  decide(id, 2);
  advance(1s);
  EXPECT_EQ(approvals().read(late).value()->record.state, ApprovalState::timed_out);
  EXPECT_EQ(listed(), 2U);
  EXPECT_TRUE(approvals().store_id());
  EXPECT_TRUE(audit().bounds());
  EXPECT_TRUE(audit().rotate(head_at(3), "cli"));
}

}  // namespace
}  // namespace aldis::testing
