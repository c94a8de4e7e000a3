// The update check of the real courier.

#include <gmock/gmock.h>

#include <csignal>

#include "courier/courier_program.h"
#include "courier/http_server.h"
#include "telemetry/update_cache.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class UpdateCheck : public ::testing::Test {
 protected:
  UpdateCheck() {
    place.consent.update_url = server.url("/newest?channel=stable");
    place.write_consent();
  }

  std::int64_t checked_at() const { return place.gate().update_checked_at.time_since_epoch().count(); }

  HttpServer server{[](const Received&) { return json_reply(R"({"version":"2.0.0"})"); }};
  CourierPlace place{"http://127.0.0.1:9/"};
};

TEST_F(UpdateCheck, asks_once_in_a_week_without_saying_who_asks) {
  const std::int64_t before = seconds_now();
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  const auto received = server.received();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].method, "GET");
  EXPECT_EQ(received[0].target, "/newest?channel=stable");
  EXPECT_THAT(received[0].body, IsEmpty());
  EXPECT_FALSE(received[0].headers.contains("idempotency-key"));
  EXPECT_FALSE(received[0].headers.contains("cookie"));
  for (const auto& [name, value] : received[0].headers) {
    EXPECT_THAT(value, Not(HasSubstr(telemetry::to_hex(place.consent.install_id)))) << name;
  }
  EXPECT_GE(checked_at(), before);
  const auto update = telemetry::read_update(place.state_directory());
  ASSERT_TRUE(update.has_value());
  EXPECT_EQ(update->version, "2.0.0");

  place.write_gate({.update_checked_at = std::chrono::sys_seconds{std::chrono::seconds{seconds_now() - 7 * 86400}}});
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(2));
}

TEST_F(UpdateCheck, is_made_only_when_it_is_wanted) {
  EXPECT_EQ(place.run().exit_code, 0);
  place.consent.update_url.clear();
  place.write_consent();
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  place.consent.update_url = server.url();
  place.consent.enabled = false;
  place.write_consent();
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(UpdateCheck, believes_nothing_but_a_version_and_asks_again_in_a_week) {
  server.answer_with(reply("200 OK", "Content-Type: text/html\r\n", "<html>log in"));
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_FALSE(telemetry::read_update(place.state_directory()).has_value());
  EXPECT_GT(checked_at(), 0);
}

TEST_F(UpdateCheck, an_endless_answer_was_an_answer) {
  server.answer_with(Reply{"HTTP/1.1 200 OK\r\n\r\n" + std::string(8192, ' '), Reply::Then::repeat_for_ever});
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_GT(checked_at(), 0);
}

TEST_F(UpdateCheck, that_is_refused_waits_a_week_as_well_and_is_no_failure_of_telemetry) {
  server.answer_with(Reply{"", Reply::Then::hang_up});
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_GT(checked_at(), 0);
  EXPECT_EQ(place.gate().failures, 0U);
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(UpdateCheck, that_hangs_waits_a_week_as_well_and_keeps_nothing_from_being_sent) {
  const HttpServer receiver;
  server.answer_with(Reply{"", Reply::Then::stay_silent});
  place.consent.endpoint = receiver.url();
  place.consent.lifetime = std::chrono::milliseconds{1500};
  place.write_consent();
  place.record(1, 1);
  EXPECT_EQ(place.run({"--update-check"}).exit_code, -SIGALRM);
  EXPECT_THAT(receiver.received(), SizeIs(1));
  EXPECT_THAT(server.received(), SizeIs(1));
  const telemetry::GateRecord gate = place.gate();
  EXPECT_GT(checked_at(), 0);
  EXPECT_EQ(gate.last_result, telemetry::LastResult::sent);
  EXPECT_EQ(gate.failures, 0U);
  EXPECT_LE(gate.next_attempt_at.time_since_epoch().count(), seconds_now() + 5);
}

TEST_F(UpdateCheck, forgets_the_answer_when_the_user_said_no_meanwhile) {
  const HttpServer slow([&](const Received&) {
    EXPECT_TRUE(telemetry::write_consent(place.config(), {.enabled = false}).has_value());
    return json_reply(R"({"version":"2.0.0"})");
  });
  place.consent.update_url = slow.url();
  place.write_consent();
  EXPECT_EQ(place.run({"--update-check"}).exit_code, 0);
  EXPECT_THAT(slow.received(), SizeIs(1));
  EXPECT_FALSE(telemetry::read_update(place.state_directory()).has_value());
}

}  // namespace
}  // namespace aldis::testing
