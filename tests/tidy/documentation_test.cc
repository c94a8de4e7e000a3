// Headers say what a caller must know, links lead somewhere, limits are used, and nothing names one machine.

#include <gmock/gmock.h>

#include <algorithm>
#include <regex>
#include <set>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Plain values and macros, with nothing that a thread could share.
const std::set<std::string, std::less<>> kNeedsNoThreads = {"include/aldis/error.h", "include/aldis/export.h",
                                                            "include/aldis/limits.h", "include/aldis/result.h",
                                                            "include/aldis/time.h"};

std::string opening_comment(const std::vector<std::string>& lines) {
  std::string comment;
  for (std::size_t i = 1; i < lines.size() && lines[i].starts_with("//"); ++i) comment += lines[i] + '\n';
  return comment;
}

Violations silent_headers(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_header(path)) continue;
    const auto lines = lines_of(text);
    if (lines.empty() || lines[0] != "#pragma once") {
      found.push_back(at(path, 0, "begin with #pragma once"));
    } else if (const std::string comment = opening_comment(lines); comment.empty()) {
      found.push_back(at(path, 1, "say what it is, right after #pragma once"));
    } else if (is_under(path, "include") && !kNeedsNoThreads.contains(path) &&
               comment.find("Threads:") == comment.npos) {
      found.push_back(at(path, 1, "say \"Threads:\" and which calls are safe from where"));
    }
  }
  return found;
}

bool exists(const SourceTree& tree, const std::string& path) {
  return std::ranges::any_of(tree, [&](const auto& file) { return file.first == path || is_under(file.first, path); });
}

// "docs" and "../README.md#build" → "README.md"
std::string resolve(std::string directory, std::string target) {
  target = target.substr(0, target.find('#'));
  while (target.starts_with("../")) {
    directory = directory_of(directory);
    target.erase(0, 3);
  }
  if (target.starts_with("./")) target.erase(0, 2);
  if (target.ends_with('/')) target.pop_back();
  return directory.empty() || target.empty() ? directory + target : directory + "/" + target;
}

Violations broken_links(const SourceTree& tree) {
  static const std::regex kLink(R"(\]\(([^)\s]+)\))");
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with(".md")) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (std::sregex_iterator link(lines[i].begin(), lines[i].end(), kLink), end; link != end; ++link) {
        const std::string target = (*link)[1];
        if (target.starts_with("#") || target.find("://") != std::string::npos) continue;
        if (!exists(tree, resolve(directory_of(path), target))) found.push_back(at(path, i, "no such file: " + target));
      }
    }
  }
  return found;
}

Violations unused_limits(const SourceTree& tree) {
  static const std::regex kConstant(R"(constexpr\s+[\w:]+\s+(k[A-Z]\w*)\s*=)");
  Violations found;
  const auto lines = lines_of(code_of(tree.at("include/aldis/limits.h")));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(lines[i], match, kConstant)) continue;
    const std::regex use("\\b" + match[1].str() + "\\b");
    const bool used = std::ranges::any_of(tree, [&](const auto& file) {
      return is_cpp(file.first) && file.first != "include/aldis/limits.h" &&
             (is_under(file.first, "src") || is_under(file.first, "include")) && std::regex_search(file.second, use);
    });
    if (!used) found.push_back(at("include/aldis/limits.h", i, match[1].str() + " bounds nothing"));
  }
  return found;
}

Violations machine_paths(const SourceTree& tree) {
  // Each with a bracket, or this file would be found.
  static const std::regex kMachine("(^|[^\\w.])/(wor[k]/|roo[t]/|tmp/buil[d])|\\.\\./share[d]/");
  Violations found;
  for (const auto& [path, text] : tree) {
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (std::regex_search(lines[i], kMachine)) found.push_back(at(path, i, "a path of one machine"));
    }
  }
  return found;
}

