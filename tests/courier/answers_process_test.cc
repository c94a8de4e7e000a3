// What the real courier does with every kind of answer.

#include <gmock/gmock.h>

#include <array>
#include <ctime>
#include <ostream>

#include "core/format.h"
#include "core/sha256.h"
#include "courier/courier_program.h"
#include "courier/http_server.h"
#include "courier/request.h"

namespace aldis::testing {
namespace {

using telemetry::LastResult;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

TEST(Delivery, an_accepted_batch_is_logged_counted_and_gone) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.write_gate({.failures = 3, .last_result = LastResult::busy, .unfinished = 2});
  place.record(1, 3);
  const std::string claimed = place.spool();
  const std::int64_t before = seconds_now();
  EXPECT_EQ(place.run().exit_code, 0);
  const std::int64_t after = seconds_now();

  const auto received = server.received();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].method, "POST");
  EXPECT_EQ(received[0].target, "/v1/logs");
  EXPECT_THAT(content_of(received[0].body).numbers, ElementsAre(1, 2, 3));
  const auto& headers = received[0].headers;
  EXPECT_EQ(headers.at("content-type"), "application/json");
  EXPECT_EQ(headers.at("idempotency-key"), sha256_hex(claimed).substr(0, 32));
  EXPECT_EQ(headers.at("x-telemetry-attempt"), "1");
  EXPECT_EQ(headers.at("user-agent"), "aldis-courier/" ALDIS_VERSION);
  EXPECT_FALSE(headers.contains("expect"));
  EXPECT_FALSE(headers.contains("cookie"));

  EXPECT_THAT(place.batches(), IsEmpty());
  EXPECT_THAT(place.read("sent"),
              HasSubstr(fmt::format(" {} {} 3 200\n", headers.at("idempotency-key"), sha256_hex(received[0].body))));
  const telemetry::GateRecord gate = place.gate();
  EXPECT_EQ(gate.failures, 0U);
  EXPECT_EQ(gate.unfinished, 0);
  EXPECT_EQ(gate.sent, 1U);
  EXPECT_EQ(gate.last_result, LastResult::sent);
  EXPECT_THAT(gate.next_attempt_at.time_since_epoch().count(), AllOf(Ge(before + 5), Le(after + 5)));
}

TEST(Delivery, lines_are_sent_as_the_user_chose) {
  const HttpServer server;
  CourierPlace place(server.url());
  place.consent.format = telemetry::BodyFormat::jsonl;
  place.write_consent();
  place.record(1, 2);
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_THAT(server.received(), SizeIs(1));
  EXPECT_EQ(server.received()[0].headers.at("content-type"), "application/x-ndjson");
  EXPECT_THAT(server.received()[0].body, HasSubstr(R"("event":"counted","severity":"info","attributes":{"number":2,)"));
}

struct Row {
  std::string name;
  Reply reply;
  int exit_code = 0;
  LastResult result = LastResult::sent;
  bool stays = false;
  std::uint64_t dropped = 0;
  std::int64_t retry_after = 0;  // 0: whatever the pause is

  friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
};

class Answers : public ::testing::TestWithParam<Row> {};

TEST_P(Answers, decide_what_becomes_of_a_batch) {
  const Row& row = GetParam();
  const HttpServer server([&](const Received&) { return row.reply; });
  const CourierPlace place(server.url());
  place.record(1, 4);
  const std::string claimed = place.spool();
  const std::int64_t before = seconds_now();
  EXPECT_EQ(place.run().exit_code, row.exit_code);
  const std::int64_t after = seconds_now();

  EXPECT_THAT(server.received(), SizeIs(1));
  const telemetry::GateRecord gate = place.gate();
  EXPECT_EQ(gate.last_result, row.result);
  EXPECT_EQ(gate.dropped, row.dropped);
  EXPECT_EQ(gate.failures, row.exit_code == 0 ? 0U : 1U);
  const bool given_up = row.exit_code != 0 && !row.stays;
  EXPECT_EQ(gate.sent, row.exit_code == 0 ? 1U : 0U);
  EXPECT_EQ(gate.failed, given_up ? 1U : 0U);
  EXPECT_EQ(telemetry::decode(place.spool()).dropped_count(), given_up ? 4U : 0U);
  EXPECT_EQ(place.read("sent").empty(), row.exit_code != 0);

  const std::int64_t next = gate.next_attempt_at.time_since_epoch().count();
  const std::int64_t pause = row.retry_after;
  EXPECT_TRUE(pause == 0 || (next >= before + pause && next <= after + pause)) << next - before;
  ASSERT_THAT(place.batches(), SizeIs(row.stays ? 1 : 0));
  if (!row.stays) return;
  EXPECT_THAT(place.batches()[0], HasSubstr("-1-"));
  EXPECT_EQ(place.read("batch/" + place.batches()[0]), claimed);
}

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kHtml = "Content-Type: text/html\r\n";

