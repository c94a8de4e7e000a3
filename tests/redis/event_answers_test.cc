// What the event scripts answer, and what nobody of ours would: data_loss, never a value that breaks the port's word.

#include "engines/redis/event_answers.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <string>

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Reply texts(std::initializer_list<std::string> parts) {
  Reply answer{.kind = Reply::Kind::array};
  for (const std::string& part : parts) answer.elements.push_back({.kind = Reply::Kind::text, .text = part});
  return answer;
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(to_string(result.error().code));
}

const StreamCursor kCursor{"deploy", 4};

std::string slice_error(std::initializer_list<std::string> parts) {
  return error_of(read_slice_answer(kCursor, texts(parts)));
}

TEST(EventAnswers, a_place_is_an_event_id) {
  EXPECT_EQ(read_place_answer(texts({"place", "1790000000000-7"})).value(), (EventPlace{1'790'000'000'000, 7}));
  for (const std::string id : {"", "-", "1", "1-", "-1", "1-2-3", "1--2", "a-1", "1-9007199254740992", "1- 2"}) {
    EXPECT_EQ(error_of(read_place_answer(texts({"place", id}))), "data_loss") << id;
  }
  EXPECT_EQ(error_of(read_place_answer(texts({"place", "1-2", "3"}))), "data_loss");
  EXPECT_EQ(error_of(read_place_answer({.kind = Reply::Kind::integer, .integer = 1})), "data_loss");
}

TEST(EventAnswers, an_error_is_what_the_script_named) {
  const auto refused = read_place_answer(texts({"error", "resource_exhausted", "too many"}));
  EXPECT_EQ(error_of(refused), "resource_exhausted");
  EXPECT_THAT(refused.error().message, HasSubstr("too many"));
}

TEST(EventAnswers, a_slice_is_a_head_and_the_events_behind_the_cursor) {
  const auto slice =
      read_slice_answer(kCursor, texts({"slice", "90", "6", "3", "10", "5000", "80-5", "ann", "{}", "90-6", "", "[]"}));
  ASSERT_TRUE(slice.value());
  const StreamHead& head = (*slice)->head;
  EXPECT_EQ(head.type, "deploy");
  EXPECT_EQ(head.last, (EventPlace{90, 6}));
  EXPECT_EQ(head.first, 3U);
  EXPECT_EQ(head.bounds, (StreamBounds{.max_length = 10, .max_age = 5s}));
  EXPECT_THAT((*slice)->events, ElementsAre(StoredEvent{{80, 5}, "{}", "ann"}, StoredEvent{{90, 6}, "[]", ""}));
}

TEST(EventAnswers, a_stream_that_is_not_there_has_no_slice) {
  EXPECT_EQ(read_slice_answer(kCursor, texts({"unknown"})).value(), std::nullopt);
  EXPECT_EQ(slice_error({"unknown", "1"}), "data_loss");
}

TEST(EventAnswers, a_slice_leaves_nothing_out) {
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "0"}), "none");
  EXPECT_EQ(slice_error({"slice", "90", "6", "6", "10", "0", "90-6", "", "{}"}), "none") << "the oldest that is seen";
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "0", "90-6", "", "{}"}), "data_loss") << "5 is missing";
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "0", "80-4", "", "{}"}), "data_loss") << "4 was read";
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "0", "90-5", "", "{}", "90-7", "", "{}"}), "data_loss");
  EXPECT_EQ(slice_error({"slice", "90", "4", "3", "10", "0", "90-5", "", "{}"}), "data_loss") << "behind the last";
}

TEST(EventAnswers, a_slice_that_is_cut_off_is_refused) {
  EXPECT_EQ(slice_error({"slice"}), "data_loss");
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10"}), "data_loss");
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "0", "80-5", "ann"}), "data_loss");
  EXPECT_EQ(slice_error({"slice", "90", "6", "3", "10", "x"}), "data_loss");
}

