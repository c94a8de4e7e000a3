// Every answer is one closed envelope on stdout, and its exit code says how it went.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <regex>

#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class Envelope : public ::testing::Test {
 protected:
  // The closed set of keys, and `ok` as the exit code has it.
  void expect_envelope(const Ended& ended, const std::string& command) {
    SCOPED_TRACE(command + ": " + ended.out);
    EXPECT_THAT(ended.keys(""), UnorderedElementsAre("ok", "data", "error", "warnings", "meta"));
    EXPECT_EQ(ended.at("/ok").as_bool(), ended.exit_code == 0);
    EXPECT_EQ(ended.at("/error").is_null(), ended.exit_code == 0);
    EXPECT_TRUE(ended.at("/warnings").is_array());
    EXPECT_EQ(ended.text("/meta/command"), command);
    EXPECT_TRUE(ended.at("/meta/duration_ms").is_int64());
    EXPECT_EQ(ended.text("/meta/schema_version"), "1.0");
    EXPECT_THAT(ended.text("/meta/request_id"), StartsWith("req_"));
    EXPECT_TRUE(
        std::regex_match(ended.text("/meta/timestamp"), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")));
    if (ended.exit_code == 0) return;
    EXPECT_TRUE(std::regex_match(ended.text("/error/code"), std::regex("[A-Z][A-Z0-9_]+")));
    EXPECT_FALSE(ended.text("/error/message").empty());
    EXPECT_EQ(ended.text("/error/phase") == "validation", ended.exit_code == 2);
  }

  Sandbox sandbox;
};

TEST_F(Envelope, is_what_every_command_answers) {
  const std::string id = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b"}).text("/data/signal_id");
  const std::vector<std::pair<std::string, Words>> commands = {
      {"agents beat", {"--agent", "a"}},
      {"agents list", {}},
      {"agents show", {"a"}},
      {"agents stop", {"--agent", "a"}},
      {"signals send", {"t", "--agent", "a", "--to", "b"}},
      {"signals broadcast", {"t", "--agent", "a"}},
      {"signals check", {"t", "--agent", "b"}},
      {"signals wait", {"t", "--agent", "b"}},
      {"signals pending", {"--agent", "b"}},
      {"signals clear", {"--agent", "b"}},
      {"signals receipt", {id}},
      {"signals acknowledge", {id, "--agent", "b"}},
      {"doctor", {}},
      {"config show", {}},
      {"config path", {}},
      {"manifest", {}},
      {"version", {}},
  };
  for (const auto& [command, arguments] : commands) {
    Words words = {command};
    if (const std::size_t space = command.find(' '); space != std::string::npos) {
      words = {command.substr(0, space), command.substr(space + 1)};
    }
    Words schema = words;
    Words nonsense = words;
    words.insert(words.end(), arguments.begin(), arguments.end());
    expect_envelope(sandbox.aldis(words), command);
    schema.emplace_back("--schema");
    expect_envelope(sandbox.aldis(schema), command);
    nonsense.emplace_back("--nonsense");
    const Ended refused = sandbox.aldis(nonsense);
    EXPECT_EQ(refused.exit_code, 2) << command;
    expect_envelope(refused, command);
  }
}

TEST_F(Envelope, of_a_program_that_was_not_run_is_one_too) {
  expect_envelope(sandbox.aldis({"run", "--agent", "a", "--", "/nonexistent"}), "run");
  expect_envelope(sandbox.aldis({"run", "--agent", "a"}), "run");
}

TEST_F(Envelope, tells_all_bad_arguments_together) {
  const Ended ended =
      sandbox.aldis({"signals", "send", "bad*type", "--to", "", "--ttl", "-1", "--payload", "[1]", "--nonsense"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.text("/error/code"), "INVALID_ARGUMENT");
  EXPECT_EQ(ended.text("/error/phase"), "validation");
  for (const char* part : {"TYPE", "--to", "--ttl", "--payload", "--nonsense", "no agent"}) {
    EXPECT_THAT(ended.text("/error/detail"), HasSubstr(part));
    EXPECT_THAT(ended.text("/error/message"), HasSubstr(part));
  }
  EXPECT_THAT(ended.text("/error/fix_command"), StartsWith("export ALDIS_AGENT_ID="));
  EXPECT_TRUE(ended.at("/data").is_null());
}

TEST_F(Envelope, tells_no_more_bad_arguments_than_one_can_read) {
  Words words = {"agents", "show", "a"};
  for (int i = 0; i < 1000; ++i) words.push_back("b" + std::to_string(i));
  const Ended ended = sandbox.aldis(words);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_LT(ended.out.size(), 2000U);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("unexpected argument b0; "));
  EXPECT_THAT(ended.text("/error/message"), ::testing::EndsWith("; and 990 more"));
  EXPECT_THAT(ended.text("/error/detail"), ::testing::EndsWith("\nand 990 more"));
}

TEST_F(Envelope, of_a_stream_is_on_stderr_whatever_is_wrong) {
  const std::string config = sandbox.write_file("config.toml", "nonsense = 1\nstore =");
  for (const Words& stream :
       {Words{"agents", "watch"}, Words{"approvals", "watch"}, Words{"events", "tail"}, Words{"audit", "export"}}) {
    for (const Words& more : {Words{"--nonsense"}, Words{"--config", config}, Words{"--store", "redis://127.0.0.1:1"},
                              Words{"--namespace", "-"}, Words{"--output", "jsonl", "--timeout", "x"}}) {
      Words words = stream;
      words.insert(words.end(), more.begin(), more.end());
      Ended ended = sandbox.aldis(words);
      EXPECT_NE(ended.exit_code, 0);
      EXPECT_THAT(ended.out, IsEmpty()) << more[0];
      ended.out = ended.err;
      expect_envelope(ended, stream[0] + " " + stream[1]);
    }
  }
}

TEST_F(Envelope, of_a_stream_that_went_well_is_there_only_to_warn) {
  const std::string config = sandbox.write_file("config.toml", "nonsense = 1\n");
  Ended warned = sandbox.aldis({"events", "tail", "--config", config});
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(warned.out, IsEmpty());
  EXPECT_THAT(sandbox.aldis({"events", "tail"}).err, IsEmpty());
  warned.out = warned.err;
  expect_envelope(warned, "events tail");
  EXPECT_THAT(warned.text("/warnings/0"), HasSubstr("nonsense"));
}

TEST_F(Envelope, says_which_agent_is_missing_and_how_to_name_it) {
  for (const Words& words : {Words{"agents", "beat"}, Words{"agents", "stop"}, Words{"signals", "check", "t"},
                             Words{"signals", "wait", "t"}, Words{"signals", "pending"}, Words{"signals", "clear"},
                             Words{"signals", "broadcast", "t"}, Words{"run", "--", "true"}}) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 2) << words[0];
    EXPECT_THAT(ended.text("/error/fix_command"), StartsWith("export ALDIS_AGENT_ID="));
  }
}

