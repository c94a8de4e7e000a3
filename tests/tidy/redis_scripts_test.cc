// Every script of the Redis store says what it costs; the user that docs/redis.md tells people to make may do what
// Aldis does, and nothing else.

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>
#include <string>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kEngine = "src/engines/redis";
constexpr std::string_view kScripts = "src/engines/redis/scripts";
constexpr std::string_view kGuide = "docs/redis.md";

bool is_script(std::string_view path) { return directory_of(path) == kScripts && path.ends_with(".lua"); }

Violations scripts_without_cost(const SourceTree& tree) {
  static const std::regex kCost("\\bCost\\b");
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_script(path)) continue;
    std::string header;
    const auto lines = lines_of(text);
    for (std::size_t i = 1; i < lines.size() && lines[i].starts_with("--"); ++i) header += lines[i] + '\n';
    if (!std::regex_search(header, kCost)) found.push_back(at(path, 0, "say in the header what it costs: \"Cost …\""));
  }
  return found;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

struct Rights {
  std::size_t line = 0;
  std::vector<std::string> given;  // HGET, CLIENT|SETNAME, @HASH
};

// The line of the ACL behind <!-- acl -->.
Rights documented_rights(const SourceTree& tree) {
  const auto lines = lines_of(tree.at(std::string(kGuide)));
  Rights rights;
  while (rights.line < lines.size() && lines[rights.line] != "<!-- acl -->") ++rights.line;
  while (rights.line < lines.size() && !lines[rights.line].starts_with("user ")) ++rights.line;
  if (rights.line == lines.size()) return rights;
  std::istringstream words(lines[rights.line]);
  for (std::string word; words >> word;) {
    if (word.starts_with('+')) rights.given.push_back(upper(word.substr(1)));
  }
  return rights;
}

Violations missing_rights(const SourceTree& tree) {
  static const std::regex kCall(R"(\bp?call\(\s*'([A-Z]+)')");
  const Rights rights = documented_rights(tree);
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_under(path, kScripts)) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (std::sregex_iterator call(lines[i].begin(), lines[i].end(), kCall), end; call != end; ++call) {
        const std::string command = (*call)[1];
        if (std::ranges::find(rights.given, command) != rights.given.end()) continue;
        found.push_back(at(path, i, "the user in docs/redis.md may not " + command));
      }
    }
  }
  return found;
}

bool uses(const SourceTree& tree, const std::string& command) {
  const std::size_t bar = command.find('|');
  const std::string word = command.substr(0, bar);
  const std::string second = bar == std::string::npos ? "" : command.substr(bar + 1);
  const std::string in_cpp = '"' + word + '"' + (second.empty() ? "" : ", \"" + second + '"');
  const std::string size = std::to_string(second.size());
  const std::string on_the_wire =
      R"(\r\n)" + word + R"(\r\n)" + (second.empty() ? "" : '$' + size + R"(\r\n)" + second);
  const std::string in_lua = '\'' + command + '\'';
  return std::ranges::any_of(tree, [&](const auto& file) {
    const auto& [path, text] = file;
    if (!is_under(path, kEngine)) return false;
    if (!is_cpp(path)) return text.find(in_lua) != std::string::npos;
    return text.find(in_cpp) != std::string::npos || text.find(on_the_wire) != std::string::npos;
  });
}

Violations idle_rights(const SourceTree& tree) {
  const Rights rights = documented_rights(tree);
  Violations found;
  if (rights.given.empty()) found.push_back(at(kGuide, 0, "behind <!-- acl --> comes the user of Aldis"));
  for (const std::string& command : rights.given) {
    if (command.starts_with("CONFIG")) {
      found.push_back(at(kGuide, rights.line, "CONFIG GET reads the passwords of the server"));
    } else if (!uses(tree, command)) {
      found.push_back(at(kGuide, rights.line, "nothing of Aldis needs +" + command));
    }
  }
  return found;
}

TEST(RedisScripts, every_script_says_what_it_costs) { EXPECT_EQ(report(scripts_without_cost(project())), ""); }

TEST(RedisScripts, a_script_without_its_cost_is_noticed) {
  const SourceTree tree = {{"src/engines/redis/scripts/a.lua", "#!lua\n-- Does a.\nlocal Cost = 1\n"},
                           {"src/engines/redis/scripts/b.lua", "#!lua\n-- Does b.\n-- Cost  O(1)\nreturn 1\n"},
                           {"src/engines/redis/scripts/lib/c.lua", "-- Part of others.\n"}};
  EXPECT_THAT(scripts_without_cost(tree), ElementsAre(HasSubstr("a.lua:1")));
}

TEST(RedisScripts, the_documented_user_may_do_all_that_they_do) { EXPECT_EQ(report(missing_rights(project())), ""); }

TEST(RedisScripts, the_documented_user_may_do_nothing_else) { EXPECT_EQ(report(idle_rights(project())), ""); }

TEST(RedisScripts, a_right_too_few_or_too_many_is_noticed) {
  const SourceTree tree = {
      {"docs/redis.md", "<!-- acl -->\n```\nuser a on >P -@all +get +keys +@hash +config|get +client|setname +ping\n"},
      {"src/engines/redis/scripts/a.lua", "#!lua\nredis.call('GET', key)\nif call('HGET', key, 'f') then\n"},
      {"src/engines/redis/scripts/lib/b.lua", "redis.pcall( 'ZADD', key)\n"},
      {"src/engines/redis/a.cc", "format_command({\"CLIENT\", \"SETNAME\", \"aldis\"}) + \"PING\""},
      {"src/other.cc", "\"KEYS\""}};
  EXPECT_THAT(missing_rights(tree), ElementsAre(HasSubstr("a.lua:3: the user in docs/redis.md may not HGET"),
                                                HasSubstr("b.lua:1: the user in docs/redis.md may not ZADD")));
  EXPECT_THAT(idle_rights(tree), ElementsAre(HasSubstr("docs/redis.md:3: nothing of Aldis needs +KEYS"),
                                             HasSubstr("needs +@HASH"), HasSubstr("CONFIG GET reads the passwords")));
}

TEST(RedisScripts, a_guide_without_its_user_is_noticed) {
  EXPECT_THAT(idle_rights({{"docs/redis.md", "# Aldis on Redis\n"}}), ElementsAre(HasSubstr("docs/redis.md:1")));
}

}  // namespace
}  // namespace aldis::tidy
