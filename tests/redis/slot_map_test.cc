// What CLUSTER SLOTS says about which server serves which slot.

#include "engines/redis/slot_map.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

namespace aldis {
namespace {

using ::testing::ElementsAre;
using ::testing::Pointee;

const Endpoint kAsked = {.host = "10.0.0.1", .port = 7000};

Reply number(std::int64_t value) { return {.kind = Reply::Kind::integer, .integer = value}; }
Reply text(std::string value) { return {.kind = Reply::Kind::text, .text = std::move(value)}; }
Reply array(std::vector<Reply> elements) { return {.kind = Reply::Kind::array, .elements = std::move(elements)}; }

Reply server(std::string host, std::int64_t port) {
  return array({text(std::move(host)), number(port), text("f00"), array({})});
}

Endpoint at(std::string host, std::uint16_t port) { return {.host = std::move(host), .port = port}; }

const Reply kTwoMasters = array({array({number(0), number(99), server("10.0.0.2", 7001), server("10.0.0.3", 7002)}),
                                 array({number(200), number(16383), server("10.0.0.4", 7003)}),
                                 array({number(100), number(100), server("10.0.0.2", 7001)})});

TEST(SlotMap, names_the_master_of_each_slot) {
  const SlotMap map = *SlotMap::parse(kTwoMasters, kAsked);
  EXPECT_THAT(map.master_of(0), Pointee(at("10.0.0.2", 7001)));
  EXPECT_THAT(map.master_of(100), Pointee(at("10.0.0.2", 7001)));
  EXPECT_THAT(map.master_of(16383), Pointee(at("10.0.0.4", 7003)));
  EXPECT_EQ(map.master_of(101), nullptr) << "nobody serves it";
}

TEST(SlotMap, names_each_master_once_and_knows_the_replicas) {
  const SlotMap map = *SlotMap::parse(kTwoMasters, kAsked);
  EXPECT_THAT(map.masters(), ElementsAre(at("10.0.0.2", 7001), at("10.0.0.4", 7003)));
  EXPECT_THAT(map.servers(), ElementsAre(at("10.0.0.2", 7001), at("10.0.0.3", 7002), at("10.0.0.4", 7003)));
}

TEST(SlotMap, takes_the_host_that_was_asked_where_the_answer_names_none) {
  const Reply unnamed = array({text(""), number(7001)});
  const Reply nil = array({Reply{}, number(7002)});
  const Reply unknown = array({text("?"), number(7003)});
  const SlotMap map = *SlotMap::parse(array({array({number(0), number(9), unnamed, nil, unknown})}), kAsked);
  EXPECT_THAT(map.servers(), ElementsAre(at("10.0.0.1", 7001), at("10.0.0.1", 7002), at("10.0.0.1", 7003)));
}

TEST(SlotMap, can_be_corrected_slot_by_slot) {
  SlotMap map = *SlotMap::parse(kTwoMasters, kAsked);
  map.assign(5, at("10.0.0.9", 7009));
  EXPECT_THAT(map.master_of(5), Pointee(at("10.0.0.9", 7009)));
  EXPECT_THAT(map.master_of(6), Pointee(at("10.0.0.2", 7001)));
}

TEST(SlotMap, is_not_made_from_an_answer_that_is_none) {
  const Reply answers[] = {Reply{},
                           array({}),
                           array({text("x")}),
                           array({array({number(0), number(1)})}),
                           array({array({number(1), number(0), server("a", 1)})}),
                           array({array({number(-1), number(0), server("a", 1)})}),
                           array({array({number(0), number(16384), server("a", 1)})}),
                           array({array({number(0), number(1), server("a", 0)})}),
                           array({array({number(0), number(1), server("a", 65536)})}),
                           array({array({number(0), number(1), array({text("a")})})})};
  for (const Reply& answer : answers) {
    const Result<SlotMap> map = SlotMap::parse(answer, kAsked);
    ASSERT_FALSE(map);
    EXPECT_EQ(map.error().code, ErrorCode::unavailable);
  }
}

}  // namespace
}  // namespace aldis
