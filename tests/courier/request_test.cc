#include "courier/request.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "core/sha256.h"

namespace aldis::courier {
namespace {

using namespace std::chrono_literals;
using telemetry::EventRecord;
using telemetry::Frame;
using telemetry::FrameOrigin;
using telemetry::Severity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::chrono::sys_seconds kTime{1'790'000'000s};  // 2026-09-21T14:13:20Z

FrameOrigin origin(std::string tool = "tool") {
  return {.tool = std::move(tool), .version = "1.2.3", .install_id = {0xab, 0xcd}};
}

EventRecord run_record() {
  return {.time = kTime,
          .name = "command_run",
          .attributes = {{"ok", true}, {"rows", std::int64_t{-7}}, {"command", std::string("list")}}};
}

std::string spool_of(const std::vector<std::vector<EventRecord>>& frames) {
  std::string bytes;
  std::uint64_t nonce = 1;
  for (const auto& records : frames) {
    for (const auto& frame : telemetry::encode(origin(), records, 0, nonce++)) bytes += frame.bytes;
  }
  return bytes;
}

const std::string kResource =
    R"({"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"tool"}},)"
    R"({"key":"service.version","value":{"stringValue":"1.2.3"}},)"
    R"({"key":"service.instance.id","value":{"stringValue":"abcd0000000000000000000000000000"}},)"
    R"({"key":"os.type","value":{"stringValue":"linux"}}]},)"
    R"("scopeLogs":[{"scope":{"name":"aldis.telemetry","version":"1"},"logRecords":[)";
const std::string kRun =
    R"({"timeUnixNano":"1790000000000000000","severityNumber":9,"severityText":"INFO",)"
    R"("body":{"stringValue":"command_run"},"attributes":[{"key":"ok","value":{"boolValue":true}},)"
    R"({"key":"rows","value":{"intValue":"-7"}},{"key":"command","value":{"stringValue":"list"}}],)"
    R"("eventName":"command_run"})";

TEST(Otlp, is_the_request_of_the_document) {
  EXPECT_EQ(otlp_body({.frames = {{.origin = origin(), .records = {run_record()}}}}),
            R"({"resourceLogs":[)" + kResource + kRun + "]}]}]}");
}

TEST(Otlp, frames_of_one_origin_in_a_row_share_a_resource) {
  const Frame one{.origin = origin(), .records = {run_record()}};
  const Frame other{.origin = origin("other"), .records = {run_record()}};
  const std::string body = otlp_body({.frames = {one, one, other, one}});
  EXPECT_THAT(body, HasSubstr(kResource + kRun + "," + kRun + "]}]},{"));
  std::size_t resources = 0;
  for (std::size_t at = 0; (at = body.find("\"resource\"", at)) != std::string::npos; ++at) ++resources;
  EXPECT_EQ(resources, 3U);
}

TEST(Otlp, errors_are_errors_and_what_was_dropped_is_a_record) {
  const EventRecord error{.time = kTime, .severity = Severity::error, .name = "error", .attributes = {}};
  EXPECT_EQ(otlp_body({.frames = {{.origin = origin(), .dropped = 5, .records = {error}}}}),
            R"({"resourceLogs":[)" + kResource +
                R"({"timeUnixNano":"1790000000000000000","severityNumber":9,"severityText":"INFO",)"
                R"("body":{"stringValue":"telemetry_dropped"},"attributes":[{"key":"count","value":{"intValue":"5"}}],)"
                R"("eventName":"telemetry_dropped"},)"
                R"({"timeUnixNano":"1790000000000000000","severityNumber":17,"severityText":"ERROR",)"
                R"("body":{"stringValue":"error"},"eventName":"error"}]}]}]})");
  EXPECT_THAT(otlp_body({.frames = {{.origin = origin(), .dropped = 5, .records = {}}}}),
              HasSubstr(R"("timeUnixNano":"0")"));
}

TEST(Otlp, extreme_numbers_and_times_stay_within_the_protocol) {
  EventRecord record = run_record();
  record.attributes = {{"least", std::numeric_limits<std::int64_t>::min()},
                       {"most", std::numeric_limits<std::int64_t>::max()}};
  record.time = std::chrono::sys_seconds::max();
  const std::string body = otlp_body({.frames = {{.origin = origin(), .records = {record}}}});
  EXPECT_THAT(body, HasSubstr(R"("intValue":"-9223372036854775808")"));
  EXPECT_THAT(body, HasSubstr(R"("intValue":"9223372036854775807")"));
  EXPECT_THAT(body, HasSubstr(R"("timeUnixNano":"18446744073000000000")"));
  record.time = std::chrono::sys_seconds::min();
  EXPECT_THAT(otlp_body({.frames = {{.origin = origin(), .records = {record}}}}), HasSubstr(R"("timeUnixNano":"0")"));
}

