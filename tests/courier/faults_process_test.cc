// The real courier when the network, the disk or the user does something else than it hoped for.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>

#include "core/format.h"
#include "courier/courier_program.h"
#include "courier/http.h"
#include "courier/http_server.h"

namespace aldis::testing {
namespace {

using telemetry::LastResult;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(Lifetime, a_silent_server_costs_the_courier_its_life_and_the_batch_an_attempt) {
  const HttpServer server([](const Received&) { return Reply{"", Reply::Then::stay_silent}; });
  CourierPlace place(server.url());
  place.consent.lifetime = std::chrono::milliseconds{1500};
  place.write_consent();
  place.record(1, 1);
  const std::int64_t before = seconds_now();
  EXPECT_EQ(place.run().exit_code, -SIGALRM);
  EXPECT_THAT(place.batches(), ElementsAre(HasSubstr("-1-")));
  const telemetry::GateRecord gate = place.gate();
  EXPECT_EQ(gate.last_result, LastResult::slow_network);
  EXPECT_EQ(gate.failures, 1U);
  EXPECT_EQ(gate.unfinished, 0);
  EXPECT_GT(gate.next_attempt_at.time_since_epoch().count(), before);
}

// Exec keeps what is ignored and blocked.
TEST(Lifetime, an_inherited_signal_mask_does_not_keep_it_alive) {
  const HttpServer server([](const Received&) { return Reply{"", Reply::Then::stay_silent}; });
  CourierPlace place(server.url());
  place.consent.lifetime = std::chrono::milliseconds{1000};
  place.write_consent();
  place.record(1, 1);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
  const auto previous = std::signal(SIGALRM, SIG_IGN);
  EXPECT_EQ(place.run().exit_code, -SIGALRM);
  std::signal(SIGALRM, previous);
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
}

TEST(GivingUp, after_five_attempts_a_batch_is_dropped_and_its_records_are_counted) {
  HttpServer server([](const Received&) { return reply("503 No"); });
  const CourierPlace place(server.url());
  place.record(1, 6);
  for (int attempt = 1; attempt <= 5; ++attempt) {
    EXPECT_EQ(place.run().exit_code, 1);
    EXPECT_THAT(place.batches(), ElementsAre(HasSubstr(fmt::format("-{}-", attempt))));
    EXPECT_EQ(place.gate().failures, static_cast<std::uint32_t>(attempt));
  }
  server.answer_with(json_reply());
  EXPECT_EQ(place.run().exit_code, 0);
  const auto received = server.received();
  ASSERT_THAT(received, SizeIs(6));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(received[i].headers.at("x-telemetry-attempt"), std::to_string(i + 1));
    EXPECT_EQ(received[i].body, received[0].body);
    EXPECT_EQ(received[i].headers.at("idempotency-key"), received[0].headers.at("idempotency-key"));
  }
  EXPECT_EQ(content_of(received[5].body).dropped, 6);
  EXPECT_EQ(place.gate().failed, 1U);
  EXPECT_EQ(place.gate().dropped, 6U);
  EXPECT_THAT(place.batches(), IsEmpty());
}

TEST(GivingUp, after_seven_days_a_batch_is_dropped_untried) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now() - 7 * 86400), frame_of(1, 3, 7));
  place.write_batch(fmt::format("{}-0-00000000000000bb", seconds_now() - 7 * 86400 + 600), frame_of(4, 4, 8));
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_THAT(server.received(), SizeIs(2));
  EXPECT_THAT(content_of(server.received()[0].body).numbers, ElementsAre(4));
  EXPECT_EQ(content_of(server.received()[1].body).dropped, 3);
}

// Each 8 bytes begin a frame of 4 KiB, and each checksum is wrong.
TEST(GivingUp, what_is_laborious_to_read_costs_no_courier_its_life) {
  CourierPlace place("http://127.0.0.1:9/");
  place.consent.lifetime = std::chrono::milliseconds{2000};
  place.write_consent();
  std::string bytes;
  while (bytes.size() < 512 * 1024) bytes += std::string_view("ATF1\x0f\xf4\0\0", 8);
  for (int i = 0; i < 8; ++i) place.write_batch(fmt::format("{}-5-00000000000000a{}", seconds_now(), i), bytes);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_THAT(place.batches(), IsEmpty());
  EXPECT_EQ(place.gate().failed, 8U);
  EXPECT_EQ(place.gate().dropped, 8U);
}

