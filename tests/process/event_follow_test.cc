// Followers in processes of their own: what they missed while they were stopped, streams that others make, and where
// they go on after kill -9.

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <thread>
#include <utility>

#include "cli/program.h"
#include "core/format.h"
#include "event_stage.h"
#include "worker.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class Followers : public ::testing::TestWithParam<const char*> {
 protected:
  // What a follower says that it read next, without who it is and where it goes on.
  Words hear_items() {
    Words said = stage.hear("read");
    if (!said.empty()) position = said.front();
    return said.empty() ? said : Words(said.begin() + 1, said.end());
  }
  // Over as many reads as it takes.
  Words hear_items(std::size_t count) {
    Words items;
    while (items.size() < count) {
      const Words more = hear_items();
      if (more.empty()) break;
      items.insert(items.end(), more.begin(), more.end());
    }
    return items;
  }
  static Words events_of(const std::string& type, std::uint64_t first, std::uint64_t last) {
    Words items;
    for (const std::string& ordinal : ordinals_between(first, last)) items.push_back(type + "=" + ordinal);
    return items;
  }

  // 7 of "t0=7"; 2, 5, 4 of "gap:t0=2-5-4".
  using Numbers = std::vector<std::uint64_t>;
  static Numbers numbers_in(const std::string& item) {
    Numbers numbers;
    std::string digits;
    for (const char character : item.substr(item.find('=') + 1) + "-") {
      if (character != '-') {
        digits += character;
      } else {
        numbers.push_back(to_ordinal(std::exchange(digits, {})));
      }
    }
    return numbers;
  }

  EventStage stage{GetParam()};
  std::string position;
};

TEST_P(Followers, that_were_stopped_are_told_exactly_what_left_the_stream_meanwhile) {
  stage.keep("t0", 100);
  const pid_t follower = stage.start_ready({"follow", "type=t0", "start=0"});
  stage.publish("t0", 10);
  EXPECT_EQ(hear_items(10), events_of("t0", 1, 10));
  EventStage::stop(follower);
  stage.publish("t0", 500);
  EventStage::go_on(follower);
  Words expected = events_of("t0", 411, 510);
  expected.insert(expected.begin(), "gap:t0=11-410-400");
  EXPECT_EQ(hear_items(101), expected);
  stage.publish("t0");
  EXPECT_THAT(hear_items(), ElementsAre("t0=511"));
}

// Stopped again and again until the stream has passed its bound, while publishers go on.
TEST_P(Followers, that_are_outrun_account_for_every_event) {
  constexpr int kPublishers = 2;
  constexpr int kEvents = 2'000;  // of each publisher
  constexpr std::uint64_t kBound = 50;
  constexpr std::uint64_t kLast = 1 + std::uint64_t{kPublishers} * kEvents;
  stage.keep("t0", kBound);
  const pid_t follower = stage.start_ready({"follow", "type=t0", "start=0"});
  stage.publish("t0");
  ASSERT_THAT(hear_items(), ElementsAre("t0=1")) << "who begins with the oldest is told of no gap: let it begin";
  for (int i = 0; i < kPublishers; ++i) {
    stage.start({"publish", fmt::format("name=publisher-{}", i), "first=1", fmt::format("last={}", kEvents)});
  }
  std::uint64_t next = 2;
  std::uint64_t newest = 0;
  bool is_stopped = false;
  std::uint64_t enough = kBound;  // the event that has to be there before the follower is stopped, or goes on
  std::uint64_t gaps = 0;
  while (next <= kLast) {
    const auto line = stage.fleet().hear();
    ASSERT_TRUE(line) << "everybody is silent before " << next;
    if (line->front() == "published") {
      newest = std::max(newest, ordinal_of_id(line->at(4)));
      if (!is_stopped && newest > enough && newest + 4 * kBound < kLast) {
        EventStage::stop(follower);
        is_stopped = true;
        enough = ordinal_of_id(stage.events().get_stream_info("t0")->last_id) + 2 * kBound;
      }
      if (is_stopped && (newest > enough || enough > kLast)) {
        EventStage::go_on(follower);
        is_stopped = false;
        enough = newest + kBound;
      }
    }
    if (line->front() != "read") continue;
    for (std::size_t i = 2; i < line->size(); ++i) {
      const Numbers said = numbers_in(line->at(i));
      ASSERT_EQ(said.front(), next) << line->at(i);
      if (said.size() == 3) {
        ASSERT_EQ(said[2], said[1] + 1 - said[0]) << line->at(i);
        ++gaps;
      }
      next = (said.size() == 3 ? said[1] : said[0]) + 1;
    }
  }
  EXPECT_GT(gaps, 0u);
  EXPECT_EQ(next, kLast + 1);
}