TEST(EventAnswers, a_page_descends_and_says_whether_there_is_more) {
  const auto page = read_recent_answer(texts({"page", "9-2", "ann", "{}", "8-1", "", "{}"}));
  EXPECT_TRUE(page->has_more);
  EXPECT_THAT(page->events, SizeIs(2));
  EXPECT_FALSE(read_recent_answer(texts({"events"}))->has_more);
  EXPECT_EQ(error_of(read_recent_answer(texts({"page"}))), "data_loss") << "it would be asked for for ever";
  EXPECT_EQ(error_of(read_recent_answer(texts({"events", "8-1", "", "{}", "9-2", "", "{}"}))), "data_loss");
}

TEST(EventAnswers, a_share_has_its_gap_and_the_time_until_the_next_take_over) {
  const auto slice = read_group_answer("deploy", texts({"given", "2", "6", "3", "1500", "90-7", "ann", "{}"}));
  ASSERT_TRUE(slice);
  EXPECT_EQ(slice->gap, (Gap{.event_type = "deploy", .from = 2, .to = 6, .lost = 3}));
  EXPECT_EQ(slice->next_take_over, 1500us);
  EXPECT_THAT(slice->events, SizeIs(1));
  const auto empty = read_group_answer("deploy", texts({"given", "", "", "", ""}));
  EXPECT_FALSE(empty->gap || empty->next_take_over || empty->missing);
  const auto idle = read_group_answer("deploy", texts({"idle", "1500"}));
  EXPECT_EQ(idle->next_take_over, 1500us);
  EXPECT_EQ(error_of(read_group_answer("deploy", texts({"idle", "", "90-7", "ann", "{}"}))), "data_loss");
  EXPECT_TRUE(read_group_answer("deploy", texts({"missing"}))->missing);
}

TEST(EventAnswers, a_gap_that_cannot_be_is_refused) {
  const auto error = [](const std::string& from, const std::string& to, const std::string& lost) {
    return error_of(read_group_answer("deploy", texts({"given", from, to, lost, ""})));
  };
  EXPECT_EQ(error("2", "2", "1"), "none");
  EXPECT_EQ(error("3", "2", "1"), "data_loss");
  EXPECT_EQ(error("2", "4", "4"), "data_loss");
  EXPECT_EQ(error("2", "4", "0"), "data_loss");
  EXPECT_EQ(error("2", "", "1"), "data_loss");
}

TEST(EventAnswers, pending_events_and_groups_are_read) {
  const auto pending = read_pending_events(texts({"pending", "90-7", "ann", "2500000", "3"}));
  ASSERT_THAT(pending.value(), SizeIs(1));
  EXPECT_EQ(pending->front().event_id, "90-7");
  EXPECT_EQ(pending->front().consumer, "ann");
  EXPECT_EQ(pending->front().idle, 2500ms);
  EXPECT_EQ(pending->front().deliveries, 3U);
  EXPECT_EQ(error_of(read_pending_events(texts({"pending", "90-7", "ann", "1"}))), "data_loss");
  const auto groups = read_groups_answer(texts({"groups", "b", "3", "1", "2", "a", "0", "4", "0"}));
  EXPECT_THAT(groups.value(), ElementsAre(GroupInfo{.group = "a", .delivered = 0, .waiting = 4, .pending = 0},
                                          GroupInfo{.group = "b", .delivered = 3, .waiting = 1, .pending = 2}));
  EXPECT_EQ(error_of(read_groups_answer(texts({"groups", "b", "3", "-1", "2"}))), "data_loss");
}

TEST(EventAnswers, the_fields_of_a_head_say_what_a_reader_sees) {
  const auto head = read_head_fields("deploy", texts({"90", "26", "3", "10", "0"}));
  ASSERT_TRUE(head.value());
  EXPECT_EQ((*head)->first, 17U) << "the newest ten";
  EXPECT_EQ(read_head_fields("deploy", texts({"90", "26", "20", "10", "0"})).value()->first, 20U) << "trimmed";
  EXPECT_EQ(read_head_fields("deploy", texts({"0", "0", "1", "10", "0"})).value()->first, 1U) << "empty";
  EXPECT_EQ(error_of(read_head_fields("deploy", texts({"90", "26", "3", "10"}))), "data_loss");
  Reply nothing{.kind = Reply::Kind::array, .elements = std::vector<Reply>(5)};
  EXPECT_EQ(read_head_fields("deploy", nothing).value(), std::nullopt);
}

}  // namespace
}  // namespace aldis::testing
