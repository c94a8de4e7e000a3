// aldis events publish | tail | acknowledge | pending | recent | info | list | trim | delete | configure

#include "aldis/events.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "redis/eventually.h"
#include "stores.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Events : public OnEachStore {
 protected:
  std::string publish(const std::string& type, const std::string& data = "{}") {
    const Ended ended = aldis({"events", "publish", type, "--data", data, "--source", "test"});
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    return ended.text("/data/event_id");
  }
  void publish_many(const std::string& type, int count) {
    const Variables there = environment();
    WorkspaceOptions options;
    if (!is_local()) options.store = there.at("ALDIS_STORE");
    options.runtime_directory = there.at("ALDIS_RUNTIME_DIR");
    options.state_directory = sandbox.home() + "/.local/state/aldis";
    EventStreamer streamer(Workspace::open(options).value());
    for (int i = 0; i < count; ++i) ASSERT_TRUE(streamer.publish_event(type));
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
  publish_many("t", 130);
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
  EXPECT_THAT(ended.out, IsEmpty()) << "what is no event is no line of a stream";
  EXPECT_THAT(ended.err, AllOf(HasSubstr("--consumer"), HasSubstr("bad name"), HasSubstr("--count")));
  const Ended start = aldis({"events", "tail", "t", "--since", "nonsense"});
  EXPECT_EQ(start.exit_code, 2);
  EXPECT_THAT(start.out, IsEmpty());
  EXPECT_EQ(aldis({"events", "tail", "--positions", "--group", "g", "--consumer", "c"}).exit_code, 2);
  for (const Words& more : {Words{"--count", "0"}, Words{"--limit", "0"}, Words{"--count", "1", "--limit", "1"},
                            Words{"--cursor", "nonsense"}, Words{"--cursor", "61"}}) {
    Words words = {"events", "recent", "t"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(aldis(words).exit_code, 2) << more[0];
  }
  EXPECT_EQ(aldis({"events", "pending", "t", "--group", "g", "--cursor", "61"}).exit_code, 2);
}

TEST_P(Events, recent_is_a_list_that_goes_on_page_by_page) {
  Words ids;
  for (int i = 0; i < 25; ++i) ids.push_back(publish("t"));
  const Ended first = aldis({"events", "recent", "t"});
  EXPECT_EQ(first.at("/meta/returned_count").as_int64(), 20);
  EXPECT_TRUE(first.at("/meta/truncated").as_bool());
  publish("t");  // what comes meanwhile moves nothing
  const Ended second = aldis({"events", "recent", "t", "--cursor", first.text("/meta/cursor")});
  EXPECT_EQ(second.at("/meta/returned_count").as_int64(), 5);
  EXPECT_FALSE(second.at("/meta/truncated").as_bool());
  EXPECT_EQ(second.text("/data/0/event_id"), ids[4]);
  EXPECT_EQ(second.text("/data/4/event_id"), ids[0]);
  for (const char* option : {"--limit", "--count"}) {
    EXPECT_FALSE(aldis({"events", "recent", "t", option, "26"}).at("/meta/truncated").as_bool()) << "just all of them";
    EXPECT_TRUE(aldis({"events", "recent", "t", option, "25"}).at("/meta/truncated").as_bool());
  }
  EXPECT_FALSE(aldis({"events", "recent", "t", "--start", ids[24], "--limit", "2"}).at("/meta/truncated").as_bool());
}

TEST_P(Events, a_thousand_ids_are_acknowledged_at_once_and_of_more_the_bound_is_told) {
  for (int i = 0; i < 3; ++i) publish("t");
  const Ended held = aldis({"events", "tail", "t", "--group", "g", "--consumer", "c", "--manual-ack"});
  Words words = {"events", "acknowledge", "t", "--group", "g"};
  for (std::size_t i = 0; i < held.out.size(); i = held.out.find('\n', i) + 1) {
    words.push_back(held.out.substr(i + 13, held.out.find('"', i + 13) - i - 13));
  }
  ASSERT_THAT(words.back(), ::testing::EndsWith("-3"));
  while (words.size() < 1005) words.emplace_back("1-1");
  EXPECT_EQ(aldis(words).at("/data/acknowledged").as_int64(), 3);
  words.emplace_back("1-1");
  const Ended refused = aldis(words);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.text("/error/message"), "ID is given 1001 times, and at most 1000 times at once");
}

