// The demo as a user runs it: real processes, a real git repository, no terminal.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "redis/server.h"

namespace aldis {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Ended {
  int code = -1;  // as a shell says it: 128 + n for signal n
  pid_t pid = 0;
  std::string output;
};

// A process with its output in a pipe.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ), 0) << words[0];
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Process() { ::close(output_); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Blocks until it has said this, and answers with the number in it.
  int wait_for(const std::string& what) {
    const std::regex said(what);
    std::smatch match;
    while (!std::regex_search(text_, match, said)) {
      if (!read_some()) return 0;
    }
    return std::stoi(match[1]);
  }

  void send(int signal) const { ::kill(pid_, signal); }

  Ended wait() {
    while (read_some()) continue;
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), pid_, text_};
  }

 private:
  bool read_some() {
    char buffer[4096];
    const ssize_t count = ::read(output_, buffer, sizeof buffer);
    if (count > 0) text_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  pid_t pid_ = 0;
  int output_ = -1;
  std::string text_;
};

class Demo : public ::testing::Test {
 protected:
  Demo() {
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // whatever a run leaves behind becomes our child
    std::string name = (fs::temp_directory_path() / "aldis demo\n.XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    fs::create_directory(repository());
    EXPECT_EQ(Process({"git", "init", "-q", repository()}).wait().code, 0);
  }
  ~Demo() override { fs::remove_all(directory_); }

  std::string repository() const { return directory_ / "a repository"; }

  void plant(const std::string& name, const std::string& content) {
    const fs::path path = fs::path(repository()) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }

  void plant_many(int count) {
    for (int i = 0; i < count; ++i) {
      plant("many/" + std::to_string(i) + ".txt", std::string(static_cast<std::size_t>(i), 'x') + "\n");
    }
  }

  void plant_findings() {
    plant("wide.txt", std::string(121, 'w') + "\n");
    plant("long.cc", "void f() {\n" + std::string(70, '\n') + "}\n");
    plant("later.sh", "# TODO: \x1b[31mred\n");
    plant("secret.py", "password = \"correct-horse\"\n");
    plant("spaces.txt", "two  \n");
    plant("unfinished.txt", "no end");
    plant("merge.txt", "<<<<<<< ours\n>>>>>>> theirs\n");
    plant("picture.png", std::string("\x89PNG\0\0\n", 7));
    plant("huge.txt", std::string(5 << 20, 'x'));
    fs::create_symlink("/dev/zero", fs::path(repository()) / "link");
    for (const std::string name :
         {"with space", "new\nline", "-dash", "latin-\xE9", "back`tick", "back\\slash", "'\"$(x)"}) {
      plant(name, "odd name ");
    }
  }

  // Each takes a reviewer a millisecond or more to read, and no room on the disk.
  void plant_slow(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = "slow" + std::to_string(i);
      plant(name, "");
      fs::resize_file(fs::path(repository()) / name, 4 << 20);
    }
  }

  void track_all() {
    EXPECT_EQ(Process({"git", "-C", repository(), "add", "--all", "--intent-to-add"}).wait().code, 0);
  }

  std::vector<std::string> command(const std::string& report, const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words = {ALDIS_DEMO, "--output=" + (directory_ / report).string()};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back(repository());
    return words;
  }

  Ended run(const std::string& report, const std::vector<std::string>& options = {}) const {
    return Process(command(report, options)).wait();
  }

  std::string report(const std::string& name) const { return content_of(directory_ / name); }

  // Neither a process nor a file of the run is left: what was told to end does; what was not keeps us here for good.
  void expect_no_trace(const Ended& ended) const {
    while (::waitpid(-1, nullptr, 0) > 0) continue;
    EXPECT_EQ(errno, ECHILD);
    for (const auto& entry : fs::directory_iterator("/dev/shm")) {
      EXPECT_THAT(entry.path().string(), Not(HasSubstr("aldis-demo." + std::to_string(ended.pid) + ".")));
    }
  }

 private:
  fs::path directory_;
};

TEST_F(Demo, reports_every_planted_finding) {
  plant_findings();
  track_all();
  fs::remove(fs::path(repository()) / "spaces.txt");
  const Ended ended = run("report.md");
  ASSERT_EQ(ended.code, 0) << ended.output;
  for (const char* const section :
       {"`wide.txt`\n\n- line 1, long_line: `121 columns`\n", "`long.cc`\n\n- line 1, long_function: `72 lines`\n",
        "`later.sh`\n\n- line 1, leftover: `TODO: \\x1b[31mred`\n",
        "`secret.py`\n\n- line 1, possible_secret: `a password or token in plain text`\n",
        "`unfinished.txt`\n\n- line 1, no_final_newline: `the last line has no end`\n",
        "`merge.txt`\n\n- line 1, conflict_marker: `an unfinished merge`\n"}) {
    EXPECT_THAT(report("report.md"), HasSubstr(std::string("### ") + section));
  }
  for (const char* const name : {"`with space`", "`new\\x0aline`", "`-dash`", "`latin-\\xe9`", "``back`tick``",
                                 "`back\\\\slash`", "`'\"$(x)`"}) {
    EXPECT_THAT(report("report.md"), HasSubstr(std::string("### ") + name + "\n\n- line 1, no_final_newline: "));
  }
  EXPECT_THAT(report("report.md"), HasSubstr("- `picture.png`: binary\n"));
  EXPECT_THAT(report("report.md"), HasSubstr("- `huge.txt`: larger than 4 MiB\n"));
  EXPECT_THAT(report("report.md"), HasSubstr("- `link`: a symbolic link\n"));
  EXPECT_THAT(report("report.md"), HasSubstr("- `spaces.txt`: No such file or directory\n"));
}

