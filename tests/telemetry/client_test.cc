#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "aldis/limits.h"
#include "aldis/telemetry.h"
#include "children.h"
#include "core/file_descriptor.h"
#include "core/private_files.h"
#include "telemetry/courier_process.h"
#include "telemetry/frame.h"
#include "telemetry/update_cache.h"

namespace aldis::telemetry {

enum class Command { list, fail };
consteval auto telemetry_names(Command) { return telemetry_values("list", "fail"); }
enum class Code { io, usage };
consteval auto telemetry_names(Code) { return telemetry_values("io", "usage"); }
enum class Phase { start, run };
consteval auto telemetry_names(Phase) { return telemetry_values("start", "run"); }

struct CommandRun {
  Command command;
  Bounded<0, 100> rows;

  static constexpr auto telemetry = telemetry_event("command_run", telemetry_field("command", &CommandRun::command),
                                                    telemetry_field("rows", &CommandRun::rows));
};
using Errors = TelemetryErrors<Code, Phase>;
using Client = TelemetryClient<CommandRun, Errors>;

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientTest : public ::testing::Test {
 protected:
  TelemetryOptions options(const EnvironmentSnapshot& more = {}) const {
    EnvironmentSnapshot environment = home_.variables();
    environment.insert(more.begin(), more.end());
    // Not the courier's business here, but where a test says so.
    return {.tool = "tool", .version = "1.2.3", .environment = environment, .spool_only = true};
  }
  DecodedSpool spool() const { return decode(read_all(home_.spool())); }

  ToolHome home_;
};

TEST_F(ClientTest, finish_hands_over_what_was_recorded_and_returns_its_argument) {
  home_.consent();
  Client client(options());
  EXPECT_TRUE(client.active());
  client.event(CommandRun{Command::fail, 300});
  client.error(Code::usage, Phase::run);
  EXPECT_THAT(files_below(home_.path()), ::testing::Not(::testing::Contains(".local"))) << "nothing before finish";
  EXPECT_EQ(client.finish(42), 42);
  const DecodedSpool found = spool();
  ASSERT_EQ(found.record_count(), 2U);
  const Frame& frame = found.frames[0];
  EXPECT_EQ(frame.origin.tool, "tool");
  EXPECT_EQ(frame.records[0].name, "command_run");
  EXPECT_THAT(frame.records[0].attributes,
              ElementsAre(Attribute{"command", std::string("fail")}, Attribute{"rows", std::int64_t{100}}));
  EXPECT_EQ(frame.records[1].severity, Severity::error);
  EXPECT_THAT(frame.records[1].attributes,
              ElementsAre(Attribute{"code", std::string("usage")}, Attribute{"phase", std::string("run")}));
}

TEST_F(ClientTest, after_finish_nothing_has_an_effect) {
  home_.consent();
  Client client(options());
  client.finish(0);
  EXPECT_FALSE(client.active());
  client.event(CommandRun{Command::list, 1});
  client.hand_over();
  EXPECT_EQ(client.finish(3), 3);
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));
}

TEST_F(ClientTest, off_touches_nothing) {
  home_.consent();
  const auto before = files_below(home_.path());
  for (const EnvironmentSnapshot& off : std::vector<EnvironmentSnapshot>{
           {{"CI", "false"}}, {{"NO_TELEMETRY", "1"}}, {{"TOOL_NO_TELEMETRY", "yes"}}, {{"DO_NOT_TRACK", "1"}}}) {
    Client client(options(off));
    EXPECT_FALSE(client.active()) << off.begin()->first;
    client.event(CommandRun{Command::list, 1});
    EXPECT_EQ(client.finish(5), 5);
  }
  EXPECT_EQ(files_below(home_.path()), before);
}

TEST_F(ClientTest, off_without_consent_makes_no_file) {
  Client client(options());
  EXPECT_FALSE(client.active());
  client.event(CommandRun{Command::list, 1});
  client.finish(0);
  EXPECT_THAT(files_below(home_.path()), IsEmpty());
}

TEST_F(ClientTest, is_off_for_help_version_no_command_and_telemetry_itself) {
  home_.consent();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"--version"}, {}, {"telemetry", "status"}}) {
    TelemetryOptions quiet = options();
    quiet.arguments = words;
    EXPECT_FALSE(Client(quiet).active());
  }
  TelemetryOptions list = options();
  list.arguments = {"list"};
  EXPECT_TRUE(Client(list).active());
}

TEST_F(ClientTest, is_off_with_options_that_are_wrong) {
  home_.consent();
  TelemetryOptions bad_name = options();
  bad_name.tool = "../tool";
  TelemetryOptions bad_version = options();
  bad_version.version = "one";
  EXPECT_FALSE(Client(bad_name).active());
  EXPECT_FALSE(Client(bad_version).active());
  EXPECT_FALSE(Client({.tool = "tool", .version = "1.2.3", .environment = EnvironmentSnapshot{}}).active());
}