TEST_P(Events, a_tail_names_as_many_types_as_there_can_be) {
  Words words = {"events", "tail"};
  for (int i = 0; i < 1000; ++i) words.push_back("t" + std::to_string(i));
  EXPECT_EQ(aldis(words).exit_code, 0);
  words.emplace_back("more");
  const Ended refused = aldis(words);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("TYPE is given 1001 times, and at most 1000 times at once"));
}

TEST_P(Events, a_tail_that_ends_before_the_end_tells_how_to_go_on) {
  publish_many("t", 100);
  const Ended all = aldis({"events", "tail", "t"});
  EXPECT_EQ(std::ranges::count(all.out, '\n'), 100);
  EXPECT_THAT(all.err, IsEmpty());
  publish("t");
  EXPECT_THAT(aldis({"events", "tail", "t", "--count", "100"}).err, IsEmpty()) << "as many as were asked for";
  const Ended some = aldis({"events", "tail", "t"});
  EXPECT_EQ(some.exit_code, 0);
  EXPECT_EQ(std::ranges::count(some.out, '\n'), 100);
  EXPECT_THAT(some.err, AllOf(HasSubstr("more follow"), HasSubstr("aldis events recent t")));
  const std::size_t position = some.err.find("--since '") + 9;
  EXPECT_THAT(tail({"t", "--since", some.err.substr(position, some.err.find('\'', position) - position)}),
              ElementsAre("101"));
  EXPECT_THAT(aldis({"events", "tail", "t", "--output", "table"}).err, HasSubstr("more follow"));
  EXPECT_THAT(aldis({"events", "tail", "t", "--group", "g", "--consumer", "c"}).err, HasSubstr("the next call"));
}

TEST_P(Events, a_tail_of_several_types_goes_on_at_the_position_that_it_printed) {
  publish("a", R"({"n":1})");
  publish("b", R"({"n":2})");
  const Ended first = aldis({"events", "tail", "a", "b", "--since", "0", "--positions"});
  EXPECT_EQ(std::ranges::count(first.out, '\n'), 3) << first.out;
  const std::string last = first.out.substr(first.out.rfind('\n', first.out.size() - 2) + 1);
  const std::string position(boost::json::parse(last).at("position").as_string());
  EXPECT_EQ(aldis({"events", "tail", "a", "b", "--since", position, "--positions"}).out, "") << "nothing led on";
  publish("b", R"({"n":3})");
  publish("a", R"({"n":4})");
  const Ended second = aldis({"events", "tail", "a", "b", "--since", position});
  EXPECT_THAT(second.out, AllOf(HasSubstr(R"({"n":3})"), HasSubstr(R"({"n":4})"), Not(HasSubstr(R"({"n":2})"))));
  const Ended none = aldis({"events", "tail", "new", "--since", "0", "--positions"});
  EXPECT_THAT(none.out, HasSubstr(R"({"position":)")) << "a place to begin at, where there is nothing yet";
}

