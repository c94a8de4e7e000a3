// Files and functions stay small enough to be read at once.

#include <gmock/gmock.h>

#include <algorithm>
#include <regex>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kPublicHeaderLinesMax = 200;
constexpr std::size_t kFileLinesMax = 500;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr std::size_t kColumnsMax = 120;

Violations oversized_files(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    const std::size_t limit = is_under(path, "include") ? kPublicHeaderLinesMax : kFileLinesMax;
    if (!is_cpp(path) && path != "dev") continue;
    if (const std::size_t count = lines_of(text).size(); count > limit) {
      found.push_back(at(path, count - 1, "more than " + std::to_string(limit) + " lines: split it by what it does"));
    }
  }
  return found;
}

// Finds function bodies by their braces: one that opens in a namespace or class, after a parameter list.
class FunctionFinder {
 public:
  explicit FunctionFinder(std::string path) : path_(std::move(path)) {}

  Violations run(const std::vector<std::string>& code) {
    for (line_ = 0; line_ < code.size(); ++line_) {
      const bool preprocessor = std::regex_search(code[line_], kPreprocessor) || continued_;
      continued_ = preprocessor && code[line_].ends_with('\\');
      if (preprocessor) continue;
      for (const char character : code[line_]) take(character);
      before_ += ' ';
    }
    return std::move(found_);
  }

 private:
  enum class Kind { scope, function, inner };
  struct Brace {
    Kind kind;
    std::size_t line;
  };

  static inline const std::regex kPreprocessor{"^\\s*#"};
  static inline const std::regex kScope{
      R"((^|:)\s*(inline\s+)?(template\s*<.*?>\s*)?(namespace|class|struct|union|enum|extern)\b)"};

  void take(char character) {
    if (character == '{') {
      open_.push_back({kind_of_opening(), line_});
    } else if (character == '}' && !open_.empty()) {
      close(open_.back());
      open_.pop_back();
    }
    if (character == '{' || character == '}' || character == ';') {
      before_.clear();
    } else {
      before_ += character;
    }
  }

  Kind kind_of_opening() const {
    if (!open_.empty() && open_.back().kind != Kind::scope) return Kind::inner;
    if (std::regex_search(before_, kScope)) return Kind::scope;
    return before_.find(')') == std::string::npos ? Kind::inner : Kind::function;
  }

  void close(const Brace& brace) {
    const std::size_t length = line_ - brace.line + 1;
    if (brace.kind == Kind::function && length > kFunctionLinesMax) {
      found_.push_back(at(path_, brace.line,
                          "a function of " + std::to_string(length) + " lines, more than " +
                              std::to_string(kFunctionLinesMax) + ": name its parts"));
    }
  }

  std::string path_;
  std::vector<Brace> open_;
  std::string before_;
  std::size_t line_ = 0;
  bool continued_ = false;
  Violations found_;
};

Violations oversized_functions(const SourceTree& tree) {
  Violations found;
  for_each_cpp(tree, [&](const std::string& path, const std::vector<std::string>& code) {
    std::ranges::copy(FunctionFinder(path).run(code), std::back_inserter(found));
  });
  return found;
}

Violations wide_lines(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, text] : tree) {
    if (!is_cpp(path) && !path.ends_with(".cmake") && !path.ends_with("CMakeLists.txt")) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto continuation = [](unsigned char byte) { return (byte & 0xc0) == 0x80; };
      if (lines[i].size() - static_cast<std::size_t>(std::ranges::count_if(lines[i], continuation)) > kColumnsMax) {
        found.push_back(at(path, i, "wider than 120 columns"));
      }
    }
  }
  return found;
}

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "f();\n";
  return text;
}

TEST(Sizes, files_stay_short) { EXPECT_EQ(report(oversized_files(project())), ""); }

TEST(Sizes, a_long_file_is_noticed) {
  const SourceTree tree = {{"include/aldis/a.h", lines(201)}, {"src/a.cc", lines(201)}, {"src/b.cc", lines(501)}};
  EXPECT_THAT(oversized_files(tree), ElementsAre(HasSubstr("include/aldis/a.h:201"), HasSubstr("src/b.cc:501")));
}

TEST(Sizes, functions_stay_short) { EXPECT_EQ(report(oversized_functions(project())), ""); }

TEST(Sizes, a_long_function_is_noticed) {
  const SourceTree tree = {{"src/a.cc", "namespace a {\nclass B {\n void c() const {\n" + lines(70) + "}\n void d() {" +
                                            lines(60) + "}\n};\n}\n"},
                           {"src/b.cc", "const int kTable[] = {\n" + lines(80) + "};\n#define X { \\\n (\n"}};
  EXPECT_THAT(oversized_functions(tree), ElementsAre(HasSubstr("src/a.cc:3: a function of 72 lines")));
}

TEST(Sizes, lines_fit_the_page) { EXPECT_EQ(report(wide_lines(project())), ""); }

TEST(Sizes, a_wide_line_is_noticed) {
  const SourceTree tree = {{"src/a.cc", std::string(121, 'x') + "\n"}, {"src/b.cc", std::string(120, 'x') + "\n"}};
  EXPECT_THAT(wide_lines(tree), ElementsAre(HasSubstr("src/a.cc:1")));
}

}  // namespace
}  // namespace aldis::tidy
