// examples/tool as it is: what it prints and leaves behind with telemetry off, on, in CI and on a terminal.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "cli/program.h"
#include "cli/terminal.h"
#include "core/clock.h"
#include "core/file_descriptor.h"
#include "core/private_files.h"
#include "fakes/scratch_directory.h"
#include "telemetry/frame.h"
#include "telemetry/gate.h"
#include "telemetry/update_cache.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Listens on this host; whoever connects is let in by the kernel and waits.
class Listener {
 public:
  Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(listen(socket_.get(), 8), 0);
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};  // accept gives up when nobody comes
    EXPECT_EQ(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    port_ = ntohs(address.sin_port);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1/logs"; }

  // Answers one request with "200 OK" and tells what was asked.
  std::string serve_one() {
    const FileDescriptor connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string request;
    std::array<char, 4096> buffer;
    while (!is_whole(request)) {
      const ssize_t count = read(connection.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(write(connection.get(), kAnswer.data(), kAnswer.size()), static_cast<ssize_t>(kAnswer.size()));
    return request;
  }

 private:
  static bool is_whole(const std::string& request) {
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t body = request.find("\r\n\r\n");
    const std::size_t length = request.find(kLength);
    if (body == std::string::npos || length == std::string::npos) return false;
    return request.size() - body - 4 >= std::stoul(request.substr(length + kLength.size()));
  }

  FileDescriptor socket_;
  int port_ = 0;
};

class Tool : public ::testing::Test {
 protected:
  Tool() { fs::create_directory(home()); }

  std::string home() const { return directory.file("home"); }
  Variables environment(const Variables& more = {}) const {
    Variables variables = {{"PATH", "/usr/bin:/bin"}, {"HOME", home()}, {"TERM", "xterm"}};
    variables.insert(more.begin(), more.end());
    return variables;
  }
  static Words command(Words words) {
    words.insert(words.begin(), TOOL_EXECUTABLE);
    return words;
  }
  Ended tool(const Words& words, const Variables& more = {}) const {
    return Running(command(words), environment(more)).wait();
  }
  Ended on_a_terminal(const Words& words, const Variables& more = {}) const {
    return on_terminal(command(words), environment(more));
  }

  void enable(const std::string& endpoint = "http://127.0.0.1:9/", const Words& more = {}) {
    Words words = {"telemetry", "enable", "--endpoint", endpoint};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(tool(words).exit_code, 0);
  }
  std::string state_directory() const { return home() + "/.local/state/tool/telemetry"; }
  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(SystemClock().wall_now()); }
  // So that tools only spool.
  void let_no_courier_start() {
    const Result<FileDescriptor> state = make_own_directory(state_directory(), Others::nothing);
    Result<telemetry::Gate> gate = telemetry::Gate::open(*state);
    ASSERT_TRUE(gate && gate->take_pen(false));
    ASSERT_TRUE(gate->write({.next_attempt_at = now() + std::chrono::hours{1}}));
  }
  void remember_update(const std::string& version) {
    const Result<FileDescriptor> state = make_own_directory(state_directory(), Others::nothing);
    ASSERT_TRUE(state && telemetry::write_update(*state, {.version = version, .checked_at = now()}));
  }
  std::vector<telemetry::EventRecord> spooled() const {
    const Result<FileDescriptor> state = open_own_directory(state_directory(), Others::nothing);
    std::vector<telemetry::EventRecord> records;
    if (!state) return records;
    const Result<std::string> bytes = read_own_file(*state, "spool", limits::kTelemetrySpoolBytesMax);
    if (!bytes) return records;
    for (const telemetry::Frame& frame : telemetry::decode(*bytes).frames) {
      records.insert(records.end(), frame.records.begin(), frame.records.end());
    }
    return records;
  }

  ScratchDirectory directory;
};

TEST_F(Tool, lists_in_one_closed_envelope) {
  const Ended listed = tool({"list"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_THAT(listed.keys(""), UnorderedElementsAre("ok", "data", "error", "warnings", "meta"));
  EXPECT_EQ(listed.at("/ok"), true);
  EXPECT_FALSE(listed.rows("/data").empty());
  EXPECT_THAT(listed.keys("/meta"), ElementsAre("duration_ms"));
  EXPECT_THAT(listed.err, IsEmpty());
}

TEST_F(Tool, fails_with_an_error_and_the_exit_code_of_its_own) {
  const Ended failed = tool({"fail"});
  EXPECT_EQ(failed.exit_code, 7);
  EXPECT_EQ(failed.at("/ok"), false);
  EXPECT_EQ(failed.text("/error/code"), "OUT_OF_LUCK");
  for (const Words& wrong : {Words{"lsit"}, Words{"list", "more"}, Words{"telemetry"}, Words{"telemetry", "on"}}) {
    const Ended refused = tool(wrong);
    EXPECT_EQ(refused.exit_code, 2) << wrong[0];
    EXPECT_EQ(refused.text("/error/code"), "INVALID_ARGUMENT");
  }
}

TEST_F(Tool, takes_a_second_and_says_so) {
  const Ended slow = tool({"slow"});
  EXPECT_EQ(slow.exit_code, 0);
  EXPECT_GE(slow.at("/meta/duration_ms").as_int64(), 1000);
}

TEST_F(Tool, tells_its_version_and_its_use) {
  EXPECT_EQ(tool({"--version"}).out, "tool 1.2.3\n");
  EXPECT_THAT(tool({"--help"}).text("/data"), HasSubstr("Usage: tool"));
  EXPECT_EQ(tool({}).out.substr(0, 10), tool({"--help"}).out.substr(0, 10));
}

TEST_F(Tool, that_was_never_enabled_writes_no_file) {
  for (const Words& words : {Words{"list"}, Words{"fail"}, Words{"--help"}, Words{"telemetry", "status"},
                             Words{"telemetry", "explain"}, Words{"telemetry", "preview"},
                             Words{"telemetry", "disable"}, Words{"telemetry", "flush"}, Words{"telemetry", "reset"}}) {
    tool(words);
    EXPECT_TRUE(fs::is_empty(home())) << words.back();
  }
}

TEST_F(Tool, prints_the_same_with_telemetry_as_without) {
  const auto without_time = [](std::string text) { return text.substr(0, text.find("\"meta\"")); };
  const Ended before = tool({"list"});
  enable();
  const Ended after = tool({"list"});
  EXPECT_EQ(without_time(after.out), without_time(before.out));
  EXPECT_EQ(after.err, before.err);
  EXPECT_EQ(tool({"fail"}).exit_code, 7);
}

TEST_F(Tool, that_is_enabled_spools_its_events_and_errors) {
  enable();
  let_no_courier_start();
  tool({"list"});
  tool({"fail"});
  std::vector<std::string> names;
  for (const telemetry::EventRecord& record : spooled()) {
    names.push_back(record.name);
    for (const auto& [name, value] : record.attributes) {
      if (const auto* text = std::get_if<std::string>(&value)) names.back() += " " + *text;
    }
  }
  EXPECT_THAT(names, ElementsAre("run list", "listed", "run fail", "error out_of_luck work"));
}

TEST_F(Tool, in_ci_or_after_an_opt_out_spools_nothing) {
  enable();
  for (const Variables& off :
       {Variables{{"CI", "true"}}, Variables{{"TOOL_NO_TELEMETRY", "1"}}, Variables{{"DO_NOT_TRACK", "1"}}}) {
    tool({"list"}, off);
    EXPECT_FALSE(fs::exists(state_directory()));
    const Ended explained = tool({"telemetry", "explain"}, off);
    EXPECT_EQ(explained.text("/data/decided_by"), off.begin()->first);
  }
}

TEST_F(Tool, without_a_home_works_and_explains) {
  const Ended explained = tool({"telemetry", "explain"}, {{"HOME", ""}});
  EXPECT_EQ(explained.exit_code, 0);
  EXPECT_EQ(Running(command({"list"}), {}).wait().exit_code, 0);
  EXPECT_EQ(Running(command({"telemetry", "explain"}), {}).wait().text("/data/decided_by"), "place");
  EXPECT_EQ(Running(command({"telemetry", "enable", "--endpoint", "https://x.example"}), {}).wait().exit_code, 4);
}

TEST_F(Tool, previews_what_flush_then_sends) {
  Listener receiver;
  enable(receiver.url(), {"--lifetime-ms", "10000"});
  let_no_courier_start();
  tool({"list"});
  const Ended preview = tool({"telemetry", "preview"});
  ASSERT_EQ(preview.exit_code, 0) << preview.out;
  ASSERT_EQ(preview.rows("/data/requests").size(), 1u);
  EXPECT_EQ(preview.text("/data/requests/0/method"), "POST");
  EXPECT_EQ(preview.text("/data/requests/0/url"), receiver.url());
  EXPECT_EQ(preview.text("/data/requests/0/sha256").size(), 64u);
  EXPECT_FALSE(spooled().empty());

  std::string request;
  std::thread server([&] { request = receiver.serve_one(); });
  const Ended flushed = tool({"telemetry", "flush"});
  server.join();
  EXPECT_EQ(flushed.exit_code, 0) << flushed.out;
  EXPECT_EQ(flushed.at("/data"), boost::json::parse(R"({"sent":1,"failed":0,"remaining":0})"));
  EXPECT_TRUE(request.ends_with(preview.text("/data/requests/0/body")));
  EXPECT_TRUE(spooled().empty());
  EXPECT_EQ(tool({"telemetry", "status"}).text("/data/last_result"), "sent");
}

TEST_F(Tool, cannot_flush_to_nobody_and_keeps_what_it_has) {
  enable("http://127.0.0.1:9/", {"--lifetime-ms", "10000"});
  let_no_courier_start();
  tool({"list"});
  const Ended flushed = tool({"telemetry", "flush"});
  EXPECT_EQ(flushed.exit_code, 12) << flushed.out;
  EXPECT_EQ(flushed.text("/error/code"), "TELEMETRY_UNREACHABLE");
  EXPECT_EQ(flushed.at("/error/retryable"), true);
  EXPECT_EQ(flushed.at("/data/remaining"), 1);
  EXPECT_EQ(tool({"telemetry", "status"}).at("/data/batches"), 1);
  EXPECT_EQ(tool({"telemetry", "disable"}).exit_code, 0);
  EXPECT_EQ(tool({"telemetry", "status"}).at("/data/batches"), 0);
  EXPECT_EQ(tool({"telemetry", "reset"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(state_directory()));
}

TEST_F(Tool, tells_of_a_newer_version_where_that_is_wanted) {
  enable("http://127.0.0.1:9/", {"--update-url", "http://127.0.0.1:9/version"});
  let_no_courier_start();
  remember_update("1.3.0");
  const Ended told = tool({"list"});
  EXPECT_EQ(told.text("/meta/update_available"), "1.3.0");
  EXPECT_THAT(told.err, IsEmpty());
  EXPECT_THAT(tool({"list", "--no-update-check"}).keys("/meta"), ElementsAre("duration_ms"));
  EXPECT_THAT(tool({"list"}, {{"TOOL_NO_UPDATE", "1"}}).keys("/meta"), ElementsAre("duration_ms"));
  EXPECT_THAT(tool({"list"}, {{"CI", "1"}}).keys("/meta"), ElementsAre("duration_ms"));
  EXPECT_THAT(on_a_terminal({"list"}).out, HasSubstr("tool 1.3.0 is available; this is 1.2.3"));
  remember_update("1.2.3");
  EXPECT_THAT(tool({"list"}).keys("/meta"), ElementsAre("duration_ms"));
}

TEST_F(Tool, speaks_to_people_on_a_terminal_in_colour_only_where_that_is_allowed) {
  EXPECT_EQ(on_a_terminal({"list"}).out, "1 anvil\r\n3 hammers\r\n");
  const Ended failed = on_a_terminal({"fail"});
  EXPECT_EQ(failed.exit_code, 7);
  EXPECT_THAT(failed.out, HasSubstr("\x1b[31merror:\x1b[0m failed"));
  for (const Variables& plain :
       {Variables{{"NO_COLOR", ""}}, Variables{{"CI", "1"}}, Variables{{"JENKINS_URL", "x"}}}) {
    EXPECT_THAT(on_a_terminal({"fail"}, plain).out, Not(HasSubstr("\x1b")));
  }
  EXPECT_THAT(on_a_terminal({"telemetry", "status"}).out, HasSubstr("enabled"));
}

}  // namespace
}  // namespace aldis::testing
