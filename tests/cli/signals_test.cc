// aldis signals send | broadcast | check | wait | pending | clear | receipt | acknowledge

#include <gmock/gmock.h>

#include <csignal>

#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kUnknownId = "sig_01JD0000000000000000000000";

class Signals : public ::testing::Test {
 protected:
  std::string send(const std::string& to, const Words& more = {}) {
    Words words = {"signals", "send", "t", "--agent", "sender", "--to", to};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    return ended.text("/data/signal_id");
  }
  Ended check(const std::string& agent, const Words& more = {}) {
    Words words = {"signals", "check", "t", "--agent", agent};
    words.insert(words.end(), more.begin(), more.end());
    return sandbox.aldis(words);
  }
  // Sends one that is sure to have expired when this returns.
  std::string send_expired(const std::string& to) {
    std::string id = send(to, {"--ttl", "0.000001"});
    for (std::string state; state != "expired";) state = sandbox.aldis({"signals", "receipt", id}).text("/data/state");
    return id;
  }

  Sandbox sandbox;
};

TEST_F(Signals, sending_answers_with_the_signal) {
  const Ended ended = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b", "--ttl", "90"});
  const Words names = ended.keys("/data");
  EXPECT_THAT(names, ElementsAre("signal_id", "signal_type", "source_agent", "target_agent", "payload", "timestamp",
                                 "ttl_seconds", "expires_at"));
  EXPECT_EQ(ended.text("/data/source_agent"), "a");
  EXPECT_EQ(ended.text("/data/target_agent"), "b");
  EXPECT_THAT(ended.out, HasSubstr("\"ttl_seconds\":90,"));
}

TEST_F(Signals, the_payload_arrives_byte_for_byte) {
  const std::string payload = "{ \"z\":1.10,\t\"a\":[1e2,\"\\u00e9é\"],\n\"e\":{} }";
  send("b", {"--payload", payload});
  send("b", {"--payload", "@" + sandbox.write_file("payload.json", payload)});
  sandbox.aldis({"signals", "send", "t", "--agent", "sender", "--to", "b", "--payload", "-"}, {}, payload);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(check("b").raw("\"payload\":", ",\"timestamp\""), payload);
  }
}

TEST_F(Signals, a_payload_may_hold_what_a_shell_or_a_parser_would_rewrite) {
  for (const char* payload : {R"({"a":"$(rm -rf /); `x` && | > *"})", R"({"list":"[a,b]"})", R"({"a":"--to=x"})"}) {
    send("b", {"--payload", payload});
    EXPECT_EQ(check("b").raw("\"payload\":", ",\"timestamp\""), payload);
  }
}

TEST_F(Signals, a_broadcast_has_no_target_and_reaches_every_other_agent_once) {
  const Ended sent = sandbox.aldis({"signals", "broadcast", "t", "--agent", "a"});
  EXPECT_TRUE(sent.at("/data/target_agent").is_null());
  EXPECT_EQ(check("b").exit_code, 0);
  EXPECT_EQ(check("b").exit_code, 85);
  EXPECT_EQ(check("c").exit_code, 0);
  EXPECT_EQ(check("a").exit_code, 85);
  const Ended receipt = sandbox.aldis({"signals", "receipt", sent.text("/data/signal_id")});
  EXPECT_EQ(receipt.rows("/data/readers").size(), 2u);
  EXPECT_EQ(receipt.at("/meta/total_count").as_int64(), 2);
  EXPECT_FALSE(receipt.at("/meta/truncated").as_bool());
}

TEST_F(Signals, check_says_delivered_then_nothing_yet) {
  const std::string id = send("b");
  const Ended delivered = check("b");
  EXPECT_EQ(delivered.exit_code, 0);
  EXPECT_EQ(delivered.text("/data/outcome"), "delivered");
  EXPECT_EQ(delivered.text("/data/signal/signal_id"), id);
  const Ended nothing = check("b");
  EXPECT_EQ(nothing.exit_code, 85);
  EXPECT_FALSE(nothing.at("/ok").as_bool());
  EXPECT_EQ(nothing.text("/data/outcome"), "nothing_yet");
  EXPECT_EQ(nothing.text("/error/code"), "NOTHING_YET");
}