INSTANTIATE_TEST_SUITE_P(
    , Answers,
    ::testing::Values(
        Row{"accepted", json_reply()}, Row{"accepted_without_a_body", reply("204 No Content")},
        Row{"accepted_without_a_type", reply("200 OK")},
        Row{"accepted_with_parameters",
            reply("202 Accepted", "Content-Type: Application/JSON; charset=utf-8\r\n", "{}")},
        Row{"partly_rejected", json_reply(R"({"partialSuccess":{"rejectedLogRecords":"3"}})"), 0, LastResult::sent,
            false, 3},
        Row{"captive_portal", reply("200 OK", kHtml, "<html>log in"), 1, LastResult::not_telemetry, true},
        Row{"too_many", reply("429 Slow Down", "Retry-After: 120\r\n"), 1, LastResult::busy, true, 0, 120},
        Row{"much_later", reply("503 No", "Retry-After: 999999\r\n"), 1, LastResult::busy, true, 0, 6 * 3600},
        Row{"at_once", reply("503 No", "Retry-After: 1\r\n"), 1, LastResult::busy, true, 0, 5},
        Row{"bad_gateway", reply("502 No"), 1, LastResult::busy, true},
        Row{"gateway_timeout", reply("504 No"), 1, LastResult::busy, true},
        Row{"hangs_up", Reply{"", Reply::Then::hang_up}, 1, LastResult::unreachable, true},
        Row{"breaks_off", Reply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Reply::Then::hang_up}, 1,
            LastResult::unreachable, true},
        Row{"speaks_something_else", Reply{"220 smtp ready\r\n", Reply::Then::hang_up}, 1, LastResult::unreachable,
            true},
        Row{"too_long", reply("200 OK", kJson, std::string(64 * 1024 + 1, ' ')), 1, LastResult::unreachable, true},
        Row{"as_long_as_may_be", reply("200 OK", kJson, std::string(64 * 1024, ' '))},
        Row{"without_end",
            Reply{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + std::string(8192, ' '),
                  Reply::Then::repeat_for_ever},
            1, LastResult::unreachable, true},
        Row{"server_error", reply("500 No"), 1, LastResult::refused},
        Row{"not_found", reply("404 No", kJson, "{}"), 1, LastResult::refused},
        Row{"not_allowed", reply("401 No"), 1, LastResult::refused},
        Row{"not_modified", reply("304 No"), 1, LastResult::refused}),
    [](const auto& row) { return row.param.name; });

TEST(Delivery, a_date_says_when_to_come_back_as_well_as_a_number_does) {
  const std::int64_t date = seconds_now() + 600;
  const HttpServer server([&](const Received&) {
    std::array<char, 64> text{};
    const auto when = static_cast<time_t>(date);
    tm parts{};
    gmtime_r(&when, &parts);
    strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return reply("503 No", fmt::format("Retry-After: {}\r\n", text.data()));
  });
  const CourierPlace place(server.url());
  place.record(1, 1);
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_THAT(place.gate().next_attempt_at.time_since_epoch().count(), AllOf(Ge(date - 2), Le(date + 2)));
}

TEST(Delivery, a_redirect_is_refused_and_not_followed) {
  const HttpServer elsewhere;
  const HttpServer server([&](const Received&) {
    return reply("307 Temporary Redirect", fmt::format("Location: {}\r\n", elsewhere.url()));
  });
  const CourierPlace place(server.url());
  place.record(1, 1);
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_EQ(place.gate().last_result, LastResult::refused);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(Delivery, several_batches_go_oldest_first_over_one_connection_with_the_spool_last) {
  const HttpServer server;
  const CourierPlace place(server.url());
  const std::int64_t now = seconds_now();
  place.write_batch(fmt::format("{}-2-00000000000000aa", now - 60), frame_of(2, 2, 7));
  place.write_batch(fmt::format("{}-0-00000000000000bb", now - 90), frame_of(1, 1, 8));
  place.record(3, 3);
  EXPECT_EQ(place.run().exit_code, 0);
  std::vector<std::int64_t> order;
  std::vector<std::string> attempts;
  for (const Received& request : server.received()) {
    order.push_back(content_of(request.body).numbers.at(0));
    attempts.push_back(request.headers.at("x-telemetry-attempt"));
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_THAT(attempts, ElementsAre("1", "3", "1"));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(place.gate().sent, 3U);
}

TEST(Delivery, the_first_that_must_wait_holds_back_the_others) {
  const HttpServer server([](const Received&) { return reply("503 No"); });
  const CourierPlace place(server.url());
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now() - 60), frame_of(1, 1, 7));
  place.record(2, 2);
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_THAT(server.received(), SizeIs(1));
  EXPECT_THAT(place.batches(), ElementsAre(HasSubstr("-1-00000000000000aa"), HasSubstr("-0-")));
}

TEST(Delivery, what_was_refused_is_reported_with_the_next_batch) {
  HttpServer server([](const Received&) { return reply("400 No"); });
  const CourierPlace place(server.url());
  place.record(1, 4);
  EXPECT_EQ(place.run().exit_code, 1);
  server.answer_with(json_reply());
  place.record(5, 5);
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_THAT(server.received(), SizeIs(2));
  const BodyContent content = content_of(server.received()[1].body);
  EXPECT_EQ(content.dropped, 4);
  EXPECT_THAT(content.numbers, ElementsAre(5));
  EXPECT_EQ(place.gate().dropped, 4U);
}

}  // namespace
}  // namespace aldis::testing
