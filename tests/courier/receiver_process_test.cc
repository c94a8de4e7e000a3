// The real courier and a receiver made of OpenTelemetry's own packages, which accepts nothing that the protocol does
// not.

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <limits>

#include "core/format.h"
#include "courier/courier_program.h"
#include "courier/http.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Where node and openssl are found; nothing else of our environment.
Variables programs() {
  const char* const path = std::getenv("PATH");
  return {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}};
}

class Receiver {
 public:
  explicit Receiver(const Words& more = {}) : running_(command(more), programs()) {
    EXPECT_TRUE(running_.wait_for_output("\n")) << "the receiver does not start; is telemetry_receiver installed?";
  }

  std::string port() const { return running_.out().substr(0, running_.out().find('\n')); }
  std::string url(std::string_view path) const { return fmt::format("http://127.0.0.1:{}{}", port(), path); }

  std::vector<boost::json::object> requests() const {
    std::vector<boost::json::object> found;
    std::ifstream file(directory_.file("requests"));
    for (std::string line; std::getline(file, line);) {
      boost::json::error_code error;
      found.push_back(boost::json::parse(line, error).as_object());
    }
    return found;
  }

 private:
  Words command(const Words& more) const {
    Words words = {"/usr/bin/env", "node", ALDIS_RECEIVER "/receiver.mjs", directory_.file("requests")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  ScratchDirectory directory_;
  Running running_;
};

std::vector<telemetry::EventRecord> unusual_records() {
  return {
      numbered(1),
      {.time = std::chrono::sys_seconds{}, .severity = telemetry::Severity::error, .name = "error", .attributes = {}},
      {.time = std::chrono::sys_seconds{std::chrono::seconds{18'446'744'073}},
       .name = "extremes",
       .attributes = {{"least", std::numeric_limits<std::int64_t>::min()},
                      {"most", std::numeric_limits<std::int64_t>::max()},
                      {"no", false},
                      {"text", std::string("a_value")}}}};
}

void record_unusual(const CourierPlace& place) {
  const auto records = unusual_records();
  std::string bytes;
  for (const auto& frame : telemetry::encode(tool_origin(), records, 7, 1)) bytes += frame.bytes;
  telemetry::FrameOrigin other = tool_origin();
  other.tool = "another";
  for (const auto& frame : telemetry::encode(other, records, 0, 2)) bytes += frame.bytes;
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now()), bytes);
}

TEST(OpenTelemetry, accepts_what_a_courier_sends_to_the_last_member) {
  const Receiver receiver;
  const CourierPlace place(receiver.url("/v1/logs"));
  record_unusual(place);
  EXPECT_EQ(place.run().exit_code, 0);
  const auto requests = receiver.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_TRUE(requests[0].at("problem").is_null()) << requests[0].at("problem");
  const auto& records = requests[0].at("records").as_array();
  ASSERT_THAT(records, SizeIs(3 + 3 + 1));
  EXPECT_EQ(records[0].at("eventName").as_string(), "telemetry_dropped");
  EXPECT_EQ(records[6].at("eventName").as_string(), "extremes");
  EXPECT_THAT(place.read("sent"), HasSubstr(std::string(requests[0].at("body_sha256").as_string())));
  EXPECT_EQ(place.gate().dropped, 7U);
}

TEST(OpenTelemetry, accepts_lines_too) {
  const Receiver receiver;
  CourierPlace place(receiver.url("/lines"));
  place.consent.format = telemetry::BodyFormat::jsonl;
  place.write_consent();
  record_unusual(place);
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_THAT(receiver.requests(), SizeIs(1));
  EXPECT_TRUE(receiver.requests()[0].at("problem").is_null()) << receiver.requests()[0].at("problem");
  EXPECT_THAT(receiver.requests()[0].at("records").as_array(), SizeIs(3 + 3 + 1));
}

TEST(OpenTelemetry, rejected_records_are_counted_and_a_busy_receiver_is_tried_again) {
  const Receiver receiver;
  CourierPlace place(receiver.url("/?status=503&retry-after=60"));
  place.record(1, 4);
  EXPECT_EQ(place.run().exit_code, 1);
  place.consent.endpoint = receiver.url("/?rejected=3");
  place.write_consent();
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(place.gate().dropped, 3U);
}

// What the receiver would say to a courier that got it wrong: otherwise its approval is worth nothing.
TEST(OpenTelemetry, would_notice_an_unknown_member_a_wrong_type_and_a_number_out_of_range) {
  const Receiver receiver;
  auto http = courier::Http::load(Environment{});
  ASSERT_TRUE(http.has_value());
  const std::string record = R"({"timeUnixNano":"1","severityNumber":9,"body":{"stringValue":"x"},"eventName":"x"})";
  const auto problem_with = [&](std::string_view from, std::string_view to) {
    std::string body = R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + record + "]}]}]}";
    if (!from.empty()) body.replace(body.find(from), from.size(), to);
    const auto answer = http->send({.url = receiver.url("/v1/logs"),
                                    .headers = {{"Content-Type", "application/json"}},
                                    .body = body,
                                    .post = true,
                                    .answer_bytes_max = 100});
    return answer.arrived && !receiver.requests().back().at("problem").is_null();
  };
  EXPECT_FALSE(problem_with("", ""));
  EXPECT_TRUE(problem_with("eventName", "event_name"));
  EXPECT_TRUE(problem_with("severityNumber", "severity"));
  EXPECT_TRUE(problem_with(R"("timeUnixNano":"1")", R"("timeUnixNano":1)"));
  EXPECT_TRUE(problem_with(R"("timeUnixNano":"1")", R"("timeUnixNano":"18446744073709551616")"));
  EXPECT_TRUE(problem_with(R"("severityNumber":9)", R"("severityNumber":"9")"));
  EXPECT_TRUE(problem_with(R"({"stringValue":"x"})", R"("x")"));
  EXPECT_TRUE(problem_with("resourceLogs", "logs"));
}

TEST(Tls, a_certificate_that_nobody_vouches_for_is_refused_and_one_of_ssl_cert_file_accepted) {
  const ScratchDirectory directory;
  const std::string key = directory.file("key.pem");
  const std::string certificate = directory.file("certificate.pem");
  const Ended made = Running({"/usr/bin/env", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                              "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days",
                              "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"},
                             programs())
                         .wait();
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Receiver receiver({"--key", key, "--cert", certificate});
  CourierPlace place("https://127.0.0.1:" + receiver.port() + "/v1/logs");
  place.record(1, 2);
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_EQ(place.gate().last_result, telemetry::LastResult::unreachable);
  EXPECT_THAT(receiver.requests(), IsEmpty());
  EXPECT_EQ(place.run({}, {{"SSL_CERT_FILE", certificate}}).exit_code, 0);
  EXPECT_THAT(receiver.requests(), SizeIs(1));

  place.record(3, 4);
  place.consent.endpoint = "https://localhost:" + receiver.port() + "/v1/logs";  // not the name in the certificate
  place.write_consent();
  EXPECT_EQ(place.run({}, {{"CURL_CA_BUNDLE", certificate}}).exit_code, 1);
  place.consent.endpoint = "https://127.0.0.1:" + receiver.port() + "/v1/logs";
  place.write_consent();
  EXPECT_EQ(place.run({}, {{"CURL_CA_BUNDLE", certificate}, {"SSL_CERT_FILE", "/dev/null"}}).exit_code, 0);
  EXPECT_THAT(receiver.requests(), SizeIs(2));
}

}  // namespace
}  // namespace aldis::testing
