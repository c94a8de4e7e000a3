// What the kernel sees of real programs: with telemetry off, in CI or after an opt-out no network call, no process, no
// thread and no file; with telemetry on, network calls of the courier only.

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "cli/program.h"
#include "cli/terminal.h"
#include "courier/http_server.h"
#include "telemetry/consent_file.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kNobody = "http://127.0.0.1:9/";  // refuses connections
constexpr const char* kNewest = "1.3.0";

// The system calls of a program and of all that it started, as strace writes them.
struct Trace {
  Ended ended;
  Words own_network;
  Words other_network;
  Words started;  // processes, threads and programs; the first is the program itself
};

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Starts `command` below strace, which ends when the last process does.
Words traced(const Words& command, const std::string& file) {
  for (const char* strace : {"/usr/bin/strace", "/bin/strace", "/usr/local/bin/strace"}) {
    if (access(strace, X_OK) != 0) continue;
    Words words = {strace, "-f", "-qq", "-o", file, "-e", "signal=none", "-e"};
    words.insert(words.end(), {"trace=%network,execve,?execveat,?clone,?clone3,?fork,?vfork", "--"});
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }
  ADD_FAILURE() << "there is no strace: install the package strace";
  return command;
}

Trace read_trace(const std::string& file) {
  static const std::regex starting("(execve|execveat|clone|clone3|fork|vfork)\\(.*");
  Trace trace;
  std::istringstream lines(bytes_of(file));
  std::string first;
  for (std::string process, call; lines >> process && std::getline(lines >> std::ws, call);) {
    if (first.empty()) first = process;
    // The end of a call whose beginning was seen, and the end of a process.
    if (call.starts_with("<...") || call.starts_with("+++")) continue;
    const bool starts = std::regex_match(call, starting);
    Words& calls = starts ? trace.started : process == first ? trace.own_network : trace.other_network;
    calls.push_back(call);
  }
  EXPECT_THAT(trace.started, Not(IsEmpty())) << "strace saw nothing: allow ptrace";
  return trace;
}

// Every file below a directory, with what tells whether it was written.
Words files_below(const std::string& directory) {
  Words found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    const std::string written = std::to_string(entry.last_write_time().time_since_epoch().count());
    const std::string content = entry.is_regular_file() ? bytes_of(entry.path()) : "";
    found.push_back(entry.path().string() + " " + written + " " + content);
  }
  std::ranges::sort(found);
  return found;
}

// Without the one field that differs from run to run.
std::string timeless(const std::string& output) {
  static const std::regex duration("\"duration_ms\":[0-9]+");
  return std::regex_replace(output, duration, "\"duration_ms\":0");
}

void expect_nothing_but_itself(const Trace& trace) {
  EXPECT_THAT(trace.own_network, IsEmpty());
  EXPECT_THAT(trace.other_network, IsEmpty());
  EXPECT_THAT(trace.started, ElementsAre(StartsWith("execve(")));
}

class Quiet : public ::testing::Test {
 protected:
  Variables environment(const Variables& more = {}) const {
    Variables variables = sandbox.environment({{"TERM", "xterm"}, {"ALDIS_RUNTIME_DIR", ""}});
    variables.insert(more.begin(), more.end());
    return variables;
  }
  static Words tool(Words words) {
    words.insert(words.begin(), TOOL_EXECUTABLE);
    return words;
  }
  std::string trace_file() const { return sandbox.directory() + "/trace"; }

  Trace trace(const Words& command, const Variables& variables) const {
    const Ended ended = Running(traced(command, trace_file()), variables).wait();
    Trace seen = read_trace(trace_file());
    seen.ended = ended;
    return seen;
  }
  Trace trace_on_terminal(const Words& command, const Variables& variables) const {
    const Ended ended = on_terminal(traced(command, trace_file()), variables);
    Trace seen = read_trace(trace_file());
    seen.ended = ended;
    return seen;
  }
  // With a life that is long enough for a slow machine.
  void enable(const std::string& endpoint, const Words& more = {}) const {
    Words words = tool({"telemetry", "enable", "--endpoint", endpoint, "--lifetime-ms", "10000"});
    words.insert(words.end(), more.begin(), more.end());
    ASSERT_EQ(Running(words, environment()).wait().exit_code, 0);
  }

  Sandbox sandbox;
};

TEST_F(Quiet, in_ci_there_is_no_network_call_whatever_the_endpoint_is_like) {
  HttpServer live;
  HttpServer silent([](const Received&) { return Reply{{}, Reply::Then::stay_silent}; });
  for (const std::string& endpoint : {live.url(), std::string(kNobody), silent.url()}) {
    enable(endpoint);
    const Trace seen = trace(tool({"list"}), environment({{"CI", "true"}}));
    expect_nothing_but_itself(seen);
    EXPECT_EQ(seen.ended.exit_code, 0) << endpoint;
  }
  EXPECT_EQ(live.connections(), 0);
  EXPECT_EQ(silent.connections(), 0);
}

TEST_F(Quiet, a_tool_that_was_never_enabled_does_nothing_that_anybody_sees) {
  for (const char* command : {"list", "fail", "--version"}) {
    const Trace seen = trace(tool({command}), environment());
    expect_nothing_but_itself(seen);
    EXPECT_TRUE(fs::is_empty(sandbox.home())) << command;
  }
}

