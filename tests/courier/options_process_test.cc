// The arguments and variables of the real courier, and what it prints.

#include <gmock/gmock.h>

#include "core/format.h"
#include "core/sha256.h"
#include "courier/courier_program.h"
#include "courier/http_server.h"
#include "courier/request.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(CourierOptions, the_version_is_said) {
  const Ended ended = Running({courier(), "--version"}, {}).wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "aldis-courier " ALDIS_VERSION "\n");
}

// What is linked is loaded before the timer can be armed; the loader lists it when it finds this variable.
TEST(CourierOptions, nothing_that_could_hang_is_loaded_before_the_timer) {
  const Ended listed = Running({courier()}, {{"LD_TRACE_LOADED_OBJECTS", "1"}}).wait();
  EXPECT_THAT(listed.out, HasSubstr("libc.so"));
  for (const char* library : {"libcurl", "libssl", "libcrypto", "libsodium", "libresolv"}) {
    EXPECT_THAT(listed.out, Not(HasSubstr(library)));
  }
}

TEST(CourierOptions, wrong_arguments_and_variables_end_with_2_and_a_sentence) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.record(1, 1);
  const Ended unknown = place.run({"--flsuh"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--flsuh"));
  for (const char* name : {"ALDIS_COURIER_STATE", "ALDIS_COURIER_CONSENT"}) {
    for (const char* value : {"", "relative/telemetry"}) {
      Variables variables = place.environment();
      variables[name] = value;
      const Ended ended = Running({courier()}, variables).wait();
      EXPECT_EQ(ended.exit_code, 2) << name << "=" << value;
      EXPECT_THAT(ended.err, HasSubstr("ALDIS_COURIER_STATE"));
    }
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(CourierOptions, without_a_state_directory_there_is_nothing_to_do) {
  const CourierPlace place("http://127.0.0.1:9/");
  Variables variables = place.environment();
  variables["ALDIS_COURIER_STATE"] = place.state() + "/none";
  EXPECT_EQ(Running({courier()}, variables).wait().exit_code, 0);
}

TEST(Preview, shows_exactly_what_is_sent_then_and_changes_nothing) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.write_batch(fmt::format("{}-2-00000000000000aa", seconds_now() - 60), frame_of(1, 2, 7));
  place.record(3, 4);
  const std::string spool = place.spool();
  const std::vector<std::string> batches = place.batches();

  const Ended shown = place.run({"--preview"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(place.spool(), spool);
  EXPECT_EQ(place.batches(), batches);
  EXPECT_THAT(place.read("gate"), IsEmpty());

  EXPECT_EQ(place.run().exit_code, 0);
  const auto received = server.received();
  const auto requests = shown.rows("");
  ASSERT_THAT(requests, SizeIs(2));
  ASSERT_THAT(received, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& request = requests[i].as_object();
    const auto text = [](const boost::json::object& of, const char* name) {
      return std::string(of.at(name).as_string());
    };
    EXPECT_EQ(text(request, "method"), "POST");
    EXPECT_EQ(text(request, "url"), server.url());
    EXPECT_EQ(text(request, "body"), received[i].body);
    EXPECT_EQ(text(request, "sha256"), sha256_hex(received[i].body));
    EXPECT_THAT(place.read("sent"), HasSubstr(sha256_hex(received[i].body)));
    const auto& headers = request.at("headers").as_object();
    EXPECT_EQ(text(headers, "Idempotency-Key"), received[i].headers.at("idempotency-key"));
    EXPECT_EQ(text(headers, "X-Telemetry-Attempt"), received[i].headers.at("x-telemetry-attempt"));
  }
}

TEST(Preview, is_an_empty_list_without_consent_or_anything_to_send) {
  CourierPlace place("http://127.0.0.1:9/");
  EXPECT_EQ(place.run({"--preview"}).out, "[]\n");
  place.record(1, 1);
  place.consent.enabled = false;
  place.write_consent();
  EXPECT_EQ(place.run({"--preview"}).out, "[]\n");
}

TEST(Preview, has_more_time_than_a_courier_that_nobody_waits_for) {
  const CourierPlace place("http://127.0.0.1:9/");
  telemetry::EventRecord wordy = numbered(1);
  for (int i = 0; i < 13; ++i) wordy.attributes.push_back({fmt::format("{:n>48}", i), fmt::format("{:v>48}", i)});
  const std::vector<telemetry::EventRecord> records(3000, wordy);
  std::string bytes;
  for (const auto& frame : telemetry::encode(tool_origin(), records, 0, 1)) bytes += frame.bytes;
  for (int i = 0; i < 4; ++i) place.write_batch(fmt::format("{}-0-00000000000000a{}", seconds_now(), i), bytes);
  const Ended shown = place.run({"--preview"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_TRUE(shown.out.ends_with("]\n"));
}

TEST(Preview, waits_for_nobody) {
  const CourierPlace place("http://127.0.0.1:9/");
  place.record(1, 1);
  auto gate = telemetry::Gate::open(place.state_directory());
  ASSERT_TRUE(gate && gate->become_courier(false) && gate->take_pen(false));
  EXPECT_THAT(place.run({"--preview"}).rows(""), SizeIs(1));
}

}  // namespace
}  // namespace aldis::testing