TEST_P(Events, what_members_hold_is_shown_with_how_often_it_was_given_out) {
  for (int i = 0; i < 3; ++i) publish("t");
  const Words member = {"t", "--group", "g", "--manual-ack", "--take-over-after", "0.001"};
  const auto read_as = [&](const char* consumer, const char* count) {
    Words words = member;
    words.insert(words.end(), {"--consumer", consumer, "--count", count});
    return tail(words);
  };
  EXPECT_THAT(read_as("a", "3"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(read_as("b", "1"), ElementsAre("1"));
  const Ended pending = aldis({"events", "pending", "t", "--group", "g"});
  EXPECT_THAT(pending.keys("/data/0"), ElementsAre("event_id", "consumer", "idle_seconds", "deliveries"));
  EXPECT_EQ(pending.rows("/data").size(), 3U);
  EXPECT_EQ(pending.at("/meta/total_count").as_int64(), 3);
  EXPECT_TRUE(pending.text("/data/0/event_id").ends_with("-1"));
  EXPECT_EQ(pending.text("/data/0/consumer"), "b");
  EXPECT_EQ(pending.at("/data/0/deliveries").as_int64(), 2);
  EXPECT_EQ(pending.text("/data/2/consumer"), "a");
  EXPECT_EQ(pending.at("/data/2/deliveries").as_int64(), 1);
  const Ended first = aldis({"events", "pending", "t", "--group", "g", "--limit", "2"});
  const Ended second = aldis({"events", "pending", "t", "--group", "g", "--cursor", first.text("/meta/cursor")});
  ASSERT_EQ(second.rows("/data").size(), 1U);
  EXPECT_TRUE(second.text("/data/0/event_id").ends_with("-3"));
  EXPECT_THAT(aldis({"events", "pending", "t", "--group", "g", "--output", "table"}).out, HasSubstr("DELIVERIES"));
  EXPECT_EQ(aldis({"events", "pending", "t", "--group", "unknown"}).exit_code, 5);
  EXPECT_EQ(aldis({"events", "pending", "t"}).exit_code, 2);
}

TEST_P(Events, of_more_pending_events_than_are_listed_the_oldest_are_and_that_is_said) {
  publish_many("t", 1001);
  tail({"t", "--group", "g", "--consumer", "c", "--manual-ack", "--count", "999"});
  const Ended few = aldis({"events", "pending", "t", "--group", "g", "--limit", "1"});
  EXPECT_EQ(few.at("/meta/total_count").as_int64(), 999);
  EXPECT_TRUE(few.rows("/warnings").empty());
  tail({"t", "--group", "g", "--consumer", "c", "--manual-ack", "--count", "2"});
  const Ended many = aldis({"events", "pending", "t", "--group", "g", "--limit", "2000"});
  EXPECT_EQ(many.rows("/data").size(), 1000U);
  EXPECT_FALSE(many.at("/meta").as_object().contains("total_count")) << "nobody counted them";
  EXPECT_THAT(many.text("/warnings/0"), HasSubstr("oldest 1000"));
  EXPECT_EQ(aldis({"events", "info", "t"}).at("/data/groups/0/pending").as_int64(), 1001);
}

TEST_P(Events, what_other_capabilities_do_is_published_where_that_is_on) {
  const Variables on = {{"ALDIS_STREAM_EVENTS", "1"}};
  const auto published = [this] { return aldis({"events", "tail", "--count", "1000"}).out; };
  // A process that has no time within 5 ms drops its events: then the next one tells.
  const auto are_published = [&] {
    aldis({"agents", "beat", "--agent", "worker"}, on);
    aldis({"signals", "send", "task", "--agent", "worker", "--to", "boss"}, on);
    const std::string id =
        aldis({"approvals", "request", "deploy", "--agent", "worker", "--no-wait"}, on).text("/data/request_id");
    aldis({"approvals", "approve", id, "--as", "dana"}, on);
    const std::string out = published();
    return std::ranges::all_of(std::array{R"("event_type":"agent_heartbeat")", R"("event_type":"coordination_signal")",
                                          R"("event_type":"approval_request")", R"("event_type":"approval_decision")",
                                          R"("responder":"dana")"},
                               [&](std::string_view said) { return out.contains(said); });
  };
  EXPECT_TRUE(eventually(are_published)) << published();
  aldis({"signals", "send", "quiet", "--agent", "worker", "--to", "boss"});
  EXPECT_THAT(published(), Not(HasSubstr("quiet")));
}

ALDIS_ON_EACH_STORE(Events);

}  // namespace
}  // namespace aldis::testing
