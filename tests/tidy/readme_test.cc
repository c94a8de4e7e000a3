// What README.md shows, works. Shell blocks marked <!-- tested --> run as they stand, with the executables of this
// build on PATH, a home and a board of their own; the C++ blocks are compiled into readme_example_1… by CMake and run
// here too. Blocks of `./dev` commands, which would run this test, are checked for commands that `./dev help` knows.

#include "readme.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "redis/server.h"
#include "source_tree.h"

namespace aldis::tidy {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// A directory in memory, gone at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = "/dev/shm/aldis-readme-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Ran {
  int status = -1;
  std::string output;
};

// Runs `text` with bash, stopping at the first failure, in a directory and with a board of its own.
Ran run_shell(const std::string& text) {
  const TemporaryDirectory directory;
  const fs::path script = directory.path() / "block.sh";
  const fs::path log = directory.path() / "log";
  std::ofstream(script) << text;
  const std::string command =
      "cd '" + directory.path().string() + "' && PATH='" ALDIS_EXECUTABLES ":'\"$PATH\"" +
      " HOME=\"$PWD\" ALDIS_RUNTIME_DIR=\"$PWD/board\" ALDIS_OUTPUT= timeout 60 bash -euo pipefail " + script.string() +
      " > " + log.string() + " 2>&1 < /dev/null";
  const int status = std::system(command.c_str());
  std::ifstream file(log);
  return {status, std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>())};
}

// "./dev demo --kill-one" → "demo"; nothing for lines that do not start ./dev.
std::vector<std::string> dev_commands(const std::string& text) {
  static const std::regex kDev(R"((^|\n)\s*\./dev +([a-z]+))");
  std::vector<std::string> commands;
  for (std::sregex_iterator call(text.begin(), text.end(), kDev), end; call != end; ++call)
    commands.push_back((*call)[2]);
  return commands;
}

// The address of a reader's own server becomes that of ours.
std::string with_store(std::string text, const std::string& url) {
  constexpr std::string_view kShown = "redis://127.0.0.1:6379";
  const std::size_t at = text.find(kShown);
  return at == std::string::npos ? text : text.replace(at, kShown.size(), url);
}

bool is_shell(const FencedBlock& block) { return block.language == "sh"; }

std::vector<FencedBlock> readme() { return fenced_blocks(project().at("README.md")); }

TEST(Readme, blocks_know_their_language_and_whether_they_are_tested) {
  const auto blocks = fenced_blocks("a\n```sh\n./dev test\n```\n<!-- tested -->\n```cpp\nint x;\n```\n");
  ASSERT_THAT(blocks, SizeIs(2));
  EXPECT_FALSE(blocks[0].tested);
  EXPECT_EQ(blocks[0].line, 2);
  EXPECT_EQ(blocks[0].text, "./dev test\n");
  EXPECT_TRUE(blocks[1].tested);
  EXPECT_EQ(blocks[1].language, "cpp");
}

TEST(Readme, a_shell_block_that_fails_is_noticed) {
  EXPECT_EQ(run_shell("aldis --version\ntrue\n").status, 0);
  EXPECT_NE(run_shell("false\ntrue\n").status, 0);
}

std::ptrdiff_t count_tested(std::string_view language) {
  return std::ranges::count_if(readme(), [&](const auto& block) { return block.tested && block.language == language; });
}

TEST(Readme, has_tested_shell_examples_and_tested_programs) {
  EXPECT_GE(count_tested("sh"), 1);
  EXPECT_GE(count_tested("cpp"), 1);
}

TEST(Readme, every_tested_shell_block_runs) {
  const testing::RedisServer server;
  for (const FencedBlock& block : readme()) {
    if (!is_shell(block) || !block.tested) continue;
    const Ran ran = run_shell(with_store(block.text, server.url()));
    EXPECT_EQ(ran.status, 0) << "README.md:" << block.line << "\n" << block.text << "---\n" << ran.output;
  }
}

TEST(Readme, every_other_shell_block_names_commands_that_exist) {
  const std::string help = [] {
    const std::string& dev = project().at("dev");
    return dev.substr(dev.find("usage: ./dev"));
  }();
  for (const FencedBlock& block : readme()) {
    if (!is_shell(block) || block.tested) continue;
    const auto commands = dev_commands(block.text);
    EXPECT_THAT(commands, Not(IsEmpty())) << "README.md:" << block.line << ": mark it <!-- tested -->";
    for (const auto& command : commands)
      EXPECT_THAT(help, HasSubstr("\n  " + command + " ")) << "README.md:" << block.line;
  }
}

TEST(Readme, every_tested_program_runs) {
  for (std::ptrdiff_t number = 1; number <= count_tested("cpp"); ++number) {
    const Ran ran = run_shell("readme_example_" + std::to_string(number));
    EXPECT_EQ(ran.status, 0) << ran.output;
  }
}

}  // namespace
}  // namespace aldis::tidy
