#pragma once
// What the reviewers look for in a text file. Used by review.cc; implemented in checks.cc, long_functions.cc,
// secrets.cc.
//
// Model: a pure function of the file's name (which tells the language) and content: the same file always has the same
// findings in the same order, whoever reviews it and however often. Time is linear in the size of the file.
// Threads: pure functions. Errors: none, any bytes will do. Limits: the constants below.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace code_review {

inline constexpr std::size_t kLineColumnsMax = 120;
inline constexpr std::size_t kFunctionLinesMax = 70;
inline constexpr std::size_t kFindingTextBytesMax = 120;

struct Finding {
  std::size_t line = 0;
  std::string check;  // long_line, long_function, leftover, possible_secret, trailing_space, no_final_newline,
                      // conflict_marker
  std::string text;   // one printable line, at most kFindingTextBytesMax; never the secret itself

  auto operator<=>(const Finding&) const = default;
};

// All findings, by line.
std::vector<Finding> check_text(std::string_view path, std::string_view text);

// The parts of check_text that have a file of their own. Lines come without their line break.
std::vector<Finding> find_long_functions(std::string_view path, const std::vector<std::string_view>& lines);
// What the line seems to give away ("a private key"); empty: nothing.
std::string_view secret_in(std::string_view line);

}  // namespace code_review
