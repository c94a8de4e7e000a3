// Who is rung for which channel, without a server.

#include "engines/redis/subscription_table.h"

#include <gmock/gmock.h>

#include <memory>

#include "core/ids.h"
#include "ports/signal_address.h"

namespace aldis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ears that leave before they go, as subscriptions do.
class SubscriptionTableTest : public ::testing::Test {
 protected:
  struct Leave {
    SubscriptionTable* table;
    void operator()(SubscriptionTable::Ear* ear) const {
      table->leave(*ear);
      delete ear;
    }
  };
  using Listener = std::unique_ptr<SubscriptionTable::Ear, Leave>;

  Listener listen(std::vector<Hearing> hearings) {
    Listener listener(new SubscriptionTable::Ear, Leave{&table_});
    table_.listen(*listener, std::move(hearings));
    return listener;
  }
  static Hearing hearing(const std::string& channel, std::string message = {}) {
    return {{.group = "group", .name = channel, .version_read = {"GET", "version"}}, std::move(message)};
  }
  static std::uint32_t rings(const Listener& listener) { return listener->word().rings(); }
  void note(std::optional<std::string> version) {
    std::vector<SubscriptionTable::VersionRead> versions;
    for (auto& channel : table_.listened_to()) versions.push_back({std::move(channel), version});
    table_.note(versions);
  }

  SubscriptionTable table_;
};

TEST_F(SubscriptionTableTest, a_channel_begins_with_its_first_listener) {
  const Listener first = listen({hearing("a"), hearing("b")});
  EXPECT_THAT(table_.take_begun(), ElementsAre("a", "b"));
  const Listener second = listen({hearing("a")});
  EXPECT_THAT(table_.take_begun(), IsEmpty());
}

TEST_F(SubscriptionTableTest, a_channel_ends_at_the_second_sweep_without_a_listener) {
  Listener listener = listen({hearing("a")});
  EXPECT_THAT(table_.sweep(), IsEmpty());
  listener.reset();
  EXPECT_THAT(table_.listened_to(), IsEmpty());
  EXPECT_THAT(table_.sweep(), IsEmpty());
  EXPECT_THAT(table_.sweep(), ElementsAre("a"));
  EXPECT_THAT(table_.sweep(), IsEmpty());
}

TEST_F(SubscriptionTableTest, who_listens_between_two_sweeps_keeps_the_channel) {
  listen({hearing("a")});
  EXPECT_THAT(table_.sweep(), IsEmpty());
  listen({hearing("a")});
  EXPECT_THAT(table_.sweep(), IsEmpty());
  EXPECT_THAT(table_.sweep(), ElementsAre("a"));
}

TEST_F(SubscriptionTableTest, a_message_rings_those_that_it_concerns) {
  const Listener all = listen({hearing("a")});
  const Listener one = listen({hearing("a", "x")});
  const Listener elsewhere = listen({hearing("b")});
  table_.ring("a", "y");
  EXPECT_EQ(rings(one), 0U);
  const std::uint32_t rings_of_all = rings(all);
  EXPECT_NE(rings_of_all, 0U);
  table_.ring("a", "x");
  EXPECT_NE(rings(one), 0U);
  EXPECT_NE(rings(all), rings_of_all);
  EXPECT_EQ(rings(elsewhere), 0U);
  table_.ring("unknown", "x");
}

TEST_F(SubscriptionTableTest, who_hears_several_channels_is_rung_once_for_all) {
  const Listener one = listen({hearing("a")});
  const Listener both = listen({hearing("a"), hearing("b"), hearing("a")});
  const std::uint32_t rings_of_any = table_.any().rings();
  table_.ring_listeners(std::vector<std::string>{"a", "b"});
  EXPECT_EQ(rings(both), rings(one));
  EXPECT_EQ(table_.any().rings(), rings_of_any + rings(one));
}

TEST_F(SubscriptionTableTest, any_does_not_ring_for_what_nobody_hears) {
  listen({hearing("a")});
  table_.ring("a", "x");
  EXPECT_EQ(table_.any().rings(), 0U);
}

TEST_F(SubscriptionTableTest, a_version_rings_when_it_is_new_or_unknown) {
  const Listener listener = listen({hearing("a", "x")});
  note("1");
  const std::uint32_t at_first = rings(listener);
  EXPECT_NE(at_first, 0U) << "nothing was known";
  note("1");
  EXPECT_EQ(rings(listener), at_first);
  note("2");
  const std::uint32_t changed = rings(listener);
  EXPECT_NE(changed, at_first);
  note(std::nullopt);
  const std::uint32_t unreadable = rings(listener);
  EXPECT_NE(unreadable, changed);
  note("2");
  EXPECT_EQ(rings(listener), unreadable);
}

TEST_F(SubscriptionTableTest, who_left_is_not_rung) {
  const Listener stays = listen({hearing("a"), hearing("b", "x")});
  listen({hearing("a"), hearing("b", "x"), hearing("b", "x")});
  table_.ring("a", "");
  table_.ring("b", "x");
  EXPECT_NE(rings(stays), 0U);
}

}  // namespace
}  // namespace aldis
