// What `telemetry status|explain|enable|disable|preview|flush|reset` answer, change and leave alone.

#include "telemetry/commands.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/private_files.h"
#include "fakes/fake_clock.h"
#include "fakes/scratch_directory.h"
#include "telemetry/frame.h"
#include "telemetry/gate.h"

namespace aldis::telemetry {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Variables = std::map<std::string, std::string, std::less<>>;
using Words = std::vector<std::string>;

constexpr std::string_view kEndpoint = "https://collector.example/v1/logs";

class Commands : public ::testing::Test {
 protected:
  // One command of a tool "my-tool", as a process of its own would run it.
  TelemetryAnswer run(const Words& words, const Variables& variables = {}) {
    const Environment environment(variables);
    CommandScene scene{.tool = "my-tool",
                       .suggested_endpoint = suggested_endpoint,
                       .environment = environment,
                       .clock = clock,
                       .places = has_places ? std::optional(places) : std::nullopt,
                       .facts = {.tool = "my-tool", .environment = &environment, .place_problem = place_problem}};
    return run_command(scene, words);
  }

  boost::json::value data(const Words& words, const Variables& variables = {}) {
    const TelemetryAnswer answer = run(words, variables);
    EXPECT_EQ(answer.exit_code, 0) << (answer.error ? answer.error->message : "");
    EXPECT_FALSE(answer.text.empty());
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(answer.data, error);
    EXPECT_FALSE(error) << answer.data;
    return value;
  }

