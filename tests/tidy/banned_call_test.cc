// What must not be called, or only in the one file that wraps it.

#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <regex>
#include <set>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Ban {
  std::string name;
  std::regex call;
  std::vector<std::string> directories;        // where it is banned
  std::set<std::string, std::less<>> allowed;  // files or directories in there that may
  std::string instead;
};

const std::vector<std::string> kEverywhere = {"include", "src", "tests", "bench", "examples", "fuzz"};

const std::vector<Ban>& bans() {
  static const std::vector<Ban> all = {
      {"system clock",
       std::regex(R"((system|steady|high_resolution)_clock::now|\b(clock_gettime|gettimeofday|timespec_get)\s*\()"
                  R"(|(^|[^\w])(std)?::(time|clock)\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\))"),
       kEverywhere,
       {"src/core/system_clock.cc", "examples/tool/main.cc"},  // a tool of somebody else has no Clock to take
       "take a Clock or a time (core/clock.h)"},
      {"environment",
       std::regex(R"(\b(secure_getenv|getenv|environ|__environ|setenv|putenv|unsetenv)\b)"),
       {"include", "src", "bench", "examples", "fuzz"},
       {"src/core/environment.cc"},
       "take an Environment (core/environment.h)"},
      {"sleep",
       std::regex(R"(this_thread::sleep_|\b(usleep|nanosleep|clock_nanosleep)\s*\(|(^|[^\w])(::|^\s*)sleep\s*\()"),
       {"include", "src", "tests", "examples", "fuzz"},
       {"src/engines/local/directory_lock.cc"},  // flock takes no deadline
       "wait for the condition itself: a Waker, a condition variable, a pipe"},
      {"exception",
       std::regex(R"(\b(throw|catch|try)\b|\bstd::sto(i|l|ll|ul|ull|f|d|ld)\b)"),
       {"include", "src"},
       {"src/cli/parser.cc",           // CLI11 throws what is wrong with an argument
        "src/core/worker_thread.cc",   // std::thread throws when no thread can be started
        "src/telemetry/contained.h"},  // the host must not die of our memory
       "return a Result; a library's exceptions are translated in the one file that uses it"},
      {"standard output",
       std::regex(R"(\bstd::(cout|cerr|clog)\b|\b(printf|puts|putchar|vprintf|perror)\s*\(|\bstd(out|err)\b)"),
       {"include", "src"},
       {"src/core/fork_guard.cc", "src/core/ids.cc",  // last words before abort: out of memory
        "src/telemetry/flush_output.cc"},             // flushes them as exit would, prints nothing
       "return it or call back; the command line prints through cli/output.h"},
      {"process end",
       std::regex(R"((^|[^\w.>:])(std::)?(exit|_exit|quick_exit|system|popen)\s*\()"),
       {"include", "src"},
       {"src/cli"},
       "a library does not end or start programs: return an error"},
  };
  return all;
}

bool is_allowed(const Ban& ban, const std::string& path) {
  return std::ranges::any_of(ban.allowed,
                             [&](const auto& allowed) { return path == allowed || is_under(path, allowed); });
}

bool is_banned_in(const Ban& ban, const std::string& path) {
  return std::ranges::any_of(ban.directories, [&](const auto& directory) { return is_under(path, directory); }) &&
         !is_allowed(ban, path);
}

Violations banned_calls(const SourceTree& tree) {
  Violations found;
  for_each_cpp(tree, [&](const std::string& path, const std::vector<std::string>& code) {
    for (const Ban& ban : bans()) {
      if (!is_banned_in(ban, path)) continue;
      for (std::size_t i = 0; i < code.size(); ++i) {
        if (std::regex_search(code[i], ban.call)) found.push_back(at(path, i, ban.name + ": " + ban.instead));
      }
    }
  });
  return found;
}

// An exemption that nothing needs any more hides the next violation.
Violations idle_exemptions(const SourceTree& tree) {
  Violations found;
  for (const Ban& ban : bans()) {
    std::set<std::string, std::less<>> idle = ban.allowed;
    for_each_cpp(tree, [&](const std::string& path, const std::vector<std::string>& code) {
      const bool calls = std::ranges::any_of(code, [&](const auto& line) { return std::regex_search(line, ban.call); });
      if (calls) std::erase_if(idle, [&](const auto& allowed) { return path == allowed || is_under(path, allowed); });
    });
    for (const auto& path : idle) found.push_back(path + ": exempt from \"" + ban.name + "\" without need");
  }
  return found;
}

TEST(BannedCalls, are_not_made) { EXPECT_EQ(report(banned_calls(project())), ""); }

TEST(BannedCalls, every_exemption_is_needed) { EXPECT_EQ(report(idle_exemptions(project())), ""); }

struct Planted {
  std::string path;
  std::string line;

  friend std::ostream& operator<<(std::ostream& out, const Planted& planted) { return out << planted.path; }
};

class BannedCall : public ::testing::TestWithParam<Planted> {};

TEST_P(BannedCall, is_noticed) {
  const SourceTree tree = {{GetParam().path, "// a comment\n" + GetParam().line + "\n"}};
  EXPECT_THAT(banned_calls(tree), ElementsAre(HasSubstr(GetParam().path + ":2"))) << GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(, BannedCall,
                         ::testing::Values(Planted{"src/domain/a.cc", "auto t = std::chrono::steady_clock::now();"},
                                           Planted{"tests/domain/a_test.cc", "auto t = time(nullptr);"},
                                           Planted{"bench/a.cc", "clock_gettime(CLOCK_MONOTONIC, &t);"},
                                           Planted{"src/cli/a.cc", "const char* home = std::getenv(\"HOME\");"},
                                           Planted{"tests/local/a_test.cc", "std::this_thread::sleep_for(1ms);"},
                                           Planted{"tests/local/a_test.cc", "  sleep(1);"},
                                           Planted{"src/domain/a.cc", "throw std::runtime_error(text);"},
                                           Planted{"src/core/a.cc", "const int n = std::stoi(text);"},
                                           Planted{"src/core/a.cc", "std::cerr << text;"},
                                           Planted{"src/engines/local/a.cc", "std::exit(1);"}));

TEST(BannedCalls, words_in_comments_strings_and_longer_names_are_no_calls) {
  const SourceTree tree = {{"src/domain/a.cc",
                            "// never throw, never sleep(1)\n"
                            "say(\"try getenv(HOME)\");\n"
                            "waker.sleep(listening, at_most, stop);\n"
                            "ALDIS_TRY(call());\n"
                            "record.time(); set_time(0);\n"}};
  EXPECT_THAT(banned_calls(tree), IsEmpty());
}

}  // namespace
}  // namespace aldis::tidy
