#include "checks.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "text.h"

namespace code_review {
namespace {

// Without "\n" and "\r\n"; what follows the last line break is a line if it is not empty.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_word_character(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
}

// Where `word` stands by itself in the line; npos: nowhere.
std::size_t find_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    const std::size_t after = at + word.size();
    const bool begins = at == 0 || !is_word_character(line[at - 1]);
    const bool ends = after == line.size() || !is_word_character(line[after]);
    if (begins && ends) return at;
  }
  return line.npos;
}

// From the marker to the end of the line: what is left to do.
std::string leftover_in(std::string_view line) {
  constexpr auto kMarkers = std::to_array<std::string_view>({"TODO", "FIXME", "XXX", "HACK"});
  std::size_t first = line.npos;
  for (const std::string_view marker : kMarkers) first = std::min(first, find_word(line, marker));
  return first == line.npos ? "" : shorten(printable(line.substr(first)), kFindingTextBytesMax);
}

bool is_conflict_marker(std::string_view line) {
  return line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line.starts_with("||||||| ");
}

void check_line(std::string_view line, std::size_t number, std::vector<Finding>& findings) {
  if (const std::size_t width = columns(line); width > kLineColumnsMax) {
    findings.push_back({number, "long_line", std::to_string(width) + " columns"});
  }
  if (std::string leftover = leftover_in(line); !leftover.empty()) {
    findings.push_back({number, "leftover", std::move(leftover)});
  }
  if (const std::string_view secret = secret_in(line); !secret.empty()) {
    findings.push_back({number, "possible_secret", std::string(secret)});
  }
  if (line.ends_with(' ') || line.ends_with('\t')) {
    findings.push_back({number, "trailing_space", "white space at the end of the line"});
  }
  if (is_conflict_marker(line)) findings.push_back({number, "conflict_marker", "an unfinished merge"});
}

}  // namespace

std::vector<Finding> check_text(std::string_view path, std::string_view text) {
  const std::vector<std::string_view> lines = split_lines(text);
  std::vector<Finding> findings = find_long_functions(path, lines);
  for (std::size_t i = 0; i < lines.size(); ++i) check_line(lines[i], i + 1, findings);
  if (!text.empty() && !text.ends_with('\n')) {
    findings.push_back({lines.size(), "no_final_newline", "the last line has no end"});
  }
  std::ranges::sort(findings);
  return findings;
}

}  // namespace code_review
