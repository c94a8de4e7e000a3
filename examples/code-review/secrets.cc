// Lines that seem to give a secret away: keys and tokens of well-known shapes, and passwords written into the source.

#include <algorithm>
#include <array>
#include <cctype>

#include "checks.h"

namespace code_review {
namespace {

struct TokenShape {
  std::string_view prefix;
  std::size_t length;  // of what follows the prefix, at least
  std::string_view what;
};

constexpr auto kTokenShapes = std::to_array<TokenShape>({
    {"AKIA", 16, "an AWS access key"},
    {"AIza", 35, "a Google API key"},
    {"ghp_", 36, "a GitHub token"},
    {"github_pat_", 22, "a GitHub token"},
    {"glpat-", 20, "a GitLab token"},
    {"xoxb-", 20, "a Slack token"},
});

bool is_token_character(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_' || character == '-';
}

std::size_t token_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_character) - text.begin());
}

bool has_token(std::string_view line, const TokenShape& shape) {
  for (std::size_t at = line.find(shape.prefix); at != line.npos; at = line.find(shape.prefix, at + 1)) {
    const bool begins = at == 0 || !is_token_character(line[at - 1]);
    if (begins && token_length(line.substr(at + shape.prefix.size())) >= shape.length) return true;
  }
  return false;
}

std::string_view skip(std::string_view text, std::string_view characters) {
  return text.substr(std::min(text.find_first_not_of(characters), text.size()));
}

// Whether `rest`, what follows a word like "password", gives it a literal value: `_hash" : "value"`. A placeholder such
// as "$PASSWORD" or "<yours>" is no value.
bool assigns_literal(std::string_view rest) {
  constexpr std::size_t kLengthMin = 8;
  rest = skip(rest, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  rest = skip(skip(rest, "\"'])"), " \t");
  if (!rest.starts_with('=') && !rest.starts_with(':')) return false;
  rest = skip(rest, "=: \t");
  if (!rest.starts_with('"') && !rest.starts_with('\'')) return false;
  const std::string_view value = rest.substr(1, rest.find(rest.front(), 1) - 1);
  const bool closed = value.size() + 2 <= rest.size();
  return closed && value.size() >= kLengthMin && value.find_first_of(" $<{%") == value.npos;
}

bool assigns_password(std::string_view line) {
  constexpr auto kWords = std::to_array<std::string_view>({"password", "passwd", "secret", "api_key", "token"});
  std::string lower(line);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    const std::size_t at = lower.find(word);
    return at != lower.npos && assigns_literal(std::string_view(lower).substr(at + word.size()));
  });
}

}  // namespace

std::string_view secret_in(std::string_view line) {
  const std::size_t begin = line.find("-----BEGIN ");
  if (begin != line.npos && line.find("PRIVATE KEY-----", begin) != line.npos) return "a private key";
  for (const TokenShape& shape : kTokenShapes) {
    if (has_token(line, shape)) return shape.what;
  }
  return assigns_password(line) ? "a password or token in plain text" : "";
}

}  // namespace code_review