TEST(GivingUp, waits_for_nobody_who_locks_what_is_worn_out) {
  CourierPlace place("http://127.0.0.1:9/");
  place.consent.lifetime = std::chrono::milliseconds{1500};
  place.write_consent();
  const std::string path = place.write_batch(fmt::format("{}-5-00000000000000aa", seconds_now()), frame_of(1, 3, 7));
  const FileDescriptor held(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(flock(held.get(), LOCK_SH), 0);
  place.run();
  EXPECT_EQ(place.gate().failed, 1U);
  EXPECT_THAT(place.batches(), Not(Contains(HasSubstr("00000000000000aa"))));
}

TEST(SingleFlight, a_second_courier_leaves_the_first_alone) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.record(1, 1);
  {
    auto gate = telemetry::Gate::open(place.state_directory());
    ASSERT_TRUE(gate && gate->become_courier(false));
    EXPECT_EQ(place.run().exit_code, 0);
    EXPECT_EQ(server.connections(), 0);
  }
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(1));
}

TEST(SingleFlight, of_many_couriers_at_once_each_record_is_sent_by_one) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.record(1, 3);
  std::vector<std::unique_ptr<Running>> couriers;
  for (int i = 0; i < 6; ++i) {
    couriers.push_back(std::make_unique<Running>(Words{courier(), "--flush"}, place.environment()));
  }
  for (const auto& running : couriers) EXPECT_EQ(running->wait().exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(1));
  EXPECT_EQ(place.gate().sent, 1U);
}

TEST(Consent, without_it_nothing_is_sent_and_no_file_is_made) {
  const HttpServer server;
  CourierPlace place(server.url());
  place.record(1, 1);
  place.consent.enabled = false;
  place.write_consent();
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_THAT(place.batches(), IsEmpty());
  EXPECT_NE(access((place.state() + "/gate").c_str(), F_OK), 0);
  EXPECT_FALSE(place.spool().empty());
}

TEST(Consent, revoked_between_two_batches_it_stops_the_second) {
  CourierPlace place("");
  const HttpServer server([&](const Received&) {
    EXPECT_TRUE(telemetry::write_consent(place.config(), {.enabled = false}).has_value());
    return json_reply();
  });
  place.consent.endpoint = server.url();
  place.write_consent();
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now() - 60), frame_of(1, 1, 7));
  place.record(2, 2);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(1));
  EXPECT_THAT(place.batches(), ElementsAre(HasSubstr("-0-")));
}

TEST(FilesOfAnotherVersion, cost_themselves_and_nothing_else) {
  const HttpServer server;
  const CourierPlace place(server.url());
  std::string newer_frame = frame_of(1, 1, 7);
  newer_frame[3] = '2';
  std::ofstream(place.state() + "/gate") << "ATG2" << std::string(124, '\xff');
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now()), newer_frame + frame_of(2, 3, 8));
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_THAT(server.received(), SizeIs(1));
  EXPECT_THAT(content_of(server.received()[0].body).numbers, ElementsAre(2, 3));
  EXPECT_EQ(place.gate().dropped, 1U);
  EXPECT_EQ(place.gate().sent, 1U);
}

TEST(ConsentOfAnotherVersion, is_none) {
  const HttpServer server;
  const CourierPlace place(server.url());
  std::ofstream(place.config() + "/telemetry") << "aldis-telemetry 2\nenabled yes\nendpoint " << server.url() << "\n";
  place.record(1, 1);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_FALSE(place.spool().empty());
}

TEST(Consent, the_start_of_a_courier_that_found_none_is_heard_of) {
  CourierPlace place("http://127.0.0.1:9/");
  place.consent.enabled = false;
  place.write_consent();
  const telemetry::GateRecord before{.failures = 2, .last_result = LastResult::busy, .unfinished = 2, .sent = 7};
  place.write_gate(before);
  EXPECT_EQ(place.run().exit_code, 0);
  telemetry::GateRecord expected = before;
  expected.unfinished = 0;
  EXPECT_EQ(place.gate(), expected);
}

