#include "cli/pretty_json.h"

#include <cstddef>

namespace aldis::cli {
namespace {

constexpr std::size_t kIndent = 2;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Behind the string that begins at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t skip_space(std::string_view json, std::size_t at) {
  while (at < json.size() && is_space(json[at])) ++at;
  return at;
}

}  // namespace

std::vector<std::string> pretty_json_lines(std::string_view json) {
  std::vector<std::string> lines(1);
  std::size_t depth = 0;
  const auto new_line = [&] { lines.emplace_back(depth * kIndent, ' '); };
  for (std::size_t at = skip_space(json, 0); at < json.size(); at = skip_space(json, at)) {
    const char c = json[at];
    if (c == '"') {
      const std::size_t end = end_of_string(json, at);
      lines.back() += json.substr(at, end - at);
      at = end;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      lines.back() += c;
      const std::size_t next = skip_space(json, at);
      if (next < json.size() && (json[next] == '}' || json[next] == ']')) {
        lines.back() += json[next];
        at = next + 1;
        continue;
      }
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      lines.back() += c;
    } else {
      lines.back() += c;
      if (c == ',') new_line();
      if (c == ':') lines.back() += ' ';
    }
  }
  return lines;
}

}  // namespace aldis::cli
