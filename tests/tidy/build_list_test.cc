// Every source is built, every test runs, every package is named once.

#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kLists = "CMakeLists.txt";

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::string without_comments(const std::string& cmake) { return std::regex_replace(cmake, std::regex("#[^\n]*"), ""); }

std::set<std::string> words_of(const std::string& cmake) {
  static const std::regex kWord(R"-([^\s()"]+)-");
  const std::string text = without_comments(cmake);
  std::set<std::string> words;
  for (std::sregex_iterator word(text.begin(), text.end(), kWord), end; word != end; ++word) words.insert(word->str());
  return words;
}

// Follows add_subdirectory from the top: the directories that take part in the build.
void collect_reached(const SourceTree& tree, const std::string& directory, std::set<std::string>& reached) {
  static const std::regex kAdd(R"(add_subdirectory\(\s*([\w./-]+))");
  const auto found = tree.find(join(directory, kLists));
  if (found == tree.end() || !reached.insert(directory).second) return;
  const std::string text = without_comments(found->second);
  for (std::sregex_iterator add(text.begin(), text.end(), kAdd), end; add != end; ++add) {
    collect_reached(tree, join(directory, (*add)[1]), reached);
  }
}

// Whether the list of the nearest directory that has one names the file, by its path from there.
bool is_listed(const SourceTree& tree, const std::string& path, const std::set<std::string>& reached) {
  for (std::string directory = directory_of(path); !directory.empty(); directory = directory_of(directory)) {
    const auto lists = tree.find(join(directory, kLists));
    if (lists == tree.end()) continue;
    return reached.contains(directory) && words_of(lists->second).contains(path.substr(directory.size() + 1));
  }
  return false;
}

Violations unbuilt_sources(const SourceTree& tree) {
  Violations found;
  std::set<std::string> reached;
  collect_reached(tree, "", reached);
  for (const auto& [path, text] : tree) {
    // The outside project has its own build, which the test `consumer` runs.
    if ((!path.ends_with(".cc") && !path.ends_with(".lua")) || is_under(path, "tests/consumer")) continue;
    if (!is_listed(tree, path, reached)) found.push_back(path + ": in no CMakeLists.txt that the build reads");
  }
  return found;
}

// A test file holds tests; a file with tests is called so.
Violations misnamed_tests(const SourceTree& tree) {
  static const std::regex kTest(R"((^|\n)(TYPED_)?TEST(_F|_P)?\(|RC_GTEST_PROP\()");
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with(".cc") || !is_under(path, "tests")) continue;
    const bool has_tests = std::regex_search(code_of(text), kTest);
    if (has_tests != path.ends_with("_test.cc")) {
      found.push_back(path + (has_tests ? ": has tests; call it …_test.cc" : ": has no tests"));
    }
  }
  return found;
}

Violations untidy_packages(const SourceTree& tree) {
  Violations found;
  std::set<std::string> seen;
  std::string previous;
  const auto lines = lines_of(tree.at("packages.txt"));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].starts_with('#')) {
      previous.clear();
      continue;
    }
    // A name, and perhaps the command whose presence makes the package unnecessary.
    if (!std::regex_match(lines[i], std::regex("[a-z0-9][a-z0-9+.-]+( [a-z0-9]+)?")))
      found.push_back(at("packages.txt", i, "not a name"));
    const std::string name = lines[i].substr(0, lines[i].find(' '));
    if (!seen.insert(name).second) found.push_back(at("packages.txt", i, "named twice"));
    if (name < previous) found.push_back(at("packages.txt", i, "not sorted"));
    previous = name;
  }
  return found;
}

TEST(BuildLists, name_every_source) { EXPECT_EQ(report(unbuilt_sources(project())), ""); }

TEST(BuildLists, a_forgotten_source_is_noticed) {
  const SourceTree tree = {{"CMakeLists.txt", "add_subdirectory(src)\n# add_subdirectory(old)\n"},
                           {"src/CMakeLists.txt", "add_library(a STATIC a.cc # b.cc\n  parts/c.cc)"},
                           {"src/a.cc", ""},
                           {"src/b.cc", ""},
                           {"src/parts/c.cc", ""},
                           {"src/parts/c.lua", ""},
                           {"old/CMakeLists.txt", "add_library(d STATIC d.cc)"},
                           {"old/d.cc", ""},
                           {"tests/consumer/main.cc", ""}};
  EXPECT_THAT(unbuilt_sources(tree), ElementsAre(HasSubstr("old/d.cc"), HasSubstr("src/b.cc"), HasSubstr("c.lua")));
}

TEST(BuildLists, test_files_are_named_as_such) { EXPECT_EQ(report(misnamed_tests(project())), ""); }

TEST(BuildLists, a_misnamed_test_is_noticed) {
  const SourceTree tree = {{"tests/a.cc", "TEST(A, b) {}\n"},
                           {"tests/b_test.cc", "// TEST(A, b)\n"},
                           {"tests/c_test.cc", "x\nTEST_P(A, b) {}\n"},
                           {"tests/d.cc", "int main() {}\n"}};
  EXPECT_THAT(misnamed_tests(tree), ElementsAre(HasSubstr("tests/a.cc"), HasSubstr("tests/b_test.cc")));
}

TEST(BuildLists, packages_are_sorted_and_named_once) { EXPECT_EQ(report(untidy_packages(project())), ""); }

TEST(BuildLists, an_untidy_package_is_noticed) {
  const SourceTree tree = {{"packages.txt", "# build\ng++\ncmake\n\n# check\nclang-19\ng++\nnodejs node\nnpm  x\n"}};
  EXPECT_THAT(untidy_packages(tree),
              ElementsAre(HasSubstr("packages.txt:3: not sorted"), HasSubstr("packages.txt:7: named twice"),
                          HasSubstr("packages.txt:9: not a name")));
}

}  // namespace
}  // namespace aldis::tidy