TEST_F(Quiet, aldis_does_nothing_that_anybody_sees_until_it_is_enabled) {
  const Variables variables = environment({{"ALDIS_RUNTIME_DIR", sandbox.directory() + "/run"}});
  for (const Words& words : {Words{"agents", "list"}, Words{"--version"}}) {
    const Trace seen = trace(sandbox.command(words), variables);
    EXPECT_EQ(seen.ended.exit_code, 0) << seen.ended.out << seen.ended.err;
    expect_nothing_but_itself(seen);
    EXPECT_TRUE(fs::is_empty(sandbox.home())) << words.back();
  }
}

// `command` in a fresh home without telemetry, then with it towards a server that takes everything.
class Reported : public Quiet, public ::testing::WithParamInterface<const char*> {};

TEST_P(Reported, only_the_courier_talks_and_the_user_sees_no_difference) {
  const Words command = tool({GetParam()});
  const Ended without = Running(command, environment()).wait();
  HttpServer server;
  enable(server.url());
  const Trace seen = trace(command, environment());
  EXPECT_EQ(timeless(seen.ended.out), timeless(without.out));
  EXPECT_EQ(seen.ended.err, without.err);
  EXPECT_EQ(seen.ended.exit_code, without.exit_code);
  EXPECT_EQ(without.exit_code, std::string_view(GetParam()) == "fail" ? 7 : 0);
  EXPECT_THAT(seen.own_network, IsEmpty());
  EXPECT_THAT(seen.other_network, Contains(StartsWith("connect(")));
  EXPECT_THAT(seen.started, Contains(AllOf(StartsWith("execve("), HasSubstr("aldis-courier"))));
  EXPECT_THAT(seen.started, Each(Not(HasSubstr("CLONE_THREAD"))));
  EXPECT_THAT(server.received(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Commands, Reported, ::testing::Values("list", "fail"),
                         [](const auto& command) { return std::string(command.param); });

class OptedOut : public Quiet, public ::testing::WithParamInterface<const char*> {};

TEST_P(OptedOut, means_no_network_call_no_process_and_no_file) {
  HttpServer server;
  enable(server.url(), {"--update-url", server.url("/newest")});
  const Words before = files_below(sandbox.home());
  const Variables variables = environment({{GetParam(), "1"}});
  for (const Trace& seen : {trace(tool({"list"}), variables), trace_on_terminal(tool({"list"}), variables)}) {
    expect_nothing_but_itself(seen);
    EXPECT_EQ(seen.ended.exit_code, 0);
  }
  EXPECT_EQ(files_below(sandbox.home()), before);
  EXPECT_EQ(server.connections(), 0);
}

INSTANTIATE_TEST_SUITE_P(Variables, OptedOut,
                         ::testing::Values("CI", "DO_NOT_TRACK", "NO_TELEMETRY", "TOOL_NO_TELEMETRY", "GITHUB_ACTIONS",
                                           "JENKINS_URL"),
                         [](const auto& variable) { return std::string(variable.param); });

class UpdateCheckOf : public Quiet {
 protected:
  UpdateCheckOf() { enable(server.url(), {"--update-url", server.url("/newest")}); }

  std::vector<Received> checks() const {
    std::vector<Received> found;
    std::ranges::copy_if(server.received(), std::back_inserter(found),
                         [](const Received& request) { return request.method != "POST"; });
    return found;
  }
  std::string install_id() const {
    const auto consent = telemetry::read_consent(sandbox.home() + "/.config/tool");
    EXPECT_TRUE(consent.has_value());
    return consent ? telemetry::to_hex(consent->install_id) : "";
  }

  HttpServer server{[](const Received& request) {
    return json_reply(request.method == "POST" ? "{}" : std::string("{\"version\":\"") + kNewest + "\"}");
  }};
};

TEST_F(UpdateCheckOf, a_tool_on_a_terminal_is_the_couriers_and_tells_nothing_of_who_asks) {
  const Trace seen = trace_on_terminal(tool({"list"}), environment());
  EXPECT_EQ(seen.ended.out, "1 anvil\r\n3 hammers\r\n");
  EXPECT_THAT(seen.own_network, IsEmpty());
  ASSERT_THAT(checks(), SizeIs(1));
  const Received check = checks()[0];
  EXPECT_EQ(check.method, "GET");
  EXPECT_EQ(check.target, "/newest");
  EXPECT_THAT(check.body, IsEmpty());
  for (const auto& [name, value] : check.headers) {
    EXPECT_THAT(name, AnyOf("host", "accept", "user-agent"));
    EXPECT_THAT(value, Not(HasSubstr(install_id()))) << name;
  }

  const Ended told = Running(tool({"list"}), environment()).wait();
  EXPECT_EQ(told.text("/meta/update_available"), kNewest);
  EXPECT_THAT(told.err, IsEmpty());
  EXPECT_THAT(on_terminal(tool({"list"}), environment()).out, HasSubstr("tool 1.3.0 is available; this is 1.2.3"));
  EXPECT_THAT(checks(), SizeIs(1));
}

TEST_F(UpdateCheckOf, a_tool_in_a_pipe_is_not_made) {
  const Trace seen = trace(tool({"list"}), environment());
  EXPECT_THAT(seen.ended.keys("/meta"), ElementsAre("duration_ms"));
  EXPECT_THAT(server.received(), SizeIs(1));
  EXPECT_THAT(checks(), IsEmpty());
}

}  // namespace
}  // namespace aldis::testing
