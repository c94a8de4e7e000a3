// aldis events publish | tail | acknowledge | recent | info | list | trim | delete | configure

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>

#include "stores.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Events : public OnEachStore {
 protected:
  std::string publish(const std::string& type, const std::string& data = "{}") {
    const Ended ended = aldis({"events", "publish", type, "--data", data, "--source", "test"});
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    return ended.text("/data/event_id");
  }
  // What the lines of a tail say: an ordinal, or "gap A-B".
  static Words ordinals(const std::string& out) {
    Words found;
    std::size_t begin = 0;
    for (std::size_t end = out.find('\n'); end != std::string::npos; begin = end + 1, end = out.find('\n', begin)) {
      const boost::json::value line = boost::json::parse(out.substr(begin, end - begin));
      if (const auto* gap = line.as_object().if_contains("gap")) {
        found.push_back("gap " + boost::json::serialize(gap->at("from")) + "-" + boost::json::serialize(gap->at("to")));
      } else {
        const std::string id(line.at("event_id").as_string());
        found.push_back(id.substr(id.find('-') + 1));
      }
    }
    return found;
  }
  Words tail(Words more) {
    more.insert(more.begin(), {"events", "tail"});
    const Ended ended = aldis(more);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ordinals(ended.out);
  }
};

TEST_P(Events, publishing_answers_with_the_event) {
  const Ended ended = aldis({"events", "publish", "build.done", "--data", R"({ "a":1.10 })", "--source", "ci"});
  EXPECT_THAT(ended.keys("/data"), ElementsAre("event_id", "event_type", "timestamp", "data", "source"));
  EXPECT_EQ(ended.text("/data/event_type"), "build.done");
  EXPECT_EQ(ended.text("/data/source"), "ci");
  EXPECT_EQ(ended.raw("\"data\":", ",\"source\"").substr(ended.raw("\"data\":", ",\"source\"").find("\"data\":") + 7),
            R"({ "a":1.10 })");
  EXPECT_TRUE(ended.text("/data/event_id").ends_with("-1"));
}

TEST_P(Events, a_tail_reads_what_is_there_and_ends_at_once) {
  EXPECT_THAT(tail({"t"}), IsEmpty());
  publish("t");
  const std::string second = publish("t");
  publish("t");
  EXPECT_THAT(tail({"t"}), ElementsAre("1", "2", "3"));
  EXPECT_THAT(tail({"t", "--since", second}), ElementsAre("3"));
  EXPECT_THAT(tail({"t", "--from", "0", "--count", "2"}), ElementsAre("1", "2"));
  EXPECT_THAT(tail({"t", "--since", "$"}), IsEmpty());
}

TEST_P(Events, a_tail_of_all_types_reads_all) {
  publish("a");
  publish("b");
  const Ended ended = aldis({"events", "tail"});
  EXPECT_THAT(ended.out, HasSubstr(R"("event_type":"a")"));
  EXPECT_THAT(ended.out, HasSubstr(R"("event_type":"b")"));
}

TEST_P(Events, a_following_tail_is_woken_and_sees_new_types_until_it_is_ended) {
  publish("before");
  Running follow(sandbox.command({"events", "tail", "--follow", "--since", "0"}), environment());
  ASSERT_TRUE(follow.wait_for_output(R"("event_type":"before")"));
  publish("after", R"({"n":7})");
  ASSERT_TRUE(follow.wait_for_output(R"("data":{"n":7})"));
  follow.signal(SIGTERM);
  EXPECT_EQ(follow.wait().exit_code, 143);
}

TEST_P(Events, a_tail_goes_on_beyond_one_read_and_a_group_too) {
  for (int i = 0; i < 130; ++i) publish("t");
  for (const Words& more : {Words{}, Words{"--group", "g", "--consumer", "c"}}) {
    Words words = {"events", "tail", "t", "--follow", "--since", "0"};
    words.insert(words.end(), more.begin(), more.end());
    Running follow(sandbox.command(words), environment());
    EXPECT_TRUE(follow.wait_for_output(R"(-130")"));
  }
}

TEST_P(Events, data_of_several_lines_is_one_line_of_a_tail) {
  publish("t", "{\n\t\"a\": \"x\\n\",\r\n \"b\":1}\n");
  EXPECT_THAT(tail({"t"}), ElementsAre("1"));
  const Ended recent = aldis({"events", "recent", "t", "--output", "jsonl"});
  EXPECT_EQ(std::ranges::count(recent.out, '\n'), 1);
  EXPECT_THAT(recent.out, HasSubstr(R"("a": "x\n")"));
}

TEST_P(Events, a_member_of_a_group_begins_with_the_oldest_and_holds_one_event_at_a_time) {
  for (int i = 0; i < 3; ++i) publish("t");
  EXPECT_THAT(tail({"t", "--block-ms", "30000", "--count", "1", "--group", "g", "--consumer", "a"}), ElementsAre("1"));
  EXPECT_EQ(aldis({"events", "info", "t"}).at("/data/groups/0/pending").as_int64(), 0);
  EXPECT_EQ(aldis({"events", "info", "t"}).at("/data/groups/0/waiting").as_int64(), 2);
}

TEST_P(Events, not_waiting_at_all_reads_what_is_there) {
  publish("t");
  EXPECT_THAT(tail({"t", "--block-ms", "0"}), ElementsAre("1"));
}

TEST_P(Events, a_blocking_tail_waits_for_the_first_event) {
  // Behind an event, so that it does not matter whether it looked before the next one came.
  const std::string before = publish("t");
  Running waiting(sandbox.command({"events", "tail", "t", "--since", before, "--block-ms", "30000", "--count", "1"}),
                  environment());
  wait_until_blocked(waiting.pid(), SIGTERM);
  publish("t");
  const Ended ended = waiting.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr("event_id"));
}

