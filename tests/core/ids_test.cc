#include "core/ids.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

namespace aldis {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'790'000'000s};

TEST(Ids, are_a_prefix_and_26_characters_that_parse_back) {
  const Id128 id = make_id(kNow);
  const std::string text = format_id(kSignalIdPrefix, id);
  EXPECT_EQ(text.size(), 30u);
  EXPECT_EQ(text.substr(0, 4), "sig_");
  EXPECT_EQ(parse_id(kSignalIdPrefix, text), id);
}

TEST(Ids, the_text_keeps_every_bit) {
  Id128 ones;
  ones.bytes.fill(0xFF);
  EXPECT_EQ(format_id("", ones), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(parse_id("", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), ones);
  EXPECT_EQ(format_id("", Id128{}), "00000000000000000000000000");
}

TEST(Ids, text_and_value_order_by_time) {
  const Id128 earlier = make_id(kNow);
  const Id128 later = make_id(kNow + 1ms);
  EXPECT_LT(earlier, later);
  EXPECT_LT(format_id("", earlier), format_id("", later));
}

TEST(Ids, crockford_reads_look_alikes_and_lower_case) {
  EXPECT_EQ(parse_id("", "0000000000000000000000000o"), Id128{});
  EXPECT_EQ(parse_id("", "0000000000000000000000000l"), parse_id("", "00000000000000000000000001"));
  EXPECT_EQ(parse_id("", "0000000000000000000000000a"), parse_id("", "0000000000000000000000000A"));
}

TEST(Ids, what_is_no_id_does_not_parse) {
  for (const char* text : {"", "sig_", "sig_1", "inc_00000000000000000000000000", "sig_0000000000000000000000000U",
                           "sig_80000000000000000000000000", "sig_000000000000000000000000000"}) {
    EXPECT_FALSE(parse_id(kSignalIdPrefix, text)) << text;
  }
}

TEST(Ids, are_unique_across_threads) {
  std::vector<std::vector<Id128>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&mine] {
        for (int i = 0; i < 10'000; ++i) mine.push_back(make_id(kNow));
      });
    }
  }
  std::set<Id128> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 40'000u);
}

TEST(Ids, a_forked_child_does_not_repeat_its_parents) {
  make_id(kNow);  // the pool is filled before the fork
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Id128 id = make_id(kNow);
    ::_exit(::write(pipe_ends[1], id.bytes.data(), 16) == 16 ? 0 : 1);
  }
  const Id128 ours = make_id(kNow);
  Id128 theirs;
  ASSERT_EQ(::read(pipe_ends[0], theirs.bytes.data(), 16), 16);
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  EXPECT_NE(ours, theirs);
}

}  // namespace
}  // namespace aldis
