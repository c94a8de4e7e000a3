// Functions that do not fit on a screen, found by their indentation: no parser, but right for code that is indented as
// it is nested, and never slower than one look at each line.

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "checks.h"

namespace code_review {
namespace {

struct Opening {
  std::size_t line;  // index
  std::size_t indentation;
};

enum class Language { unknown, braces, python };

Language language_of(std::string_view path) {
  constexpr auto kBraces =
      std::to_array<std::string_view>({"c",   "cc", "cpp", "cs",  "cxx", "go",    "h",  "hh",    "hpp", "java", "js",
                                       "jsx", "kt", "m",   "php", "rs",  "scala", "sh", "swift", "ts",  "tsx"});
  const std::size_t dot = path.rfind('.');
  if (dot == path.npos) return Language::unknown;
  const std::string_view extension = path.substr(dot + 1);
  if (extension == "py") return Language::python;
  return std::ranges::find(kBraces, extension) == kBraces.end() ? Language::unknown : Language::braces;
}

std::size_t indentation_of(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

std::string_view trim(std::string_view line) {
  line.remove_prefix(indentation_of(line));
  return line.substr(0, line.find_last_not_of(" \t") + 1);
}

std::string_view first_word(std::string_view trimmed) {
  const auto end = std::ranges::find_if(
      trimmed, [](char character) { return std::isalnum(static_cast<unsigned char>(character)) == 0; });
  return trimmed.substr(0, static_cast<std::size_t>(end - trimmed.begin()));
}

// The head of a statement or type rather than of a function.
bool opens_something_else(std::string_view trimmed) {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"catch", "class", "do",        "elif",   "else",   "enum",   "extern",       "for", "foreach", "if",    "impl",
       "loop",  "match", "namespace", "return", "struct", "switch", "synchronized", "try", "union",   "while", "with"});
  return trimmed.starts_with('}') || trimmed.starts_with('#') || trimmed.starts_with("//") ||
         std::ranges::find(kWords, first_word(trimmed)) != kWords.end();
}

// The line where a function's head ends, if its body opens in line `i`: there, or alone on the next line.
std::optional<std::size_t> head_of_body(const std::vector<std::string_view>& lines, std::size_t i) {
  const std::string_view line = trim(lines[i]);
  if (!line.ends_with('{')) return std::nullopt;
  const std::size_t head_index = line == "{" && i > 0 ? i - 1 : i;
  const std::string_view head = trim(lines[head_index]);
  if (head.find(')') == head.npos || opens_something_else(head)) return std::nullopt;
  return head_index;
}

void report(std::size_t first, std::size_t last, std::vector<Finding>& findings) {
  const std::size_t length = last - first + 1;
  if (length > kFunctionLinesMax) {
    findings.push_back({first + 1, "long_function", std::to_string(length) + " lines"});
  }
}

// A body ends at the first line that begins with "}" and is indented no further than its head.
std::vector<Finding> find_in_braces(const std::vector<std::string_view>& lines) {
  std::vector<Finding> findings;
  std::vector<Opening> open;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).starts_with('}')) {
      while (!open.empty() && open.back().indentation >= indentation_of(lines[i])) {
        report(open.back().line, i, findings);
        open.pop_back();
      }
    }
    if (const auto head = head_of_body(lines, i)) open.push_back({*head, indentation_of(lines[*head])});
  }
  return findings;
}

// A body ends before the first line that is indented no further than its "def".
std::vector<Finding> find_in_python(const std::vector<std::string_view>& lines) {
  std::vector<Finding> findings;
  std::vector<Opening> open;
  std::size_t last_code = 0;
  const auto close = [&](std::size_t indentation) {
    for (; !open.empty() && open.back().indentation >= indentation; open.pop_back()) {
      report(open.back().line, last_code, findings);
    }
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = trim(lines[i]);
    if (line.empty()) continue;
    close(indentation_of(lines[i]));
    if (line.starts_with("def ") || line.starts_with("async def ")) open.push_back({i, indentation_of(lines[i])});
    last_code = i;
  }
  close(0);
  return findings;
}

}  // namespace

std::vector<Finding> find_long_functions(std::string_view path, const std::vector<std::string_view>& lines) {
  switch (language_of(path)) {
    case Language::braces:
      return find_in_braces(lines);
    case Language::python:
      return find_in_python(lines);
    case Language::unknown:
      break;
  }
  return {};
}

}  // namespace code_review