TEST(Jsonl, is_a_line_a_record) {
  const EventRecord error{.time = kTime, .severity = Severity::error, .name = "error", .attributes = {}};
  const std::string start = R"({"time":"2026-09-21T14:13:20Z","tool":"tool","version":"1.2.3",)"
                            R"("install_id":"abcd0000000000000000000000000000","event":)";
  EXPECT_EQ(jsonl_body({.frames = {{.origin = origin(), .dropped = 2, .records = {run_record(), error}}}}),
            start + R"("telemetry_dropped","severity":"info","attributes":{"count":2}})" + "\n" + start +
                R"("command_run","severity":"info","attributes":{"ok":true,"rows":-7,"command":"list"}})" + "\n" +
                start + R"("error","severity":"error","attributes":{}})" + "\n");
}

TEST(Seconds, stay_between_1970_and_9999) {
  EXPECT_EQ(format_seconds(kTime), "2026-09-21T14:13:20Z");
  EXPECT_EQ(format_seconds(std::chrono::sys_seconds::min()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_seconds(std::chrono::sys_seconds::max()), "9999-12-31T23:59:59Z");
}

TEST(Digest, is_sha_256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
}

TEST(BatchRequestTest, depends_on_the_bytes_alone_but_for_two_headers) {
  const std::string bytes = spool_of({{run_record()}});
  const telemetry::ConsentFile consent{.enabled = true, .endpoint = "https://example.com/v1/logs"};
  const BatchRequest first = make_request(bytes, consent, 1, kTime);
  const BatchRequest later = make_request(bytes, consent, 4, kTime + 1h);
  EXPECT_EQ(first.request.body, later.request.body);
  EXPECT_EQ(first.batch_id, sha256_hex(bytes).substr(0, 32));
  EXPECT_EQ(first.body_sha256, sha256_hex(first.request.body));
  EXPECT_EQ(first.request.url, "https://example.com/v1/logs");
  EXPECT_TRUE(first.request.post);
  EXPECT_THAT(later.request.headers,
              ElementsAre(Pair("Content-Type", "application/json"), Pair("Idempotency-Key", first.batch_id),
                          Pair("X-Telemetry-Attempt", "4"), Pair("X-Telemetry-Sent-At", "2026-09-21T15:13:20Z"),
                          Pair("User-Agent", "aldis-courier/" ALDIS_VERSION)));
  // The nonce tells two batches of the same content apart.
  EXPECT_NE(make_request(spool_of({{}, {run_record()}}), consent, 1, kTime).batch_id, first.batch_id);
}

TEST(BatchRequestTest, says_nothing_without_a_record_or_a_count) {
  EXPECT_FALSE(make_request("", {}, 1, kTime).says_something);
  EXPECT_FALSE(make_request("rubbish", {}, 1, kTime).says_something);
  const auto count = telemetry::encode(origin(), {}, 3, 1);
  ASSERT_EQ(count.size(), 1U);
  const BatchRequest made = make_request(count.front().bytes, {}, 1, kTime);
  EXPECT_TRUE(made.says_something);
  EXPECT_EQ(made.records, 0U);
  EXPECT_EQ(made.dropped, 3U);
}

// Every byte in turn, to several values: at most the frame that it is in is lost, and the body stays what it must be.
TEST(BatchRequestTest, of_a_damaged_spool_lacks_the_damaged_frame_only) {
  std::string bytes = spool_of({{run_record()}, {run_record(), run_record()}, {run_record()}});
  ASSERT_EQ(make_request(bytes, {}, 1, kTime).records, 4U);
  for (char& byte : bytes) {
    const char sound = byte;
    for (const int flip : {0x01, 0x80, 0xff}) {
      byte = static_cast<char>(sound ^ flip);
      for (const auto format : {telemetry::BodyFormat::otlp, telemetry::BodyFormat::jsonl}) {
        const BatchRequest made = make_request(bytes, {.format = format}, 1, kTime);
        EXPECT_THAT(made.records, ::testing::AnyOf(2U, 3U)) << &byte - bytes.data();
        EXPECT_GE(made.dropped, 1U);
        if (format == telemetry::BodyFormat::jsonl) continue;
        boost::json::error_code error;
        static_cast<void>(boost::json::parse(made.request.body, error));
        EXPECT_FALSE(error) << made.request.body;
      }
    }
    byte = sound;
  }
}

}  // namespace
}  // namespace aldis::courier