  TelemetryAnswer enable(Words more = {}) {
    Words words = {"enable", "--endpoint", std::string(kEndpoint)};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  std::string code(const TelemetryAnswer& answer) { return answer.error ? answer.error->code : ""; }
  ConsentFile consent() { return read_consent(places.consent_directory).value_or(ConsentFile{}); }

  // A state directory as tools and couriers leave it behind: one spooled frame, one batch, all other files.
  void leave_state() {
    const Result<FileDescriptor> state = make_own_directory(places.state_directory, Others::nothing);
    const Result<FileDescriptor> batches = make_own_directory(places.state_directory + "/batch", Others::nothing);
    ASSERT_TRUE(state && batches);
    const FrameOrigin origin{.tool = "my-tool", .version = "1.2.3"};
    for (const EncodedFrame& frame : encode(origin, {}, 3, 1)) {
      write_file("spool", frame.bytes);
      write_file("batch/1790000000-0-0123456789abcdef", frame.bytes);
    }
    for (const char* name : {"update", "sent"}) write_file(name, "x");
    write_gate({.next_attempt_at = std::chrono::sys_seconds{std::chrono::seconds{1790000100}},
                .failures = 2,
                .last_result = LastResult::slow_network,
                .unfinished = 1,
                .sent = 7,
                .dropped = 5});
  }
  void write_gate(const GateRecord& record) {
    const Result<FileDescriptor> state = open_own_directory(places.state_directory, Others::nothing);
    Result<Gate> gate = Gate::open(*state);
    ASSERT_TRUE(gate && gate->take_pen(false) && gate->write(record));
  }
  GateRecord gate() {
    const Result<FileDescriptor> state = open_own_directory(places.state_directory, Others::nothing);
    return Gate::open_existing(*state)->read();
  }
  void write_file(const std::string& name, std::string_view bytes) {
    const std::string path = places.state_directory + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  }
  bool exists(const std::string& name) { return fs::exists(places.state_directory + "/" + name); }
  bool nothing_exists() { return fs::is_empty(directory.path()); }

  testing::ScratchDirectory directory;
  testing::FakeClock clock;
  Places places{.consent_directory = directory.file("config/my-tool"),
                .state_directory = directory.file("state/my-tool/telemetry")};
  std::string suggested_endpoint;
  bool has_places = true;
  std::string place_problem;
};

TEST_F(Commands, status_before_anything_was_enabled_is_all_zero_and_makes_nothing) {
  const boost::json::value status = data({"status"});
  EXPECT_EQ(status, boost::json::parse(R"({"enabled":false,"active":false,"decided_by":"consent","endpoint":null,
      "spool_bytes":0,"batches":0,"dropped":0,"last_result":"none","next_attempt_at":null})"));
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, status_counts_what_waits_and_what_was_dropped) {
  enable();
  leave_state();
  const boost::json::value status = data({"status"});
  EXPECT_TRUE(status.at("enabled").as_bool());
  EXPECT_TRUE(status.at("active").as_bool());
  EXPECT_EQ(status.at("endpoint").as_string(), kEndpoint);
  EXPECT_EQ(status.at("spool_bytes").as_int64(),
            static_cast<std::int64_t>(fs::file_size(places.state_directory + "/spool")));
  EXPECT_EQ(status.at("batches").as_int64(), 1);
  EXPECT_EQ(status.at("dropped").as_int64(), 5 + 3 + 3);
  EXPECT_EQ(status.at("last_result").as_string(), "slow_network");
  EXPECT_EQ(status.at("next_attempt_at").as_string(), "2026-09-21T14:15:00.000000Z");
}

TEST_F(Commands, status_of_a_slow_network_names_the_remedy) {
  enable();
  leave_state();
  EXPECT_THAT(run({"status"}).warnings, ElementsAre(HasSubstr("my-tool telemetry enable --lifetime-ms")));
}

TEST_F(Commands, status_says_when_no_courier_can_start) {
  enable();
  EXPECT_THAT(run({"status"}, {{"ALDIS_COURIER", "1"}}).warnings, ElementsAre(HasSubstr("records wait in the spool")));
  EXPECT_THAT(run({"status"}, {{"ALDIS_COURIER", "1"}, {"CI", "1"}}).warnings, IsEmpty());
}

TEST_F(Commands, status_while_a_courier_runs_does_not_guess_how_it_ends) {
  enable();
  leave_state();
  const Result<FileDescriptor> state = open_own_directory(places.state_directory, Others::nothing);
  ASSERT_TRUE(state);
  Result<Gate> courier = Gate::open_existing(*state);
  ASSERT_TRUE(courier && courier->become_courier(false));
  EXPECT_EQ(data({"status"}).at("last_result").as_string(), "sending");
  EXPECT_THAT(run({"status"}).warnings, IsEmpty());
}

TEST_F(Commands, explain_lists_every_rule_in_order_and_says_which_decided) {
  enable();
  const boost::json::value explained = data({"explain"}, {{"CI", "false"}, {"DO_NOT_TRACK", "1"}});
  EXPECT_FALSE(explained.at("active").as_bool());
  EXPECT_EQ(explained.at("decided_by").as_string(), "CI");
  std::vector<std::string> rules;
  for (const auto& rule : explained.at("precedence").as_array()) {
    rules.push_back(std::string(rule.at("name").as_string()) + " " + std::string(rule.at("effect").as_string()));
  }
  EXPECT_THAT(rules, ElementsAre("CI off", "GITHUB_ACTIONS none", "JENKINS_URL none", "NO_TELEMETRY none",
                                 "MY_TOOL_NO_TELEMETRY none", "DO_NOT_TRACK off", "setuid none", "command line none",
                                 "place none", "consent on"));
  EXPECT_EQ(explained.at("precedence").at(0).at("value").as_string(), "false");
  EXPECT_TRUE(explained.at("precedence").at(1).at("value").is_null());
}

TEST_F(Commands, explain_without_consent_is_decided_by_it) {
  const boost::json::value explained = data({"explain"});
  EXPECT_EQ(explained.at("decided_by").as_string(), "consent");
  EXPECT_EQ(explained.at("precedence").as_array().back().at("effect").as_string(), "off");
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, enable_writes_the_consent_and_nothing_else) {
  EXPECT_EQ(data({"enable", "--endpoint", std::string(kEndpoint)}),
            boost::json::parse(R"({"enabled":true,"active":true,"decided_by":"consent",
                "endpoint":"https://collector.example/v1/logs"})"));
  EXPECT_TRUE(consent().enabled);
  EXPECT_NE(consent().install_id, InstallId{});
  EXPECT_FALSE(fs::exists(places.state_directory));
}

TEST_F(Commands, enable_works_whatever_is_set_and_warns_that_it_is_not_active) {
  const TelemetryAnswer answer =
      run({"enable", "--endpoint", std::string(kEndpoint)}, {{"CI", "1"}, {"NO_TELEMETRY", "1"}});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.data, HasSubstr(R"("enabled":true,"active":false,"decided_by":"CI")"));
  EXPECT_THAT(answer.warnings, ElementsAre(HasSubstr("CI")));
  EXPECT_TRUE(consent().enabled);
}

TEST_F(Commands, enable_keeps_what_is_not_named) {
  enable({"--format", "jsonl", "--lifetime-ms", "2000", "--update-url", "https://updates.example/tool"});
  const InstallId id = consent().install_id;
  EXPECT_EQ(run({"enable", "--lifetime-ms=3000"}).exit_code, 0);
  EXPECT_EQ(consent(), (ConsentFile{.enabled = true,
                                    .endpoint = std::string(kEndpoint),
                                    .format = BodyFormat::jsonl,
                                    .lifetime = std::chrono::milliseconds{3000},
                                    .update_url = "https://updates.example/tool",
                                    .install_id = id}));
  run({"enable", "--update-url", "-"});
  EXPECT_EQ(consent().update_url, "");
}

TEST_F(Commands, enable_without_any_endpoint_asks_for_one) {
  const TelemetryAnswer answer = run({"enable"});
  EXPECT_EQ(answer.exit_code, 4);
  EXPECT_EQ(code(answer), "ENDPOINT_REQUIRED");
  EXPECT_THAT(answer.error->suggestion, HasSubstr("my-tool telemetry enable --endpoint https://"));
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, enable_takes_the_endpoint_that_the_tool_suggests_if_none_is_named) {
  suggested_endpoint = "https://tool.example/logs";
  EXPECT_EQ(run({"enable"}).exit_code, 0);
  EXPECT_EQ(consent().endpoint, "https://tool.example/logs");
  enable();
  run({"enable"});
  EXPECT_EQ(consent().endpoint, kEndpoint);
}

TEST_F(Commands, enable_tells_everything_that_is_wrong_at_once) {
  const TelemetryAnswer answer = run({"enable", "--endpoint", "ftp://x", "--format", "xml", "--lifetime-ms", "99",
                                      "--update-url", "http://far.example", "--nonsense", "word"});
  EXPECT_EQ(answer.exit_code, 2);
  EXPECT_EQ(code(answer), "INVALID_ARGUMENT");
  for (const char* part : {"--endpoint", "--format", "--lifetime-ms", "--update-url", "--nonsense", "word"}) {
    EXPECT_THAT(answer.error->message, HasSubstr(part));
  }
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, enable_refuses_lifetimes_that_are_no_number_between_the_bounds) {
  for (const char* wrong : {"99", "10001", "", "1e3", "500ms", "-500", "99999999999999999999"}) {
    EXPECT_EQ(enable({"--lifetime-ms", wrong}).exit_code, 2) << wrong;
  }
  EXPECT_EQ(enable({"--lifetime-ms", "100"}).exit_code, 0);
  EXPECT_EQ(enable({"--lifetime-ms", "10000"}).exit_code, 0);
}

TEST_F(Commands, enable_takes_plain_http_to_other_hosts_only_if_told_to) {
  EXPECT_EQ(run({"enable", "--endpoint", "http://collector.example/"}).exit_code, 2);
  EXPECT_EQ(run({"enable", "--endpoint", "http://collector.example/", "--allow-http"}).exit_code, 0);
  EXPECT_EQ(run({"enable", "--endpoint", "http://127.0.0.1:4318/v1/logs"}).exit_code, 0);
}

TEST_F(Commands, enable_begins_to_count_anew) {
  leave_state();
  enable();
  EXPECT_EQ(gate(), GateRecord{});
}

TEST_F(Commands, status_says_until_when_nothing_is_started_and_enable_ends_it) {
  enable();
  leave_state();
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.wall_now());
  write_gate({.unfinished = 2, .spool_only_until = now + std::chrono::days{3}, .sent = 7});
  EXPECT_EQ(data({"status"}).at("next_attempt_at").as_string(), format_timestamp(now + std::chrono::days{3}));
  EXPECT_THAT(run({"status"}).warnings, ElementsAre(HasSubstr("my-tool telemetry enable")));
  run({"enable"});
  EXPECT_THAT(run({"status"}).warnings, IsEmpty());
  EXPECT_EQ(gate(), GateRecord{.sent = 7});
}

