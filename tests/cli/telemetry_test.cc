// aldis about its own use: off until enabled, never in the way, and never in the environment of the program it runs.

#include <gmock/gmock.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/usage_events.h"
#include "core/clock.h"
#include "core/private_files.h"
#include "program.h"
#include "telemetry/frame.h"
#include "telemetry/gate.h"
#include "telemetry/update_cache.h"
#include "terminal.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Attributes = std::vector<telemetry::Attribute>;

class AldisTelemetry : public ::testing::Test {
 protected:
  std::string state_directory() const { return sandbox.home() + "/.local/state/aldis/telemetry"; }
  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(SystemClock().wall_now()); }

  // Enabled, but for an hour no courier may start: what is told stays in the spool.
  void enable(const Words& more = {}) {
    Words words = {"telemetry", "enable", "--endpoint", "http://127.0.0.1:9/"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(sandbox.aldis(words).exit_code, 0);
    const Result<FileDescriptor> state = make_own_directory(state_directory(), Others::nothing);
    Result<telemetry::Gate> gate = telemetry::Gate::open(*state);
    ASSERT_TRUE(gate && gate->take_pen(false));
    ASSERT_TRUE(gate->write({.next_attempt_at = now() + std::chrono::hours{1}}));
  }

  std::vector<telemetry::EventRecord> told() const {
    const Result<FileDescriptor> state = open_own_directory(state_directory(), Others::nothing);
    std::vector<telemetry::EventRecord> records;
    if (!state) return records;
    const Result<std::string> bytes = read_own_file(*state, "spool", limits::kTelemetrySpoolBytesMax);
    if (!bytes) return records;
    for (const telemetry::Frame& frame : telemetry::decode(*bytes).frames) {
      EXPECT_EQ(frame.origin.tool, "aldis");
      records.insert(records.end(), frame.records.begin(), frame.records.end());
    }
    return records;
  }
  static telemetry::Attribute text(std::string name, std::string value) { return {std::move(name), std::move(value)}; }
  static telemetry::Attribute number(std::string name, std::int64_t value) { return {std::move(name), value}; }

  Sandbox sandbox;
};

TEST(UsageEvents, know_every_command_by_its_name) {
  std::vector<std::string_view> names;
  for (const cli::CommandSpec* command : cli::all_commands()) names.push_back(command->name);
  EXPECT_EQ(names, std::vector<std::string_view>(cli::kCommandNames.begin(), cli::kCommandNames.end()));
  constexpr auto kReported = telemetry_names(cli::UsedCommand{});
  EXPECT_EQ(kReported[1], "agents_list");
}

TEST(UsageEvents, know_every_error_by_its_name) {
  constexpr auto kReported = telemetry_names(ErrorCode{});
  ASSERT_EQ(kReported.size(), cli::error_table().size());
  for (std::size_t i = 0; i < kReported.size(); ++i) EXPECT_EQ(kReported[i], to_string(static_cast<ErrorCode>(i)));
}

TEST_F(AldisTelemetry, is_off_and_writes_nothing_until_it_is_enabled) {
  for (const Words& words : {Words{"agents", "list"}, Words{"telemetry", "status"}, Words{"telemetry", "explain"},
                             Words{"telemetry", "preview"}, Words{"telemetry", "disable"}, Words{"telemetry", "reset"},
                             Words{"run", "--agent", "a", "--", "true"}}) {
    EXPECT_EQ(sandbox.aldis(words).exit_code, 0) << words.back();
    EXPECT_TRUE(fs::is_empty(sandbox.home())) << words.back();
  }
  const Ended status = sandbox.aldis({"telemetry", "status"});
  EXPECT_EQ(status.at("/data/enabled"), false);
  EXPECT_EQ(status.text("/data/decided_by"), "consent");
}