// Answers once the user has said no, or no and yes again.
Reply after(const CourierPlace& place, const telemetry::ConsentFile& consent, const Reply& reply) {
  EXPECT_TRUE(telemetry::write_consent(place.config(), consent).has_value());
  return reply;
}

TEST(Consent, that_goes_while_a_request_runs_leaves_no_trace_of_the_answer) {
  for (const bool is_accepted : {true, false}) {
    for (const bool is_enabled_again : {true, false}) {
      CourierPlace place("");
      const HttpServer server([&](const Received&) {
        const telemetry::ConsentFile consent{
            .enabled = is_enabled_again, .endpoint = "http://127.0.0.1:9/", .install_id = {9}};
        return after(place, consent, is_accepted ? json_reply() : reply("400 No"));
      });
      place.consent.endpoint = server.url();
      place.write_consent();
      place.record(1, 1);
      EXPECT_EQ(place.run().exit_code, is_accepted ? 0 : 1);
      EXPECT_THAT(server.received(), SizeIs(1));
      EXPECT_NE(access((place.state() + "/spool").c_str(), F_OK), 0);
      EXPECT_NE(access((place.state() + "/sent").c_str(), F_OK), 0);
    }
  }
}

TEST(Gate, hears_of_a_courier_that_has_no_place_for_batches) {
  const CourierPlace place("http://127.0.0.1:9/");
  std::ofstream(place.state() + "/batch") << "in the way";
  place.record(1, 1);
  place.write_gate({.unfinished = 2});
  const std::int64_t before = seconds_now();
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_EQ(place.gate().unfinished, 0);
  EXPECT_EQ(place.gate().failures, 1U);
  EXPECT_EQ(place.gate().last_result, LastResult::unreachable);
  EXPECT_GT(place.gate().next_attempt_at.time_since_epoch().count(), before);
  EXPECT_FALSE(place.spool().empty());
}