TEST_P(Followers, are_woken_by_the_first_event_of_each_new_stream) {
  // If nobody rang, they would look again after a second (Redis: five), and be ended long before they are through.
  constexpr int kStreams = 60;
  static_assert(kStreams * limits::kRecheckLocal > std::chrono::seconds{kStuckAfterSeconds});
  stage.start_ready({"follow", "start=0", "alarm=once"});
  EventStreamer publisher = stage.events();
  for (int i = 0; i < kStreams; ++i) {
    const std::string type = fmt::format("new-{}", i);
    ASSERT_TRUE(publisher.publish_event(type));
    ASSERT_THAT(hear_items(), ElementsAre(type + "=1"));
  }
}

TEST_P(Followers, of_all_types_that_are_killed_go_on_where_they_were) {
  constexpr int kPublishers = 4;
  constexpr int kTypes = 50;
  constexpr int kEvents = 1'500;  // of each publisher
  constexpr std::uint32_t kSeed = 20'269;
  constexpr int kKills = 10;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937 random(kSeed);
  const auto start_follower = [&] { return stage.start({"follow", "start=" + (position.empty() ? "0" : position)}); };
  const auto choose_next_kill = [&] { return 1 + random() % (kPublishers * kEvents / kKills / 2); };

  pid_t follower = start_follower();
  bool is_alive = true;
  for (int i = 0; i < kPublishers; ++i) {
    stage.start({"publish", fmt::format("name=publisher-{}", i), "first=0", fmt::format("last={}", kEvents - 1),
                 fmt::format("types={}", kTypes)});
  }
  std::map<std::string, std::uint64_t> last;
  std::set<std::string> published;
  int kills = 0;
  std::size_t read = 0;
  std::size_t next_kill = choose_next_kill();
  while (read < std::size_t{kPublishers} * kEvents || published.size() < std::size_t{kPublishers} * kEvents) {
    const auto line = stage.fleet().hear();
    ASSERT_TRUE(line) << "everybody is silent after " << read << " events";
    if (line->front() == "published") {
      ASSERT_TRUE(published.insert(fmt::format("{}={}", line->at(3), ordinal_of_id(line->at(4)))).second);
    } else if (line->front() == "read") {
      position = line->at(1);
      for (std::size_t i = 2; i < line->size(); ++i, ++read) {
        const std::size_t sign = line->at(i).find('=');
        ASSERT_EQ(to_ordinal(line->at(i).substr(sign + 1)), ++last[line->at(i).substr(0, sign)]) << line->at(i);
      }
    } else {
      ASSERT_THAT(line->front(), ::testing::AnyOf("ready", "finished", "killed"));
    }
    if (kills == kKills || read < next_kill) continue;
    if (is_alive) stage.fleet().kill(follower);
    is_alive = false;
    // What it has said is where it goes on, so all of it is heard before the next one starts.
    if (stage.fleet().unheard() > 0) continue;
    follower = start_follower();
    is_alive = true;
    ++kills;
    next_kill = read + choose_next_kill();
  }
  EXPECT_EQ(read, published.size());
  EXPECT_EQ(last.size(), std::size_t{kTypes});
  EXPECT_EQ(kills, kKills);
}

TEST_P(Followers, see_what_was_published_by_processes_that_were_killed_at_once) {
  constexpr int kPublishers = 8;
  std::vector<pid_t> publishers;
  for (int i = 0; i < kPublishers; ++i) {
    publishers.push_back(
        stage.start({"publish", fmt::format("name=publisher-{}", i), "first=0", "last=0", "then=pause"}));
  }
  std::set<std::string> ids;
  while (ids.size() < kPublishers) {
    const auto line = stage.fleet().hear();
    ASSERT_TRUE(line);
    if (line->front() == "published") ids.insert(line->at(4));
  }
  for (const pid_t publisher : publishers) stage.fleet().kill(publisher);
  const auto recent = stage.events().get_recent_events("t0");
  ASSERT_TRUE(recent) << recent.error().message;
  std::set<std::string> found;
  for (const StreamEvent& event : *recent) found.insert(event.event_id);
  EXPECT_EQ(found, ids);
}