TEST_F(Commands, another_endpoint_ends_the_pause_that_the_old_one_earned) {
  enable();
  leave_state();
  run({"enable", "--format", "jsonl"});
  EXPECT_FALSE(data({"status"}).at("next_attempt_at").is_null());
  run({"enable", "--endpoint", "https://other.example/"});
  const boost::json::value status = data({"status"});
  EXPECT_TRUE(status.at("next_attempt_at").is_null());
  EXPECT_EQ(status.at("last_result").as_string(), "none");
  EXPECT_EQ(status.at("dropped").as_int64(), 11);
}

TEST_F(Commands, disable_says_no_and_deletes_what_was_not_sent) {
  enable();
  leave_state();
  EXPECT_EQ(data({"disable"}).at("enabled"), false);
  EXPECT_FALSE(consent().enabled);
  EXPECT_EQ(consent().endpoint, kEndpoint);
  for (const char* gone : {"spool", "batch/1790000000-0-0123456789abcdef", "update"})
    EXPECT_FALSE(exists(gone)) << gone;
  for (const char* kept : {"gate", "sent"}) EXPECT_TRUE(exists(kept)) << kept;
}

TEST_F(Commands, enabling_after_a_disable_makes_a_new_install_id_and_keeps_the_endpoint) {
  enable();
  const InstallId first = consent().install_id;
  run({"enable"});
  EXPECT_EQ(consent().install_id, first);
  run({"disable"});
  EXPECT_EQ(run({"enable"}).exit_code, 0);
  EXPECT_NE(consent().install_id, first);
  EXPECT_EQ(consent().endpoint, kEndpoint);
}

