// Which slot a key is on, and what each error of a server means.

#include "engines/redis/routing.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "engines/redis/groups.h"

namespace aldis {
namespace {

using Action = Decision::Action;

// CLUSTER KEYSLOT of redis-server 7.0 says the same.
TEST(HashSlots, are_those_of_redis) {
  EXPECT_EQ(slot_of(""), 0);
  EXPECT_EQ(slot_of("123456789"), 12739);  // the check value of CRC-16/XMODEM is 0x31C3
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("bar"), 5061);
}

TEST(HashSlots, of_a_key_with_a_tag_are_those_of_the_tag) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "an empty tag is none";
  EXPECT_NE(slot_of("foo{bar"), slot_of("bar")) << "nor is an open one";
}

TEST(HashSlots, are_one_for_all_keys_of_a_group) {
  const Groups groups("default");
  EXPECT_EQ(slot_of(groups.mailbox("a") + ":a:x"), slot_of(groups.mailbox("a")));
  EXPECT_EQ(slot_of(groups.broadcasts() + ":v"), slot_of("default/b"));
}

struct Case {
  std::string error;
  Action action;
  ErrorCode code = ErrorCode::unavailable;

  friend std::ostream& operator<<(std::ostream& out, const Case& tried) { return out << tried.error; }
};

class Refusal : public ::testing::TestWithParam<Case> {};

TEST_P(Refusal, has_its_meaning) {
  const Decision decision = decide(GetParam().error, {.host = "10.0.0.1", .port = 7000});
  EXPECT_EQ(decision.action, GetParam().action);
  EXPECT_EQ(decision.code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    , Refusal,
    ::testing::Values(
        Case{"TRYAGAIN Multiple keys request during rehashing of slot", Action::retry},
        Case{"LOADING Redis is loading the dataset in memory", Action::retry},
        Case{"BUSY Redis is busy running a script.", Action::retry},
        Case{"UNKILLABLE Sorry the script already executed write commands", Action::retry},
        Case{"NOREPLICAS Not enough good replicas to write.", Action::retry},
        Case{"EXECABORT Transaction discarded because of previous errors.", Action::retry},
        Case{"ERR max number of clients reached", Action::retry},
        Case{"READONLY You can't write against a read only replica.", Action::refresh},
        Case{"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Action::refresh},
        Case{"UNBLOCKED force unblock from blocking operation, instance state changed", Action::refresh},
        Case{"ERR WAIT cannot be used with replica instances.", Action::refresh},
        Case{"CLUSTERDOWN Hash slot not served", Action::refresh},
        Case{"CLUSTERDOWN The cluster is down", Action::refresh},
        Case{"NOSCRIPT No matching script. Please use EVAL.", Action::load_script},
        Case{"NOAUTH Authentication required.", Action::fail, ErrorCode::permission_denied},
        Case{"WRONGPASS invalid username-password pair or user is disabled.", Action::fail,
             ErrorCode::permission_denied},
        Case{"NOPERM this user has no permissions to run the 'evalsha' command", Action::fail,
             ErrorCode::permission_denied},
        Case{"ERR The user executing the script can't run this command or subcommand", Action::fail,
             ErrorCode::permission_denied},
        Case{"ERR ACL failure in script: User a has no permissions to run the 'set' command", Action::fail,
             ErrorCode::permission_denied},
        Case{"OOM command not allowed when used memory > 'maxmemory'.", Action::fail, ErrorCode::resource_exhausted},
        Case{"MISCONF Redis is configured to save RDB snapshots", Action::fail, ErrorCode::unavailable},
        Case{"ERR This instance has cluster support disabled", Action::fail, ErrorCode::failed_precondition},
        Case{"ERR unknown command 'EVALSHA'", Action::fail, ErrorCode::failed_precondition},
        Case{"BUSYGROUP Consumer Group name already exists", Action::fail, ErrorCode::internal},
        Case{"WRONGTYPE Operation against a key", Action::fail, ErrorCode::internal},
        Case{"", Action::fail, ErrorCode::internal},
        // Redis 6.2 wraps what a script met.
        Case{"ERR Error running script (call to f_5): @user_script:1: @user_script: 1: -OOM command not allowed when",
             Action::fail, ErrorCode::resource_exhausted},
        Case{"ERR Error running script (call to f_5): @user_script:1: @user_script: 1: -READONLY You can't write",
             Action::refresh},
        Case{"ERR Error running script (call to f_5): @user_script:1: user_script:1: attempt to index", Action::fail,
             ErrorCode::internal}));

struct Redirection {
  std::string error;
  Action action;
  std::string to;  // empty: nothing to be read there

  friend std::ostream& operator<<(std::ostream& out, const Redirection& tried) { return out << tried.error; }
};

class RedirectionTo : public ::testing::TestWithParam<Redirection> {};

TEST_P(RedirectionTo, an_address_is_read) {
  const Decision decision = decide(GetParam().error, {.host = "10.0.0.1", .port = 7000});
  EXPECT_EQ(decision.action, GetParam().action);
  if (GetParam().to.empty()) return;
  EXPECT_EQ(decision.endpoint.to_text(), GetParam().to);
  EXPECT_EQ(decision.slot, 3999);
}

INSTANTIATE_TEST_SUITE_P(, RedirectionTo,
                         ::testing::Values(Redirection{"MOVED 3999 127.0.0.1:6381", Action::moved, "127.0.0.1:6381"},
                                           Redirection{"MOVED 3999 :6381", Action::moved, "10.0.0.1:6381"},
                                           Redirection{"MOVED 3999 ?:6381", Action::moved, "10.0.0.1:6381"},
                                           Redirection{"MOVED 3999 ::1:6381", Action::moved, "[::1]:6381"},
                                           Redirection{"MOVED 3999 redis-2.example:6381", Action::moved,
                                                       "redis-2.example:6381"},
                                           Redirection{"ASK 3999 127.0.0.1:6381", Action::ask, "127.0.0.1:6381"},
                                           Redirection{"MOVED 16384 127.0.0.1:6381", Action::refresh, ""},
                                           Redirection{"MOVED 3999 127.0.0.1:0", Action::refresh, ""},
                                           Redirection{"MOVED 3999 127.0.0.1:65536", Action::refresh, ""},
                                           Redirection{"MOVED 3999", Action::refresh, ""},
                                           Redirection{"MOVED x 127.0.0.1:6381", Action::refresh, ""},
                                           Redirection{"ASK ", Action::refresh, ""}));

TEST(QuotedReply, is_short_printable_and_without_arguments) {
  EXPECT_EQ(quote_reply("WRONGTYPE Operation"), "WRONGTYPE Operation");
  EXPECT_EQ(quote_reply("ERR \x1b[31m\xff\n"), "ERR ?[31m??");
  EXPECT_EQ(quote_reply("ERR unknown command `EVALSHA`, with args beginning with: `secret`"),
            "ERR unknown command `EVALSHA`");
  EXPECT_LE(quote_reply(std::string(64'000, 'x')).size(), 200U);
}

TEST(Redirections, without_a_host_lead_nowhere_from_a_socket) {
  EXPECT_EQ(decide("MOVED 3999 :6381", {.unix_path = "/run/redis.sock"}).action, Action::refresh);
}

}  // namespace
}  // namespace aldis