TEST_F(AldisTelemetry, has_no_endpoint_of_its_own) {
  const Ended refused = sandbox.aldis({"telemetry", "enable"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_EQ(refused.text("/error/code"), "ENDPOINT_REQUIRED");
  EXPECT_THAT(refused.text("/error/suggestion"), HasSubstr("aldis telemetry enable --endpoint"));
}

TEST_F(AldisTelemetry, tells_the_command_its_outcome_and_its_format_and_nothing_else) {
  enable();
  sandbox.aldis({"--output", "jsonl", "agents", "list", "--runtime-dir", sandbox.directory() + "/secret"});
  const std::vector<telemetry::EventRecord> records = told();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].name, "command_run");
  ASSERT_EQ(records[0].attributes.size(), 4u);
  EXPECT_EQ(Attributes(records[0].attributes.begin(), records[0].attributes.begin() + 3),
            (Attributes{text("command", "agents_list"), number("exit_code", 0), text("format", "jsonl")}));
  EXPECT_EQ(records[0].attributes[3].name, "duration_ms");
}

TEST_F(AldisTelemetry, tells_the_code_and_the_phase_of_an_error) {
  enable();
  sandbox.aldis({"agents", "show", "nobody"});
  sandbox.aldis({"agents", "show"});
  const std::vector<telemetry::EventRecord> records = told();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].attributes[1], number("exit_code", 5));
  EXPECT_EQ(records[1].severity, telemetry::Severity::error);
  EXPECT_EQ(records[1].attributes, (Attributes{text("code", "not_found"), text("phase", "execution")}));
  EXPECT_EQ(records[3].attributes, (Attributes{text("code", "invalid_argument"), text("phase", "validation")}));
}

TEST_F(AldisTelemetry, tells_nothing_of_help_schemas_versions_and_its_own_commands) {
  enable();
  for (const Words& words : {Words{"--help"}, Words{"--version"}, Words{}, Words{"agents", "list", "--help"},
                             Words{"agents", "list", "--schema"}, Words{"telemetry", "status"},
                             Words{"--output", "json", "telemetry", "explain"}}) {
    sandbox.aldis(words);
    EXPECT_THAT(told(), IsEmpty());
  }
}

TEST_F(AldisTelemetry, of_run_is_told_at_its_end_and_its_program_keeps_its_environment) {
  enable();
  const Ended ended = sandbox.aldis({"run", "--agent", "a", "--", "/bin/sh", "-c", "env; exit 42"});
  EXPECT_EQ(ended.exit_code, 42);
  EXPECT_THAT(ended.err, IsEmpty());
  for (const char* set :
       {"\nCI=", "NO_UPDATE_NOTIFIER=", "HOMEBREW_NO_AUTO_UPDATE=", "PIP_DISABLE_PIP_VERSION_CHECK="}) {
    EXPECT_THAT("\n" + ended.out, Not(HasSubstr(set)));
  }
  const std::vector<telemetry::EventRecord> records = told();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].attributes[0], text("command", "run"));
  EXPECT_EQ(records[0].attributes[1], number("exit_code", 42));
}

TEST_F(AldisTelemetry, of_a_run_that_a_signal_ends_passes_the_exit_code_on) {
  enable();
  Running run(sandbox.command({"run", "--agent", "a", "--", "/bin/sh", "-c", "echo ready; exec sleep 1000"}),
              sandbox.environment());
  ASSERT_TRUE(run.wait_for_output("ready"));
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait().exit_code, 143);
  ASSERT_EQ(told().size(), 1u);
  EXPECT_EQ(told()[0].attributes[1], number("exit_code", 143));
}

TEST_F(AldisTelemetry, stays_silent_where_it_is_unwanted) {
  enable();
  for (const char* variable : {"CI", "NO_TELEMETRY", "ALDIS_NO_TELEMETRY", "DO_NOT_TRACK"}) {
    sandbox.aldis({"agents", "list"}, {{variable, "1"}});
    EXPECT_THAT(told(), IsEmpty()) << variable;
    EXPECT_EQ(sandbox.aldis({"telemetry", "explain"}, {{variable, "1"}}).text("/data/decided_by"), variable);
    const Ended refused = sandbox.aldis({"telemetry", "flush"}, {{variable, "1"}});
    EXPECT_EQ(refused.exit_code, 4);
    EXPECT_THAT(refused.text("/error/message"), HasSubstr(variable));
  }
}