TEST_F(Commands, disable_takes_the_consent_to_update_checks_back_too) {
  enable({"--update-url", "https://updates.example/tool"});
  run({"disable"});
  enable();
  EXPECT_EQ(consent().update_url, "");
}

TEST_F(Commands, a_wrong_option_is_answered_with_where_to_read_about_it) {
  const TelemetryAnswer answer = run({"enable", "--lifetime-ms"});
  EXPECT_EQ(answer.error->message, "--lifetime-ms needs a value");
  EXPECT_EQ(answer.error->suggestion, "see my-tool telemetry enable --help");
}

TEST_F(Commands, a_new_consent_does_not_cover_what_was_recorded_under_an_old_one) {
  enable();
  run({"disable"});
  leave_state();
  enable();
  EXPECT_FALSE(exists("spool"));
  EXPECT_EQ(data({"status"}).at("batches").as_int64(), 0);
}

TEST_F(Commands, disable_and_reset_of_what_was_never_enabled_make_nothing) {
  EXPECT_EQ(data({"disable"}).at("decided_by").as_string(), "consent");
  EXPECT_EQ(data({"reset"}).at("enabled"), false);
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, disable_forgets_a_batch_even_of_a_consent_that_is_not_understood) {
  leave_state();
  fs::create_directories(places.consent_directory);
  std::ofstream(places.consent_directory + "/telemetry") << "aldis-telemetry 9\n";
  EXPECT_EQ(run({"disable"}).exit_code, 0);
  EXPECT_FALSE(exists("spool"));
}

// Another version, or another mode of the directory, would make it a consent again.
TEST_F(Commands, disable_and_reset_remove_a_consent_that_they_cannot_read) {
  const std::string file = places.consent_directory + "/telemetry";
  for (const char* command : {"disable", "reset"}) {
    enable();
    std::ofstream(file) << "aldis-telemetry 2\nenabled yes\n";
    EXPECT_EQ(run({command}).exit_code, 0);
    EXPECT_FALSE(fs::exists(file)) << command;
    enable();
    ASSERT_EQ(chmod(places.consent_directory.c_str(), 0775), 0);
    EXPECT_EQ(run({command}).exit_code, 0);
    EXPECT_FALSE(fs::exists(file)) << command;
    ASSERT_EQ(chmod(places.consent_directory.c_str(), 0700), 0);
  }
}

TEST_F(Commands, disable_and_reset_do_not_say_off_of_what_they_cannot_remove) {
  enable();
  const std::string elsewhere = directory.file("elsewhere");
  fs::rename(places.consent_directory, elsewhere);
  fs::create_symlink(elsewhere, places.consent_directory);
  for (const char* command : {"disable", "reset"}) {
    const TelemetryAnswer answer = run({command});
    EXPECT_EQ(answer.exit_code, 4) << command;
    EXPECT_THAT(answer.error->message, HasSubstr(places.consent_directory));
  }
  EXPECT_TRUE(fs::exists(elsewhere + "/telemetry"));
}

TEST_F(Commands, reset_leaves_nothing_behind) {
  enable();
  leave_state();
  EXPECT_EQ(data({"reset"}).at("endpoint"), nullptr);
  EXPECT_FALSE(fs::exists(places.consent_directory + "/telemetry"));
  EXPECT_FALSE(fs::exists(places.state_directory));
}

TEST_F(Commands, reset_leaves_the_files_of_others_alone) {
  enable();
  leave_state();
  write_file("notes", "mine");
  const std::string elsewhere = directory.file("elsewhere");
  std::ofstream(elsewhere) << "not to be deleted";
  fs::create_symlink(elsewhere, places.state_directory + "/batch/link");
  run({"reset"});
  EXPECT_TRUE(exists("notes"));
  EXPECT_TRUE(fs::exists(elsewhere));
  EXPECT_FALSE(exists("spool"));
}