Violations leftovers(const SourceTree& tree) {
  static const std::regex kLeftover("//.*\\b(TOD[O]|FIXM[E]|XX[X])\\b");
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_cpp(path)) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (std::regex_search(lines[i], kLeftover)) found.push_back(at(path, i, "do it, or open an issue"));
    }
  }
  return found;
}

TEST(Documentation, every_header_says_what_it_is) { EXPECT_EQ(report(silent_headers(project())), ""); }

TEST(Documentation, a_silent_header_is_noticed) {
  const SourceTree tree = {{"src/a.h", "// What it is.\n#pragma once\n"},
                           {"src/b.h", "#pragma once\n\n#include <map>\n"},
                           {"src/c.h", "#pragma once\n// What it is.\n"},
                           {"include/aldis/d.h", "#pragma once\n// What it is.\n\n// Threads: none.\n"},
                           {"include/aldis/e.h", "#pragma once\n// What it is.\n// Threads: safe from any.\n"}};
  EXPECT_THAT(silent_headers(tree),
              ElementsAre(HasSubstr("include/aldis/d.h:2"), HasSubstr("src/a.h:1"), HasSubstr("src/b.h:2")));
}

TEST(Documentation, links_lead_somewhere) { EXPECT_EQ(report(broken_links(project())), ""); }

TEST(Documentation, a_broken_link_is_noticed) {
  const SourceTree tree = {
      {"README.md", "[a](docs/a.md#b) [b](docs/b.md)\n[c](https://example.org) [d](docs) [e](#e)\n"},
      {"docs/a.md", "[a](../README.md) [b](a.md) [c](../a.md)\n"}};
  EXPECT_THAT(broken_links(tree), ElementsAre(HasSubstr("README.md:1: no such file: docs/b.md"),
                                              HasSubstr("docs/a.md:1: no such file: ../a.md")));
}

TEST(Documentation, every_limit_bounds_something) { EXPECT_EQ(report(unused_limits(project())), ""); }

TEST(Documentation, an_unused_limit_is_noticed) {
  const SourceTree tree = {{"include/aldis/limits.h",
                            "inline constexpr std::size_t kUsed = 1;\ninline constexpr double kUnused = 2;\n"
                            "static_assert(kUnused > kUsed);\n"},
                           {"src/a.cc", "x = limits::kUsed;\n"},
                           {"tests/a_test.cc", "x = limits::kUnused;\n"}};
  EXPECT_THAT(unused_limits(tree), ElementsAre(HasSubstr("kUnused")));
}

// A test of the command line trusts the one of its help.
TEST(Documentation, shows_the_same_public_key_as_the_help) {
  const std::regex key("ed25519:[A-Za-z0-9_-]{43}");
  const auto key_in = [&](const std::string& path) {
    const std::string& text = project().at(path);
    std::smatch found;
    return std::regex_search(text, found, key) ? found.str() : "no key in " + path;
  };
  EXPECT_EQ(key_in("docs/approvals.md"), key_in("src/cli/commands/approvers.cc"));
}

TEST(Documentation, names_no_machine) { EXPECT_EQ(report(machine_paths(project())), ""); }

TEST(Documentation, the_path_of_a_machine_is_noticed) {
  const SourceTree tree = {{"docs/a.md",
                            "see /roo"
                            "t/aldis\n~/aldis and /home/me\n"},
                           {"dev",
                            "cd /tmp/buil"
                            "d-me\n"}};
  EXPECT_THAT(machine_paths(tree), ElementsAre(HasSubstr("dev:1"), HasSubstr("docs/a.md:1")));
}

TEST(Documentation, leaves_nothing_for_later) { EXPECT_EQ(report(leftovers(project())), ""); }

TEST(Documentation, a_leftover_is_noticed) {
  const SourceTree tree = {{"src/a.cc",
                            "f();  // TO"
                            "DO: g()\n// todos los días\n"}};
  EXPECT_THAT(leftovers(tree), ElementsAre(HasSubstr("src/a.cc:1")));
}

}  // namespace
}  // namespace aldis::tidy