TEST_F(ClientTest, is_off_with_somebody_elses_rights) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can take other rights";
  home_.consent();
  Child child([&] { return setegid(65534) == 0 && !Client(options()).active() ? 0 : 1; });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(ClientTest, a_revocation_after_construction_works_at_once) {
  home_.consent();
  Client client(options());
  client.event(CommandRun{Command::list, 1});
  home_.consent({.enabled = false});
  client.finish(0);
  EXPECT_FALSE(std::filesystem::exists(home_.places().state_directory));
}

TEST_F(ClientTest, a_consent_after_construction_does_not) {
  Client client(options());
  home_.consent();
  client.event(CommandRun{Command::list, 1});
  client.finish(0);
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));
}

TEST_F(ClientTest, records_that_do_not_fit_are_counted) {
  home_.consent();
  Client client(options());
  for (std::size_t i = 0; i < limits::kTelemetryRingRecords + 5; ++i) client.event(CommandRun{Command::list, i});
  client.finish(0);
  EXPECT_EQ(spool().record_count(), limits::kTelemetryRingRecords);
  EXPECT_EQ(spool().dropped_count(), 5U);
}

TEST_F(ClientTest, that_goes_on_hands_over_as_often_as_it_likes) {
  home_.consent();
  Client client(options());
  client.event(CommandRun{Command::list, 1});
  client.hand_over();
  client.hand_over();
  EXPECT_EQ(spool().record_count(), 1U);
  client.event(CommandRun{Command::list, 2});
  client.hand_over();
  EXPECT_EQ(spool().record_count(), 2U);
  EXPECT_TRUE(client.active());
}

TEST_F(ClientTest, what_was_lost_is_told_with_the_next_hand_over) {
  home_.consent();
  write_all(home_.path() + "/.local", "a file in the directory's place");
  Client client(options());
  EXPECT_FALSE(client.active()) << "a place that is not ours";
  std::filesystem::remove(home_.path() + "/.local");

  Client other(options());
  other.event(CommandRun{Command::list, 1});
  write_all(home_.path() + "/.local", "");
  other.hand_over();
  std::filesystem::remove(home_.path() + "/.local");
  other.hand_over();
  EXPECT_EQ(spool().dropped_count(), 1U);
}

TEST_F(ClientTest, reaps_the_courier_that_it_started) {
  home_.consent();
  TelemetryOptions with_courier = options();
  with_courier.spool_only = false;
  Child host([&] {
    Client client(with_courier);
    client.event(CommandRun{Command::list, 1});
    client.hand_over();
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) return 1;  // there is one, and it has ended
    client.hand_over();
    return waitpid(-1, nullptr, WNOHANG) < 0 ? 0 : 2;
  });
  EXPECT_EQ(host.wait(), 0);
  EXPECT_THAT(read_all(home_.heard()), HasSubstr("ALDIS_COURIER=1"));
}

TEST_F(ClientTest, a_forked_child_hands_nothing_over) {
  home_.consent();
  Client client(options());
  client.event(CommandRun{Command::list, 1});
  Child child([&] {
    client.event(CommandRun{Command::list, 2});
    client.hand_over();
    return client.finish(9);
  });
  EXPECT_EQ(child.wait(), 9);
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));
  client.finish(0);
  EXPECT_EQ(spool().record_count(), 1U);
}

TEST_F(ClientTest, finish_on_exit_works_when_the_client_is_gone) {
  home_.consent();
  Child tool([&] {
    {
      Client client(options());
      client.event(CommandRun{Command::list, 1});
      client.finish_on_exit();
      client.finish_on_exit();
    }
    std::exit(4);
  });
  EXPECT_EQ(tool.wait(), 4);
  EXPECT_EQ(spool().record_count(), 1U);
}

TEST_F(ClientTest, a_program_that_ends_without_exit_hands_nothing_over) {
  home_.consent();
  Child tool([&] {
    Client client(options());
    client.event(CommandRun{Command::list, 1});
    client.finish_on_exit();
    _exit(4);
  });
  EXPECT_EQ(tool.wait(), 4);
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));
}

TEST_F(ClientTest, threads_may_go_on_while_it_finishes) {
  home_.consent();
  for (int round = 0; round < 20; ++round) {
    Client client(options());
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (!stop) client.event(CommandRun{Command::list, 1});
      });
    }
    client.hand_over();
    client.finish(0);
    stop = true;
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(spool().gaps, 0U);
}

TEST_F(ClientTest, nothing_of_it_lands_on_the_standard_streams) {
  home_.consent();
  TelemetryOptions with_courier = options();
  with_courier.spool_only = false;
  Child tool([&] {
    close_range(0, 2, 0);
    Client client(with_courier);
    client.event(CommandRun{Command::list, 1});
    const bool returned = client.finish(3) == 3;
    return returned && fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 0 : 1;
  });
  EXPECT_EQ(tool.wait(), 0);
  EXPECT_EQ(spool().record_count(), 1U);
}