TEST_F(Signals, an_expired_signal_is_told_once_and_is_80) {
  check("b");
  const std::string id = send_expired("b");
  const Ended expired = check("b");
  EXPECT_EQ(expired.exit_code, 80);
  EXPECT_EQ(expired.text("/data/outcome"), "expired");
  EXPECT_EQ(expired.text("/data/signal_id"), id);
  EXPECT_EQ(expired.text("/data/signal_type"), "t");
  EXPECT_EQ(expired.text("/data/source_agent"), "sender");
  EXPECT_EQ(expired.at("/data/count").as_int64(), 1);
  EXPECT_EQ(expired.text("/error/code"), "SIGNAL_EXPIRED");
  EXPECT_EQ(check("b").exit_code, 85);
}

TEST_F(Signals, a_wait_tells_of_an_expiry_too) {
  check("b");
  send_expired("b");
  const Ended ended = sandbox.aldis({"signals", "wait", "t", "--agent", "b", "--timeout", "10"});
  EXPECT_EQ(ended.exit_code, 80);
  EXPECT_EQ(ended.text("/error/code"), "SIGNAL_EXPIRED");
}

TEST_F(Signals, keeping_takes_nothing) {
  send("b");
  EXPECT_EQ(check("b", {"--keep"}).exit_code, 0);
  EXPECT_EQ(check("b", {"--keep"}).exit_code, 0);
  EXPECT_EQ(check("b").exit_code, 0);
  EXPECT_EQ(check("b").exit_code, 85);
}

TEST_F(Signals, a_check_may_ask_for_types_and_for_one_sender) {
  send("b");
  EXPECT_EQ(sandbox.aldis({"signals", "check", "u", "--agent", "b"}).exit_code, 85);
  EXPECT_EQ(check("b", {"--from", "somebody"}).exit_code, 85);
  EXPECT_EQ(sandbox.aldis({"signals", "check", "u", "t", "--agent", "b", "--from", "sender"}).exit_code, 0);
}

TEST_F(Signals, a_wait_is_woken_by_the_signal) {
  Running wait(sandbox.command({"signals", "wait", "t", "--agent", "b", "--timeout", "30"}), sandbox.environment());
  const std::string id = send("b");
  const Ended ended = wait.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.text("/data/signal/signal_id"), id);
}

TEST_F(Signals, a_wait_that_is_over_is_10) {
  for (const char* timeout : {"0", "0.05"}) {
    const Ended ended = sandbox.aldis({"signals", "wait", "t", "--agent", "b", "--timeout", timeout});
    EXPECT_EQ(ended.exit_code, 10);
    EXPECT_EQ(ended.text("/data/outcome"), "timed_out");
    EXPECT_EQ(ended.text("/error/code"), "TIMEOUT");
  }
}

TEST_F(Signals, a_wait_for_an_agent_that_is_gone_is_83) {
  sandbox.aldis({"agents", "beat", "--agent", "sender"});
  sandbox.aldis({"agents", "stop", "--agent", "sender"});
  const Ended ended = sandbox.aldis({"signals", "wait", "t", "--agent", "b", "--from", "sender", "--timeout", "30"});
  EXPECT_EQ(ended.exit_code, 83) << ended.out;
  EXPECT_EQ(ended.text("/data/outcome"), "source_gone");
  EXPECT_EQ(ended.text("/data/source_agent"), "sender");
  EXPECT_FALSE(ended.text("/data/evidence").empty());
  EXPECT_EQ(ended.text("/error/code"), "SOURCE_GONE");
}

