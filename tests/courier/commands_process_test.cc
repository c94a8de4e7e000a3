// `telemetry preview` and `flush` with the real courier, in a process that hears nothing of its children's ends.

#include <gmock/gmock.h>

#include <csignal>

#include "courier/courier_program.h"
#include "courier/http_server.h"
#include "telemetry/commands.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// With SIGCHLD ignored, as it may be inherited, the kernel reaps and tells nobody how a child ended.
class CommandsOfTheDeaf : public ::testing::Test {
 protected:
  CommandsOfTheDeaf() { place.record(1, 3); }
  ~CommandsOfTheDeaf() override { std::signal(SIGCHLD, before_); }

  TelemetryAnswer run(const std::string& command) const {
    const Environment environment;
    const telemetry::CommandScene scene{.tool = "tool",
                                        .suggested_endpoint = {},
                                        .environment = environment,
                                        .clock = clock_,
                                        .places = telemetry::Places{place.config(), place.state()},
                                        .facts = {.tool = "tool", .environment = &environment}};
    const std::string words[] = {command};
    return telemetry::run_command(scene, words);
  }

  HttpServer server;
  CourierPlace place{server.url()};

 private:
  const SystemClock clock_;
  void (*const before_)(int) = std::signal(SIGCHLD, SIG_IGN);
};

TEST_F(CommandsOfTheDeaf, preview_shows_what_waits) {
  const TelemetryAnswer answer = run("preview");
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.data, HasSubstr("sha256"));
}

TEST_F(CommandsOfTheDeaf, flush_that_sent_everything_succeeds) {
  const TelemetryAnswer answer = run("flush");
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_EQ(answer.data, R"({"sent":1,"failed":0,"remaining":0})");
  EXPECT_THAT(server.received(), SizeIs(1));
}

TEST_F(CommandsOfTheDeaf, flush_that_left_something_fails) {
  server.answer_with(reply("503 No"));
  place.write_gate({.last_result = telemetry::LastResult::sent});
  const TelemetryAnswer answer = run("flush");
  EXPECT_EQ(answer.exit_code, 12);
  EXPECT_EQ(answer.data, R"({"sent":0,"failed":0,"remaining":1})");
}

}  // namespace
}  // namespace aldis::testing