TEST_F(ClientTest, finish_flushes_what_was_printed_in_its_order) {
  const std::string path = home_.path() + "/out";
  Child tool([&] {
    const FileDescriptor out(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    dup2(out.get(), STDOUT_FILENO);
    std::ios::sync_with_stdio(false);
    std::cout << "first ";
    std::fputs("second", stdout);
    Client(options()).finish(0);
    _exit(0);
  });
  EXPECT_EQ(tool.wait(), 0);
  EXPECT_EQ(read_all(path), "first second");
}

TEST_F(ClientTest, output_that_cannot_be_written_changes_nothing) {
  Child tool([&] {
    const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    dup2(full.get(), STDOUT_FILENO);
    std::ios::sync_with_stdio(false);
    std::cout.exceptions(std::ios::badbit | std::ios::failbit);
    std::cout << "text";
    return Client(options()).finish(6);
  });
  EXPECT_EQ(tool.wait(), 6);
}

TEST_F(ClientTest, that_answered_a_telemetry_command_reports_nothing) {
  home_.consent();
  Client client(options());
  ASSERT_TRUE(client.active());
  EXPECT_EQ(client.telemetry_command(std::vector<std::string>{"status"}).exit_code, 0);
  EXPECT_FALSE(client.active());
}

class UpdateReport : public ClientTest {
 protected:
  UpdateReport() {
    home_.consent({.enabled = true, .endpoint = "", .update_url = "https://updates.example/"});
    const Result<FileDescriptor> state = make_own_directory(home_.places().state_directory, Others::nothing);
    EXPECT_TRUE(write_update(*state, {"1.3.0", std::chrono::sys_seconds{std::chrono::seconds{1}}}));
  }
  std::optional<std::string> reported_to(TelemetryOptions asked) const {
    return Client(std::move(asked)).update_available();
  }
};

TEST_F(UpdateReport, names_the_newer_version) { EXPECT_EQ(reported_to(options()), "1.3.0"); }

TEST_F(UpdateReport, says_nothing_to_the_newest_or_a_newer_one) {
  TelemetryOptions newest = options();
  newest.version = "1.3.0";
  EXPECT_EQ(reported_to(newest), std::nullopt);
  newest.version = "2.0.0";
  EXPECT_EQ(reported_to(newest), std::nullopt);
}

TEST_F(UpdateReport, says_nothing_to_who_wants_none) {
  EXPECT_EQ(reported_to(options({{"CI", "1"}})), std::nullopt);
  EXPECT_EQ(reported_to(options({{"TOOL_NO_UPDATE", "1"}})), std::nullopt);
  EXPECT_EQ(reported_to(options({{"NO_UPDATE_NOTIFIER", "1"}})), std::nullopt);
  TelemetryOptions asked = options();
  asked.arguments = {"list", "--no-update-check"};
  EXPECT_EQ(reported_to(asked), std::nullopt);
}

TEST_F(UpdateReport, is_made_to_who_reports_nothing_himself) {
  EXPECT_EQ(reported_to(options({{"NO_TELEMETRY", "1"}})), "1.3.0");
  EXPECT_EQ(reported_to(options({{"DO_NOT_TRACK", "1"}})), "1.3.0");
}

TEST_F(UpdateReport, says_nothing_without_consent_to_update_checks) {
  home_.consent({.enabled = true, .endpoint = "https://telemetry.example/"});
  EXPECT_EQ(reported_to(options()), std::nullopt);
  EXPECT_EQ(reported_to(options({{"NO_TELEMETRY", "1"}})), std::nullopt);
}

TEST_F(UpdateReport, says_nothing_of_a_damaged_cache_or_after_disable) {
  write_all(home_.places().state_directory + "/update", "9.9.9-\n");
  EXPECT_EQ(reported_to(options()), std::nullopt);
  home_.consent({.enabled = false});
  EXPECT_EQ(reported_to(options()), std::nullopt);
}

TEST_F(ClientTest, a_plugin_that_is_loaded_late_has_a_client_of_its_own) {
  home_.consent();
  Child tool([&] {
    Client client(options());
    client.event(CommandRun{Command::list, 1});
    client.finish_on_exit();
    void* const plugin = dlopen(ALDIS_TELEMETRY_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) std::exit(1);
    const auto use = reinterpret_cast<int (*)(const char*)>(dlsym(plugin, "use_plugin"));
    if (use == nullptr || use(home_.path().c_str()) != 1) std::exit(2);
    dlclose(plugin);
    std::exit(0);
  });
  EXPECT_EQ(tool.wait(), 0);
  const DecodedSpool found = spool();
  ASSERT_EQ(found.frames.size(), 2U);
  EXPECT_EQ(found.frames[0].records[0].name, "plugin_used");
  EXPECT_EQ(found.frames[1].records[0].name, "command_run");
}

}  // namespace
}  // namespace aldis::telemetry