TEST_F(Signals, a_wait_that_is_interrupted_says_so) {
  for (const auto& [signal, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    Running wait(sandbox.command({"signals", "wait", "t", "--agent", "b", "--timeout", "60"}), sandbox.environment());
    wait_until_blocked(wait.pid(), signal);
    wait.signal(signal);
    const Ended ended = wait.wait();
    EXPECT_EQ(ended.exit_code, code);
    EXPECT_EQ(ended.text("/data/outcome"), "cancelled");
    EXPECT_EQ(ended.text("/error/code"), "CANCELLED");
  }
}

TEST_F(Signals, a_reserved_signal_is_taken_for_good_when_it_is_acknowledged) {
  const std::string id = send("b");
  EXPECT_EQ(check("b", {"--acknowledge-within", "60"}).at("/meta/attempt").as_int64(), 1);
  EXPECT_EQ(sandbox.aldis({"signals", "receipt", id}).text("/data/state"), "reserved");
  const Ended acknowledged = sandbox.aldis({"signals", "acknowledge", id, "--agent", "b"});
  EXPECT_EQ(acknowledged.exit_code, 0) << acknowledged.out;
  EXPECT_TRUE(acknowledged.at("/data/acknowledged").as_bool());
  EXPECT_EQ(sandbox.aldis({"signals", "receipt", id}).text("/data/state"), "delivered");
}

TEST_F(Signals, a_reservation_outlives_the_command_that_made_it) {
  const std::string first = send("b");
  const std::string second = send("b");
  EXPECT_EQ(check("b", {"--acknowledge-within", "60"}).text("/data/signal/signal_id"), first);
  EXPECT_EQ(check("b", {"--acknowledge-within", "60"}).text("/data/signal/signal_id"), second);
  EXPECT_EQ(check("b").exit_code, 85);
  EXPECT_EQ(sandbox.aldis({"signals", "acknowledge", first, "--agent", "b"}).exit_code, 0);
}

TEST_F(Signals, a_reservation_ends_with_the_process_that_the_agent_runs_in) {
  const std::string id = send("b");
  Running agent(sandbox.command({"run", "--agent", "b", "--", "sleep", "60"}), sandbox.environment());
  sandbox.aldis_until(0, {"agents", "show", "b"});
  EXPECT_EQ(check("b", {"--acknowledge-within", "60"}).text("/data/signal/signal_id"), id);
  EXPECT_EQ(check("b").exit_code, 85);
  agent.signal(SIGKILL);
  agent.wait_for_end();
  const Ended again = check("b");
  EXPECT_EQ(again.text("/data/signal/signal_id"), id);
  EXPECT_EQ(again.at("/meta/attempt").as_int64(), 2);
}

TEST_F(Signals, a_reserved_signal_comes_back_when_it_is_not) {
  send("b");
  EXPECT_EQ(check("b", {"--acknowledge-within", "0.001"}).exit_code, 0);
  const Ended again = sandbox.aldis({"signals", "wait", "t", "--agent", "b", "--timeout", "30"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.at("/meta/attempt").as_int64(), 2);
}

TEST_F(Signals, pending_lists_what_would_come_and_takes_nothing) {
  const Words ids = {send("b"), send("b"), send("b")};
  const Ended all = sandbox.aldis({"signals", "pending", "--agent", "b"});
  EXPECT_EQ(all.at("/meta/total_count").as_int64(), 3);
  const Ended first = sandbox.aldis({"signals", "pending", "t", "--agent", "b", "--limit", "2"});
  EXPECT_EQ(first.text("/data/0/signal_id"), ids[0]);
  const Ended rest = sandbox.aldis({"signals", "pending", "--agent", "b", "--cursor", first.text("/meta/cursor")});
  EXPECT_EQ(rest.rows("/data").size(), 1u);
  EXPECT_EQ(rest.text("/data/0/signal_id"), ids[2]);
  EXPECT_EQ(sandbox.aldis({"signals", "pending", "u", "--agent", "b"}).rows("/data").size(), 0u);
}

TEST_F(Signals, clear_says_how_many_are_gone) {
  send("b");
  send("b");
  EXPECT_EQ(sandbox.aldis({"signals", "clear", "u", "--agent", "b"}).at("/data/cleared").as_int64(), 0);
  EXPECT_EQ(sandbox.aldis({"signals", "clear", "--agent", "b"}).at("/data/cleared").as_int64(), 2);
  EXPECT_EQ(check("b").exit_code, 85);
}

TEST_F(Signals, a_receipt_has_the_fields_of_the_contract_and_needs_no_agent) {
  const std::string id = send("b");
  const Ended pending = sandbox.aldis({"signals", "receipt", id});
  const Words names = pending.keys("/data");
  EXPECT_THAT(names, ElementsAre("signal_id", "state", "delivered_to", "delivered_at", "expired_at", "readers"));
  EXPECT_EQ(pending.text("/data/state"), "pending");
  EXPECT_TRUE(pending.at("/data/delivered_to").is_null());
  check("b");
  EXPECT_EQ(sandbox.aldis({"signals", "receipt", id}).text("/data/delivered_to"), "b");
}

TEST_F(Signals, a_receipt_can_be_waited_for) {
  const std::string id = send("b");
  const Ended early = sandbox.aldis({"signals", "receipt", id, "--wait", "0.05"});
  EXPECT_EQ(early.exit_code, 10);
  EXPECT_EQ(early.text("/data/state"), "pending");
  Running wait(sandbox.command({"signals", "receipt", id, "--wait", "30"}), sandbox.environment());
  check("b");
  const Ended ended = wait.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.text("/data/state"), "delivered");
}

TEST_F(Signals, an_id_that_nobody_knows_is_not_found_even_when_it_is_none) {
  for (const std::string& id : {kUnknownId, std::string("nonsense"), std::string("sig_*")}) {
    EXPECT_EQ(sandbox.aldis({"signals", "receipt", id}).exit_code, 5) << id;
    EXPECT_EQ(sandbox.aldis({"signals", "acknowledge", id, "--agent", "b"}).exit_code, 5) << id;
  }
}

TEST_F(Signals, bad_input_is_refused_and_sends_nothing) {
  const Words begin = {"signals", "send", "t", "--agent", "a", "--to", "b"};
  const std::vector<Words> bad = {
      {"--ttl", "0"},
      {"--ttl", "-1"},
      {"--ttl", "NaN"},
      {"--ttl", "inf"},
      {"--ttl", "604801"},
      {"--ttl", "soon"},
      {"--payload", ""},
      {"--payload", "[]"},
      {"--payload", "[a,b]"},
      {"--payload", "\"text\""},
      {"--payload", "{\"a\":}"},
      {"--payload", "{\"a\":1,\"a\":2}"},
      {"--payload", "{\"a\":\"\xff\"}"},
      {"--payload", "@/nonexistent"},
      {"--payload", "{\"a\":\"" + std::string(256 * 1024, 'x') + "\"}"},
  };
  const auto expect_refused = [&](const Words& words) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 2) << words.back().substr(0, 40) << ended.out.substr(0, 200) << ended.err;
  };
  for (const Words& more : bad) {
    // A single argument of the kernel holds 128 KiB: what is longer comes from a file.
    Words words = begin;
    words.push_back(more[0]);
    words.push_back(more[1].size() < 100'000 ? more[1] : "@" + sandbox.write_file("large.json", more[1]));
    expect_refused(words);
  }
  expect_refused({"signals", "send", "t*", "--agent", "a", "--to", "b"});
  expect_refused({"signals", "send", "", "--agent", "a", "--to", "b"});
  expect_refused({"signals", "send", "t", "--agent", "a", "--to", "b\x01"});
  expect_refused({"signals", "send", "t", "--agent", "a", "--to", std::string(129, 'b')});
  expect_refused({"signals", "send", "t", "--agent", "a"});
  expect_refused({"signals", "check", "--agent", "a"});
  expect_refused({"signals", "check", "t", "--agent", "a", "--keep", "--acknowledge-within", "1"});
  expect_refused({"signals", "wait", "t", "--agent", "a", "--timeout", "-1"});
  expect_refused({"signals", "receipt"});
  EXPECT_EQ(sandbox.aldis({"signals", "pending", "--agent", "b"}).rows("/data").size(), 0u);
}

TEST_F(Signals, a_bad_payload_is_named_with_its_place) {
  const Ended ended = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b", "--payload", "{\"a\":tru}"});
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("byte"));
}

TEST_F(Signals, a_full_mailbox_is_unavailable_and_may_be_tried_again) {
  // 16 MiB a mailbox, 256 KiB a payload: 64 large ones do not fit.
  const std::string file = sandbox.write_file("large.json", "{\"a\":\"" + std::string(255 * 1024, 'x') + "\"}");
  Ended ended;
  for (int i = 0; i < 70 && ended.exit_code == 0; ++i) {
    ended = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b", "--payload", "@" + file});
  }
  EXPECT_EQ(ended.exit_code, 12) << ended.out.substr(0, 500);
  EXPECT_EQ(ended.text("/error/code"), "RESOURCE_EXHAUSTED");
  EXPECT_TRUE(ended.at("/error/retryable").as_bool());
}

}  // namespace
}  // namespace aldis::testing