TEST_F(AldisTelemetry, enables_in_ci_with_a_warning) {
  const Ended enabled =
      sandbox.aldis({"telemetry", "enable", "--endpoint", "https://collector.example/"}, {{"CI", "true"}});
  EXPECT_EQ(enabled.exit_code, 0);
  EXPECT_EQ(enabled.at("/data/enabled"), true);
  EXPECT_EQ(enabled.at("/data/active"), false);
  EXPECT_THAT(std::string(enabled.rows("/warnings").at(0).as_string()), HasSubstr("CI"));
}

TEST_F(AldisTelemetry, refuses_bad_arguments_together) {
  const Ended refused = sandbox.aldis({"telemetry", "enable", "--endpoint", "ftp://x", "--format", "xml"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.text("/error/code"), "INVALID_ARGUMENT");
  EXPECT_EQ(refused.text("/error/phase"), "validation");
  EXPECT_THAT(refused.text("/error/message"), HasSubstr("--endpoint"));
  EXPECT_THAT(refused.text("/error/message"), HasSubstr("--format"));
  EXPECT_EQ(sandbox.aldis({"telemetry", "on"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"telemetry"}).exit_code, 2);
}

TEST_F(AldisTelemetry, answers_as_its_schemas_say) {
  enable();
  for (const char* name : {"status", "explain", "disable", "preview", "reset"}) {
    const Ended answer = sandbox.aldis({"telemetry", name});
    const Ended schema = sandbox.aldis({"telemetry", name, "--schema"});
    for (const std::string& key : answer.keys("/data")) {
      EXPECT_THAT(schema.keys("/data/output_schema/properties"), Contains(key)) << name;
    }
    EXPECT_THAT(schema.keys("/data/exit_codes"), ::testing::IsSupersetOf({"0", "2", "4", "12"}));
  }
}

TEST_F(AldisTelemetry, tells_of_a_newer_version_where_that_is_wanted) {
  enable({"--update-url", "http://127.0.0.1:9/version"});
  const Result<FileDescriptor> state = open_own_directory(state_directory(), Others::nothing);
  ASSERT_TRUE(telemetry::write_update(*state, {.version = "99.0.0", .checked_at = now()}));
  EXPECT_EQ(sandbox.aldis({"agents", "list"}).text("/meta/update_available"), "99.0.0");
  EXPECT_THAT(sandbox.aldis({"agents", "list"}).err, IsEmpty());
  EXPECT_THAT(sandbox.aldis({"agents", "list", "--no-update-check"}).keys("/meta"), Not(Contains("update_available")));
  EXPECT_THAT(sandbox.aldis({"agents", "list"}, {{"ALDIS_NO_UPDATE", "1"}}).keys("/meta"),
              Not(Contains("update_available")));
  const Variables terminal = sandbox.environment({{"TERM", "xterm"}});
  EXPECT_THAT(on_terminal(sandbox.command({"agents", "list"}), terminal).out, HasSubstr("aldis 99.0.0 is available"));
  EXPECT_EQ(on_terminal(sandbox.command({"run", "--agent", "a", "--", "/bin/echo", "mine"}), terminal).out, "mine\r\n");
}

TEST_F(AldisTelemetry, has_a_view_for_people) {
  const Variables terminal = sandbox.environment({{"TERM", "xterm"}});
  enable();
  const auto shown = [&](const char* name) { return on_terminal(sandbox.command({"telemetry", name}), terminal).out; };
  EXPECT_THAT(shown("status"), HasSubstr("http://127.0.0.1:9/"));
  EXPECT_THAT(shown("explain"), HasSubstr("DO_NOT_TRACK"));
  EXPECT_THAT(shown("preview"), HasSubstr("nothing waits"));
  EXPECT_THAT(shown("flush"), HasSubstr("0 sent"));
  EXPECT_THAT(shown("disable"), HasSubstr("off"));
  EXPECT_THAT(shown("reset"), HasSubstr("nothing of it is left"));
}

}  // namespace
}  // namespace aldis::testing