TEST_F(Envelope, of_an_unknown_command_suggests_one) {
  const Ended ended = sandbox.aldis({"signals", "sned"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.text("/error/suggestion"), HasSubstr("aldis signals send"));
  EXPECT_EQ(sandbox.aldis({"frobnicate"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"signals"}).exit_code, 2);
}

TEST_F(Envelope, stays_alone_on_stdout_when_help_is_asked_for) {
  for (const Words& words :
       {Words{}, Words{"--output", "json"}, Words{"--help"}, Words{"-h"}, Words{"agents", "--help"},
        Words{"signals", "send", "--help"}, Words{"run", "--help"}, Words{"doctor", "-h"}}) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_THAT(ended.err, HasSubstr("Usage: aldis"));
    EXPECT_TRUE(ended.at("/meta/help").as_bool());
    EXPECT_TRUE(ended.at("/data").is_null());
  }
}

TEST_F(Envelope, is_not_around_the_bare_version) {
  const Ended ended = sandbox.aldis({"--version"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_TRUE(std::regex_match(ended.out, std::regex("aldis [0-9]+\\.[0-9]+\\.[0-9]+\n"))) << ended.out;
  EXPECT_EQ("aldis " + sandbox.aldis({"version"}).text("/data/version") + "\n", ended.out);
}

TEST_F(Envelope, help_needs_no_config_and_no_store) {
  const Ended ended =
      sandbox.aldis({"agents", "list", "--help"}, {{"ALDIS_CONFIG", "/nonexistent"}, {"ALDIS_STORE", "nonsense"}});
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(Envelope, carries_the_trace_id_of_the_caller) {
  EXPECT_EQ(sandbox.aldis({"version"}, {{"ALDIS_TRACE_ID", "trace-7"}}).text("/meta/trace_id"), "trace-7");
}

TEST_F(Envelope, is_not_printed_for_rows_as_json_lines) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  sandbox.aldis({"agents", "beat", "--agent", "b"});
  const Ended ended = sandbox.aldis({"agents", "list", "--output", "jsonl"});
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 2);
  EXPECT_THAT(ended.out, StartsWith(R"({"agent_id":"a")"));
}

TEST_F(Envelope, a_store_that_cannot_be_reached_is_12) {
  for (const Words& words : {Words{"agents", "list"}, Words{"signals", "check", "t", "--agent", "a"},
                             Words{"run", "--agent", "a", "--", "/usr/bin/env"}}) {
    Words with_store = {"--store", "redis://127.0.0.1:1"};
    with_store.insert(with_store.end(), words.begin(), words.end());
    const Ended ended = sandbox.aldis(with_store);
    EXPECT_EQ(ended.exit_code, 12) << ended.out;
    EXPECT_FALSE(ended.at("/ok").as_bool());
  }
}

TEST_F(Envelope, an_unsafe_runtime_directory_is_a_precondition) {
  const std::string file = sandbox.write_file("not-a-directory", "");
  const Ended ended = sandbox.aldis({"agents", "list", "--runtime-dir", file + "/run"});
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("not-a-directory"));
}

