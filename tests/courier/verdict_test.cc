#include "courier/verdict.h"

#include <gmock/gmock.h>

#include "aldis/limits.h"

namespace aldis::courier {
namespace {

using namespace std::chrono_literals;
using telemetry::LastResult;

HttpAnswer answer(int status, std::string type = "application/json", std::string body = "{}") {
  return {.arrived = true, .status = status, .content_type = std::move(type), .body = std::move(body)};
}

TEST(Verdict, of_success_is_json_or_an_empty_body) {
  EXPECT_EQ(judge(answer(200)).fate, Fate::accepted);
  EXPECT_EQ(judge(answer(299, "APPLICATION/json ; charset=utf-8")).fate, Fate::accepted);
  EXPECT_EQ(judge(answer(204, "", "")).fate, Fate::accepted);
  EXPECT_EQ(judge(answer(200, "text/html", "")).fate, Fate::accepted);
  for (const char* type : {"", "text/html", "application/jsonp", "application/json-seq", "text/json"}) {
    const Verdict verdict = judge(answer(200, type));
    EXPECT_EQ(verdict.fate, Fate::retry) << type;
    EXPECT_EQ(verdict.result, LastResult::not_telemetry) << type;
  }
}

TEST(Verdict, of_everything_else_is_as_the_table_says) {
  for (int status = 100; status < 600; ++status) {
    const Verdict verdict = judge(answer(status));
    const bool busy = status == 429 || status == 502 || status == 503 || status == 504;
    const bool success = status >= 200 && status < 300;
    EXPECT_EQ(verdict.fate, success ? Fate::accepted : busy ? Fate::retry : Fate::dropped) << status;
    EXPECT_EQ(verdict.result, success ? LastResult::sent : busy ? LastResult::busy : LastResult::refused) << status;
  }
}

TEST(Verdict, of_what_did_not_arrive_is_to_try_again_whatever_was_seen_of_it) {
  HttpAnswer broken = answer(200);
  broken.arrived = false;
  broken.retry_after = 60s;
  EXPECT_EQ(judge(broken).fate, Fate::retry);
  EXPECT_EQ(judge(broken).result, LastResult::unreachable);
  EXPECT_FALSE(judge(broken).retry_after.has_value());
  broken.too_slow = true;
  EXPECT_EQ(judge(broken).result, LastResult::slow_network);
}

TEST(Verdict, honours_retry_after_up_to_six_hours) {
  HttpAnswer busy = answer(503);
  EXPECT_FALSE(judge(busy).retry_after.has_value());
  busy.retry_after = 90s;
  EXPECT_EQ(judge(busy).retry_after, 90s);
  busy.retry_after = std::chrono::seconds::max();
  EXPECT_EQ(judge(busy).retry_after, 6h);
  busy.retry_after = -1s;
  EXPECT_EQ(judge(busy).retry_after, 0s);
}

TEST(Verdict, counts_rejected_records_and_believes_no_nonsense) {
  const auto rejected = [](std::string body) {
    return judge(answer(200, "application/json", std::move(body))).rejected_records;
  };
  EXPECT_EQ(rejected(R"({"partialSuccess":{"rejectedLogRecords":"12","errorMessage":"no"}})"), 12U);
  EXPECT_EQ(rejected(R"({"partialSuccess":{"rejectedLogRecords":12}})"), 12U);
  for (const char* body :
       {"", "{}", "[]", "null", "{", "{\"partialSuccess\":7}", R"({"partialSuccess":{"rejectedLogRecords":-1}})",
        R"({"partialSuccess":{"rejectedLogRecords":"-1"}})", R"({"partialSuccess":{"rejectedLogRecords":"1x"}})",
        R"({"partialSuccess":{"rejectedLogRecords":""}})", R"({"partialSuccess":{"rejectedLogRecords":1e300}})",
        R"({"partialSuccess":{"rejectedLogRecords":"99999999999999999999999"}})"}) {
    EXPECT_EQ(rejected(body), 0U) << body;
    EXPECT_EQ(judge(answer(200, "application/json", body)).fate, Fate::accepted) << body;
  }
  EXPECT_EQ(rejected(std::string(60'000, '[')), 0U);
}

TEST(UpdateAnswer, is_one_member_with_a_version) {
  EXPECT_EQ(parse_update_answer(answer(200, "", R"({"version":"1.2.3"})")), "1.2.3");
  EXPECT_EQ(parse_update_answer(answer(200, "text/plain", R"( {"version": "2.0.0-rc.1+b"} )")), "2.0.0-rc.1+b");
  for (const char* body : {"", "{}", "1.2.3", R"("1.2.3")", R"({"version":1})", R"({"version":"1.2"})",
                           R"({"version":"v1.2.3"})", R"({"version":"1.2.3","url":"https://x"})", R"(["version"])",
                           R"({"version":"1.2.3"}{})", R"({"Version":"1.2.3"})"}) {
    EXPECT_FALSE(parse_update_answer(answer(200, "application/json", body)).has_value()) << body;
  }
  HttpAnswer good = answer(200, "", R"({"version":"1.2.3"})");
  good.status = 404;
  EXPECT_FALSE(parse_update_answer(good).has_value());
  good.status = 200;
  good.body += std::string(limits::kUpdateAnswerBytesMax, ' ');
  EXPECT_FALSE(parse_update_answer(good).has_value());
  good = answer(200, "", R"({"version":"1.2.3"})");
  good.arrived = false;
  EXPECT_FALSE(parse_update_answer(good).has_value());
}

}  // namespace
}  // namespace aldis::courier