TEST_F(Demo, a_reviewer_killed_half_way_changes_nothing_in_the_report) {
  plant_findings();
  plant_many(300);
  track_all();
  const Ended undisturbed = run("undisturbed.md");
  const Ended disturbed = run("disturbed.md", {"--kill-one"});
  ASSERT_EQ(undisturbed.code, 0) << undisturbed.output;
  ASSERT_EQ(disturbed.code, 0) << disturbed.output;
  EXPECT_THAT(undisturbed.output, HasSubstr("\n317 files, 3 of them skipped;"));
  EXPECT_TRUE(report("disturbed.md") == report("undisturbed.md")) << "the reports differ";

  EXPECT_THAT(undisturbed.output, Not(HasSubstr("dead")));
  EXPECT_THAT(undisturbed.output, Not(HasSubstr("handed back")));
  EXPECT_THAT(disturbed.output, ContainsRegex("reviewer-[12]: [a-z]+ -> dead \\(process [0-9]+ exited\\)"));
  EXPECT_THAT(disturbed.output, ContainsRegex("handed back [^\n]*: [1-4]\n"));
  EXPECT_THAT(disturbed.output,
              ContainsRegex("killed half-way: reviewer-[12], at once dead \\(process [0-9]+ exited\\)"));
  expect_no_trace(undisturbed);
  expect_no_trace(disturbed);
}

TEST_F(Demo, meets_on_redis_with_the_same_report) {
  plant_findings();
  plant_many(50);
  track_all();
  const testing::RedisServer server;
  const Ended here = run("here.md");
  const Ended there = run("there.md", {"--store", server.url(), "--kill-one"});
  ASSERT_EQ(here.code, 0) << here.output;
  ASSERT_EQ(there.code, 0) << there.output;
  EXPECT_TRUE(report("here.md") == report("there.md")) << "the reports differ";
  EXPECT_THAT(there.output, ContainsRegex("killed half-way: reviewer-[12], at once dead"));
  EXPECT_GT(std::stoi(server.info("total_commands_processed")), 100);
}

TEST_F(Demo, ends_with_a_summary_and_the_time) {
  plant("wide.txt", std::string(121, 'w') + "\n");
  track_all();
  const Ended ended = run("report.md");
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.output, HasSubstr("\n1 file, 0 of them skipped; 1 finding in 1 file\n\n- long_line: 1\n"));
  EXPECT_THAT(ended.output, ContainsRegex("\nreport: [^\n]*\n?[^\n]*/report.md\ntime: [0-9]+\\.[0-9]{3} s\n$"));
}

TEST_F(Demo, an_empty_repository_has_an_empty_report) {
  for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--kill-one"}}) {
    const Ended ended = run("report.md", options);
    EXPECT_EQ(ended.code, 0) << ended.output;
    EXPECT_THAT(report("report.md"), HasSubstr("0 files, 0 of them skipped; 0 findings in 0 files\n"));
    expect_no_trace(ended);
  }
}

TEST_F(Demo, an_interrupted_run_leaves_nothing_behind) {
  plant_slow(1000);
  track_all();
  Process process(command("report.md"));
  ASSERT_GT(process.wait_for("reviewer-1: alive \\(process ([0-9]+)"), 0);
  process.send(SIGTERM);
  const Ended ended = process.wait();
  EXPECT_EQ(ended.code, 143) << ended.output;
  expect_no_trace(ended);
}

TEST_F(Demo, a_run_without_reviewers_fails_at_once) {
  plant_slow(1000);
  track_all();
  Process process(command("report.md"));
  for (const std::string reviewer : {"reviewer-1", "reviewer-2"}) {
    const int pid = process.wait_for(reviewer + ": alive \\(process ([0-9]+)");
    ASSERT_GT(pid, 0);
    ::kill(pid, SIGKILL);
  }
  const Ended ended = process.wait();
  EXPECT_EQ(ended.code, 1) << ended.output;
  expect_no_trace(ended);
}

TEST_F(Demo, what_cannot_work_is_said_at_once) {
  fs::remove_all(fs::path(repository()) / ".git");
  EXPECT_EQ(run("report.md").code, 1) << "no repository";
  EXPECT_EQ(run("report.md", {"--unknown"}).code, 2);
}

}  // namespace
}  // namespace aldis