TEST_F(Envelope, a_reader_that_went_away_is_no_error) {
  Running watch(sandbox.command({"agents", "watch"}), sandbox.environment());
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  ASSERT_TRUE(watch.wait_for_output("\"agent_id\":\"a\""));
  watch.close_output();
  sandbox.aldis({"agents", "stop", "--agent", "a"});
  const Ended ended = watch.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.err, IsEmpty());
}

bool sleeps(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  const std::string text(std::istreambuf_iterator<char>(stat), {});
  return text.find(") S ") != std::string::npos;
}

// Until the program waits because the pipe that is its stdout holds so many bytes, or has ended.
void wait_until_blocked_by(int bytes, pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/1";
  for (int unread = 0; unread < bytes || !sleeps(pid);) {
    const int pipe = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (pipe < 0) return;
    ioctl(pipe, FIONREAD, &unread);
    close(pipe);
  }
}

TEST_F(Envelope, a_slow_reader_of_a_pipe_that_does_not_block_gets_all_of_it) {
  Words words = sandbox.command({"manifest"});
  words.insert(words.begin(), {probe(), "narrow"});
  Running manifest(words, sandbox.environment());
  wait_until_blocked_by(4096, manifest.pid());
  const Ended ended = manifest.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.err, IsEmpty());
  EXPECT_TRUE(ended.at("/ok").as_bool());
}

TEST_F(Envelope, a_full_disk_is_an_error) {
  const Ended ended =
      Running({"/bin/sh", "-c", "exec \"$0\" version > /dev/full", sandbox.command({})[0]}, sandbox.environment())
          .wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("cannot write"));
}

}  // namespace
}  // namespace aldis::testing