TEST(Gate, is_as_it_was_when_there_was_nothing_to_send) {
  const CourierPlace place("http://127.0.0.1:9/");
  const telemetry::GateRecord before{.next_attempt_at = std::chrono::sys_seconds{std::chrono::seconds{1'790'000'000}},
                                     .failures = 2,
                                     .last_result = LastResult::busy,
                                     .failed = 3};
  place.write_gate(before);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(place.gate(), before);
}

TEST(Network, a_refused_connection_is_a_failure_to_be_tried_again) {
  std::string url;
  {
    const HttpServer gone;
    url = gone.url();
  }
  const CourierPlace place(url);
  place.record(1, 1);
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_EQ(place.gate().last_result, LastResult::unreachable);
  EXPECT_THAT(place.batches(), SizeIs(1));
}

TEST(Network, only_http_and_https_are_spoken) {
  auto http = courier::Http::load(Environment{});
  ASSERT_TRUE(http.has_value());
  for (const char* url :
       {"file:///etc/passwd", "ftp://127.0.0.1:9/", "gopher://127.0.0.1:9/", "telnet://127.0.0.1:9/"}) {
    EXPECT_FALSE(http->send({.url = url, .answer_bytes_max = 65536}).arrived) << url;
  }
  const HttpServer server;
  EXPECT_TRUE(http->send({.url = server.url(), .answer_bytes_max = 65536}).arrived);
}

TEST(Network, the_proxy_variables_are_heeded_and_no_proxy_as_well) {
  const HttpServer proxy;
  const HttpServer server;
  const CourierPlace place("http://telemetry.invalid/v1/logs");
  place.record(1, 1);
  EXPECT_EQ(place.run({}, {{"http_proxy", proxy.url("")}}).exit_code, 0);
  place.record(2, 2);
  EXPECT_EQ(place.run({}, {{"all_proxy", proxy.url("")}}).exit_code, 0);
  ASSERT_THAT(proxy.received(), SizeIs(2));
  EXPECT_EQ(proxy.received()[0].target, "http://telemetry.invalid/v1/logs");

  // 0.0.0.0 is this host as well, but not by name: the user had to insist on it.
  std::string url = server.url();
  url.replace(url.find("127.0.0.1"), 9, "0.0.0.0");
  const CourierPlace near(url);
  near.record(3, 3);
  EXPECT_EQ(near.run({}, {{"http_proxy", proxy.url("")}, {"no_proxy", "0.0.0.0"}}).exit_code, 0);
  EXPECT_THAT(proxy.received(), SizeIs(2));
  EXPECT_THAT(server.received(), SizeIs(1));
}

TEST(Network, what_is_for_this_host_leaves_it_by_no_proxy) {
  const HttpServer proxy;
  const HttpServer server;
  CourierPlace place(server.url());
  place.consent.update_url = server.url("/newest");
  place.write_consent();
  place.record(1, 1);
  const std::string by = proxy.url("");
  EXPECT_EQ(place.run({"--update-check"}, {{"http_proxy", by}, {"all_proxy", by}}).exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(2));
  EXPECT_THAT(proxy.received(), IsEmpty());
}

TEST(Network, without_libcurl_nothing_is_tried_and_nothing_lost) {
  const HttpServer server;
  const ScratchDirectory libraries;
  std::ofstream(libraries.file("libcurl.so.4")) << "no library";
  const CourierPlace place(server.url());
  place.record(1, 1);
  EXPECT_EQ(place.run({}, {{"LD_LIBRARY_PATH", libraries.path()}}).exit_code, 1);
  EXPECT_THAT(place.batches(), ElementsAre(HasSubstr("-0-")));
  EXPECT_EQ(place.gate().last_result, LastResult::unreachable);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_THAT(server.received(), SizeIs(1));
}

TEST(Spool, a_damaged_frame_costs_itself_and_is_counted) {
  const std::string frames[] = {frame_of(1, 1, 7), frame_of(2, 2, 8), frame_of(3, 3, 9)};
  const HttpServer server;
  const CourierPlace place(server.url());
  for (const std::size_t at : {0, 5, 13, 60}) {
    std::string damaged = frames[1];
    damaged[at] = static_cast<char>(~damaged[at]);
    place.write_batch(fmt::format("{}-0-00000000000000{:02}", seconds_now(), at), frames[0] + damaged + frames[2]);
  }
  EXPECT_EQ(place.run().exit_code, 0);
  const auto received = server.received();
  ASSERT_THAT(received, SizeIs(4));
  for (const Received& request : received) EXPECT_THAT(content_of(request.body).numbers, ElementsAre(1, 3));
  EXPECT_EQ(place.gate().dropped, 4U);
}

TEST(Spool, nothing_but_rubbish_is_dropped_without_a_request) {
  const HttpServer server;
  const CourierPlace place(server.url());
  place.write_batch(fmt::format("{}-0-00000000000000aa", seconds_now()), std::string(5000, '\xff'));
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_THAT(place.batches(), IsEmpty());
  EXPECT_EQ(place.gate().failed, 1U);
  EXPECT_EQ(place.gate().dropped, 1U);
}

TEST(Spool, a_fifo_or_a_link_in_its_place_is_left_alone) {
  const HttpServer server;
  const CourierPlace place(server.url());
  const std::string spool = place.state() + "/spool";
  ASSERT_EQ(mkfifo(spool.c_str(), 0600), 0);
  EXPECT_EQ(place.run().exit_code, 0);
  ASSERT_EQ(unlink(spool.c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", spool.c_str()), 0);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_THAT(place.batches(), IsEmpty());
}

TEST(Spool, waits_while_there_are_as_many_batches_as_may_be) {
  const HttpServer server([](const Received&) { return reply("503 No"); });
  const CourierPlace place(server.url());
  for (int i = 0; i < 8; ++i) {
    place.write_batch(fmt::format("{}-0-00000000000000a{}", seconds_now(), i), frame_of(i, i, 7));
  }
  place.record(9, 9);
  const std::string spool = place.spool();
  EXPECT_EQ(place.run().exit_code, 1);
  EXPECT_THAT(place.batches(), SizeIs(8));
  EXPECT_EQ(place.spool(), spool);
}

TEST(SentLog, that_cannot_be_written_does_not_stop_a_delivery) {
  const HttpServer server;
  const CourierPlace place(server.url());
  ASSERT_EQ(mkdir((place.state() + "/sent").c_str(), 0700), 0);
  place.record(1, 1);
  EXPECT_EQ(place.run().exit_code, 0);
  EXPECT_THAT(place.batches(), IsEmpty());
  EXPECT_EQ(place.gate().sent, 1U);
}

}  // namespace
}  // namespace aldis::testing