TEST_P(Events, the_gap_of_a_trimmed_stream_is_told_exactly) {
  const std::string first = publish("t");
  for (int i = 0; i < 5; ++i) publish("t");
  EXPECT_EQ(aldis({"events", "trim", "t", "--max-length", "2"}).at("/data/removed").as_int64(), 4);
  EXPECT_THAT(tail({"t", "--since", first}), ElementsAre("gap 2-4", "5", "6"));
  EXPECT_EQ(aldis({"events", "delete", "t"}).at("/data/removed").as_int64(), 2);
  EXPECT_TRUE(publish("t").ends_with("-7")) << "the numbers go on";
  EXPECT_THAT(tail({"t", "--since", first}), ElementsAre("gap 2-6", "7"));
}

TEST_P(Events, each_event_goes_to_one_member_of_a_group_and_is_acknowledged_after_its_line) {
  for (int i = 0; i < 4; ++i) publish("t");
  const Words member = {"t", "--since", "0", "--group", "g", "--consumer", "a"};
  EXPECT_THAT(tail({"t", "--since", "0", "--group", "g", "--consumer", "a", "--count", "3"}),
              ElementsAre("1", "2", "3"));
  EXPECT_THAT(tail({"t", "--since", "0", "--group", "g", "--consumer", "b", "--manual-ack"}), ElementsAre("4"));
  const Ended info = aldis({"events", "info", "t"});
  EXPECT_EQ(info.at("/data/groups/0/pending").as_int64(), 1);
  EXPECT_EQ(info.at("/data/groups/0/waiting").as_int64(), 0);
  const std::string last = info.text("/data/last_id");
  EXPECT_EQ(aldis({"events", "acknowledge", "t", last, "--group", "g"}).at("/data/acknowledged").as_int64(), 1);
  EXPECT_EQ(aldis({"events", "info", "t"}).at("/data/groups/0/pending").as_int64(), 0);
  EXPECT_EQ(aldis({"events", "acknowledge", "t", last, "--group", "unknown"}).exit_code, 5);
}

TEST_P(Events, recent_is_newest_first_and_info_tells_the_bounds) {
  publish("t", R"({"n":1})");
  publish("t", R"({"n":2})");
  const Ended recent = aldis({"events", "recent", "t", "--count", "1"});
  ASSERT_EQ(recent.rows("/data").size(), 1u);
  EXPECT_EQ(recent.at("/data/0/data/n").as_int64(), 2);
  EXPECT_EQ(aldis({"events", "configure", "t", "--max-length", "1"}).at("/data/length").as_int64(), 1);
  EXPECT_EQ(aldis({"events", "info", "t"}).at("/data/max_length").as_int64(), 1);
  EXPECT_EQ(aldis({"events", "info", "unknown"}).exit_code, 5);
  EXPECT_EQ(aldis({"events", "list"}).text("/data/0/event_type"), "t");
}

TEST_P(Events, bad_arguments_are_told_together) {
  const Ended ended = aldis({"events", "tail", "bad name", "--group", "g", "--count", "0"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err + ended.out, HasSubstr("--consumer"));
  EXPECT_EQ(aldis({"events", "tail", "t", "--since", "nonsense"}).exit_code, 2);
}

TEST_P(Events, what_other_capabilities_do_is_published_where_that_is_on) {
  const Variables on = {{"ALDIS_STREAM_EVENTS", "1"}};
  aldis({"agents", "beat", "--agent", "worker"}, on);
  aldis({"signals", "send", "task", "--agent", "worker", "--to", "boss"}, on);
  const std::string id =
      aldis({"approvals", "request", "deploy", "--agent", "worker", "--no-wait"}, on).text("/data/request_id");
  aldis({"approvals", "approve", id, "--as", "dana"}, on);
  aldis({"signals", "send", "quiet", "--agent", "worker", "--to", "boss"});
  const std::string out = aldis({"events", "tail"}).out;
  for (const char* const said :
       {R"("event_type":"agent_heartbeat")", R"("event_type":"coordination_signal")",
        R"("event_type":"approval_request")", R"("event_type":"approval_decision")", R"("responder":"dana")"}) {
    EXPECT_THAT(out, HasSubstr(said));
  }
  EXPECT_THAT(out, ::testing::Not(HasSubstr("quiet")));
}

ALDIS_ON_EACH_STORE(Events);

}  // namespace
}  // namespace aldis::testing