TEST_F(Commands, preview_of_nothing_starts_nothing) {
  EXPECT_EQ(data({"preview"}), boost::json::parse(R"({"requests":[]})"));
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, flush_of_what_is_not_active_says_what_decided) {
  const TelemetryAnswer never = run({"flush"});
  EXPECT_EQ(never.exit_code, 4);
  EXPECT_THAT(never.error->message, HasSubstr("consent"));
  enable();
  EXPECT_THAT(run({"flush"}, {{"DO_NOT_TRACK", "yes"}}).error->message, HasSubstr("DO_NOT_TRACK"));
}

TEST_F(Commands, flush_of_nothing_starts_nothing) {
  enable();
  EXPECT_EQ(data({"flush"}), boost::json::parse(R"({"sent":0,"failed":0,"remaining":0})"));
  EXPECT_FALSE(fs::exists(places.state_directory));
}

TEST_F(Commands, flush_and_preview_inside_of_a_courier_start_nothing) {
  enable();
  leave_state();
  for (const char* command : {"flush", "preview"}) {
    const TelemetryAnswer answer = run({command}, {{"ALDIS_COURIER", "1"}});
    EXPECT_EQ(answer.exit_code, 12) << command;
    EXPECT_EQ(code(answer), "COURIER_UNAVAILABLE") << command;
  }
  EXPECT_TRUE(exists("spool"));
}

TEST_F(Commands, without_a_place_reading_works_and_changing_says_what_to_do) {
  has_places = false;
  place_problem = "HOME is not set";
  EXPECT_EQ(data({"status"}).at("decided_by").as_string(), "place");
  EXPECT_EQ(data({"explain"}).at("decided_by").as_string(), "place");
  EXPECT_EQ(data({"preview"}).at("requests").as_array().size(), 0u);
  for (const TelemetryAnswer& refused : {enable(), run({"disable"}), run({"reset"})}) {
    EXPECT_EQ(refused.exit_code, 4);
    EXPECT_THAT(refused.error->message, HasSubstr("HOME is not set"));
    EXPECT_THAT(refused.error->suggestion, HasSubstr("MY_TOOL_STATE_DIR"));
  }
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, a_place_that_is_not_to_be_trusted_is_not_looked_at_but_can_be_cleaned_up) {
  enable();
  leave_state();
  place_problem = "it is on a network file system";
  EXPECT_EQ(data({"status"}).at("decided_by").as_string(), "place");
  EXPECT_EQ(data({"status"}).at("spool_bytes").as_int64(), 0);
  EXPECT_EQ(enable().exit_code, 4);
  EXPECT_EQ(run({"flush"}).exit_code, 4);
  EXPECT_EQ(run({"disable"}).exit_code, 0);
  EXPECT_FALSE(exists("spool"));
}

TEST_F(Commands, disable_without_room_for_a_no_removes_the_consent) {
  enable();
  fs::create_directory(places.consent_directory + "/telemetry.new");  // in the way of the rename
  EXPECT_EQ(run({"disable"}).exit_code, 0);
  EXPECT_FALSE(consent().enabled);
}

TEST_F(Commands, a_missing_or_unknown_command_or_option_is_a_bad_argument_and_names_those_that_are) {
  for (const Words& words : {Words{}, Words{"stats"}, Words{"status", "--endpoint", "x"}, Words{"reset", "now"},
                             Words{"enable", "--endpoint"}, Words{"enable", "--allow-http=yes"},
                             Words{"enable", "--format", "otlp", "--format", "jsonl"}}) {
    const TelemetryAnswer answer = run(words);
    EXPECT_EQ(answer.exit_code, 2) << (words.empty() ? "" : words[0]);
    EXPECT_EQ(code(answer), "INVALID_ARGUMENT");
  }
  EXPECT_THAT(run({}).error->message, HasSubstr("status, explain, enable, disable, preview, flush, reset"));
  EXPECT_TRUE(nothing_exists());
}

TEST_F(Commands, help_is_text_and_does_nothing) {
  EXPECT_THAT(run({"--help"}).text, HasSubstr("explain"));
  const TelemetryAnswer help = run({"enable", "--endpoint", std::string(kEndpoint), "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("--lifetime-ms N"));
  EXPECT_TRUE(nothing_exists());
}

}  // namespace
}  // namespace aldis::telemetry