INSTANTIATE_TEST_SUITE_P(Stores, Followers, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

TEST(FollowingTail, that_was_stopped_prints_the_exact_gap) {
  const Sandbox sandbox;
  ASSERT_EQ(sandbox.aldis({"events", "configure", "jobs", "--max-length", "10"}).exit_code, 0);
  Running tail(sandbox.command({"events", "tail", "jobs", "--follow", "--since", "0"}), sandbox.environment());
  ASSERT_EQ(sandbox.aldis({"events", "publish", "jobs", "--data", R"({"n":1})"}).exit_code, 0);
  ASSERT_TRUE(tail.wait_for_output(R"("data":{"n":1})"));
  EventStage::stop(tail.pid());
  for (int n = 2; n <= 30; ++n) {
    ASSERT_EQ(sandbox.aldis({"events", "publish", "jobs", "--data", fmt::format(R"({{"n":{}}})", n)}).exit_code, 0);
  }
  EventStage::go_on(tail.pid());
  ASSERT_TRUE(tail.wait_for_output(R"("data":{"n":30})"));
  EXPECT_THAT(tail.out(), ::testing::HasSubstr(R"({"gap":{"event_type":"jobs","from":2,"to":20,"lost":19}})"));
  for (int n = 2; n <= 30; ++n) EXPECT_EQ(tail.out().contains(fmt::format(R"("data":{{"n":{}}})", n)), n > 20) << n;
  tail.signal(SIGINT);
  EXPECT_EQ(tail.wait().exit_code, 130);
}

constexpr const char* kAway = "trying again until it works";

// Of what a tail printed, in that order.
Words ids_in(const std::string& out) {
  static const std::regex kId(R"re("event_id":"([^"]*)")re");
  Words ids;
  for (auto at = std::sregex_iterator(out.begin(), out.end(), kId); at != std::sregex_iterator(); ++at) {
    ids.push_back((*at)[1]);
  }
  return ids;
}

class OutlastingTail : public ::testing::TestWithParam<bool> {
 protected:
  // Of a store that is given up after so long, and of a group if the parameter says so.
  Words tail(const std::string& type, const std::string& patience) const {
    Words words = {"events", "tail", type, "--follow", "--since", "0", "--connect-timeout", patience};
    // What an answer gave that never came is pending, and comes again.
    const Words member = {"--group", "g", "--consumer", "c", "--take-over-after", "2"};
    if (GetParam()) words.insert(words.end(), member.begin(), member.end());
    return sandbox.command(words);
  }
  const Sandbox sandbox;
};

TEST_P(OutlastingTail, prints_every_event_once_although_redis_is_killed_while_a_publisher_goes_on) {
  constexpr int kBefore = 50;
  constexpr int kAfter = 500;
  RedisServer server({.append_only = true});
  Running tail(this->tail("jobs", "1"), sandbox.environment({{"ALDIS_STORE", server.url()}}));
  EventStreamer events(*Workspace::open({.store = server.url(), .call_timeout = 200ms}));
  std::atomic<bool> is_back = false;
  std::thread publisher([&] {
    // Those that fail may be there all the same: what the stream holds in the end is what counts.
    for (int n = 0, after = 0; after < kAfter; ++n) {
      const auto event = events.publish_event("jobs", *Json::parse(fmt::format(R"({{"n":{}}})", n)));
      if (event && is_back) ++after;
    }
  });
  EXPECT_TRUE(tail.wait_for_output(fmt::format(R"("data":{{"n":{}}})", kBefore)));
  server.kill();
  EXPECT_TRUE(tail.wait_for_error(kAway));
  server.restart();
  is_back = true;
  publisher.join();
  Words published;
  for (ConsumeOptions options = {.start = "0"};;) {
    const auto batch = events.consume_events({"jobs"}, options);
    ASSERT_TRUE(batch) << batch.error().message;
    if (batch->items.empty()) break;
    for (const StreamItem& item : batch->items) published.push_back(std::get<StreamEvent>(item).event_id);
    options.start = batch->position;
  }
  for (const std::string& id : published) ASSERT_TRUE(tail.wait_for_output(id)) << id << " was skipped";
  tail.signal(SIGINT);
  EXPECT_EQ(tail.wait().exit_code, 130);
  if (GetParam()) {
    EXPECT_THAT(ids_in(tail.out()), ::testing::UnorderedElementsAreArray(published));
  } else {
    EXPECT_EQ(ids_in(tail.out()), published);
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, OutlastingTail, ::testing::Bool(),
                         [](const auto& in_group) { return in_group.param ? "in_a_group" : "alone"; });

TEST(FollowingTail, of_a_group_outlasts_a_stopped_process_that_holds_the_ledger) {
  EventStage stage{"local"};
  const Sandbox sandbox;
  stage.publish("t0");
  Running tail(sandbox.command(
                   {"events", "tail", "t0", "--follow", "--group", "g", "--consumer", "c", "--connect-timeout", "0.2"}),
               sandbox.environment(
                   {{"ALDIS_RUNTIME_DIR", stage.directory()}, {"ALDIS_STATE_DIR", stage.directory() + "/state"}}));
  ASSERT_TRUE(tail.wait_for_output("-1\""));
  const pid_t holder = stage.start({"hold-lock"});
  stage.hear("holding");
  EventStage::wait_until_stopped(holder);
  ASSERT_TRUE(tail.wait_for_error(kAway));
  EventStage::go_on(holder);
  EXPECT_EQ(stage.fleet().wait_for_end(holder), 0);
  stage.publish("t0", 2);
  ASSERT_TRUE(tail.wait_for_output("-3\""));
  tail.signal(SIGINT);
  const Ended ended = tail.wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ids_in(ended.out), SizeIs(3));
  EXPECT_EQ(ended.err.find(kAway), ended.err.rfind(kAway)) << "told once";
}

TEST(FollowingTail, whose_store_is_away_at_the_start_ends) {
  RedisServer server;
  server.kill();
  const Sandbox sandbox;
  const Ended ended =
      sandbox.aldis({"events", "tail", "--follow", "--connect-timeout", "0.2"}, {{"ALDIS_STORE", server.url()}});
  EXPECT_EQ(ended.exit_code, 12);
}

}  // namespace
}  // namespace aldis::testing
