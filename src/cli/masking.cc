#include "cli/masking.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "aldis/json.h"
#include "core/ids.h"
#include "engines/redis/store_url.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kSecretNames[] = {"password", "passwd",     "passphrase", "secret",        "token",
                                             "apikey",   "privatekey", "accesskey",  "authorization", "credential"};
constexpr std::string_view kSecretPrefixes[] = {"sk-",   "ghp_", "gho_", "ghs_",   "github_pat_", "xoxb-",
                                                "xoxp-", "AKIA", "eyJ",  "glpat-", "npm_"};
constexpr std::size_t kPrefixedLengthMin = 16;
constexpr std::size_t kRandomLengthMin = 24;
constexpr double kRandomBitsMin = 3.7;  // of Shannon entropy a character

double entropy_bits(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool is_aldis_id(std::string_view text) {
  const std::size_t underscore = text.find('_');
  return underscore != std::string_view::npos && parse_id(text.substr(0, underscore + 1), text).has_value();
}

// The end of the string literal that begins at `at`, behind its closing quote.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

constexpr char kOther = '\xff';  // stands for what is no plain character: no name and no secret has it

// The character that `digits` write in hexadecimal.
char coded_character(std::string_view digits) {
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value > ' ' && value < 0x7F ? static_cast<char>(value) : kOther;
}

// The content of a string literal as its reader sees it, so that passw\u006frd is password.
std::string without_escapes(std::string_view content) {
  constexpr std::string_view kThemselves = "\"\\/";
  std::string plain;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] != '\\' || i + 1 == content.size()) {
      plain += content[i];
    } else if (content[++i] == 'u') {
      plain += coded_character(content.substr(i + 1, 4));
      i += 4;
    } else {
      plain += kThemselves.find(content[i]) != std::string_view::npos ? content[i] : kOther;
    }
  }
  return plain;
}

std::string without_percent_codes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    plain += text[i] == '%' ? coded_character(text.substr(i + 1, 2)) : text[i];
    if (text[i] == '%') i += 2;
  }
  return plain;
}

bool is_url(std::string_view text) {
  return text.find("://") != std::string_view::npos && text.find_first_of(" \t") == std::string_view::npos;
}

// A string that is no key, with its quotes.
std::string mask_string(std::string_view literal) {
  const std::string plain = without_escapes(literal.substr(1, literal.size() - 2));
  if (looks_like_a_secret(plain)) return "\"***\"";
  if (!is_url(plain)) return std::string(literal);
  const std::string masked = mask_url(plain);
  return masked == plain ? std::string(literal) : json_quote(masked);
}

// Hides the values of parameters that are secrets, in the query and in the fragment.
std::string mask_parameters(std::string_view url) {
  constexpr std::string_view kSeparators = "?&;#";
  const std::size_t begin = std::min(url.find_first_of("?#"), url.size());
  std::string masked(url.substr(0, begin));
  for (std::string_view rest = url.substr(begin); !rest.empty();) {
    std::size_t end = std::min(rest.find_first_of(kSeparators, 1), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    const std::size_t equals = parameter.find('=');
    const bool secret =
        equals != std::string_view::npos && (names_a_secret(without_percent_codes(parameter.substr(1, equals - 1))) ||
                                             looks_like_a_secret(without_percent_codes(parameter.substr(equals + 1))));
    masked += secret ? std::string(parameter.substr(0, equals + 1)) + std::string(kMask) : std::string(parameter);
    if (secret) end = std::min(rest.find('&', 1), rest.size());  // it may hold the other separators
    rest.remove_prefix(end);
  }
  return masked;
}

std::size_t skip_space(std::string_view json, std::size_t at) {
  while (at < json.size() && std::isspace(static_cast<unsigned char>(json[at])) != 0) ++at;
  return at;
}

// The end of the value that begins at `at`.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = end_of_string(json, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (depth == 0 && (c == ',' || std::isspace(static_cast<unsigned char>(c)) != 0)) return at;
    ++at;
  }
  return at;
}

}  // namespace

bool names_a_secret(std::string_view key) {
  std::string plain;
  for (const char c : key) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  // "tokens" counts tokens of a model, it holds none.
  return std::any_of(std::begin(kSecretNames), std::end(kSecretNames), [&](std::string_view name) {
    return plain == name || (plain.ends_with(name) && plain.size() > name.size()) ||
           (name != "token" && plain.find(name) != std::string::npos);
  });
}

bool looks_like_a_secret(std::string_view value) {
  for (const std::string_view prefix : kSecretPrefixes) {
    if (value.size() >= kPrefixedLengthMin && value.starts_with(prefix)) return true;
  }
  if (value.size() < kRandomLengthMin || is_aldis_id(value)) return false;
  bool lower = false;
  bool upper = false;
  bool digit = false;
  bool hexadecimal = true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && std::string_view("+/=_-").find(c) == std::string_view::npos) return false;
    lower = lower || std::islower(byte) != 0;
    upper = upper || std::isupper(byte) != 0;
    digit = digit || std::isdigit(byte) != 0;
    hexadecimal = hexadecimal && std::isxdigit(byte) != 0;
  }
  // A commit hash is 40 hexadecimal digits and no secret, a key of 32 bytes is 64 of them.
  if (hexadecimal) return value.size() >= 64;
  return lower && upper && digit && entropy_bits(value) >= kRandomBitsMin;
}

std::string mask_json(std::string_view json) {
  std::string masked;
  std::size_t at = 0;
  while (at < json.size()) {
    if (json[at] != '"') {
      masked += json[at++];
      continue;
    }
    const std::size_t end = end_of_string(json, at);
    const std::size_t colon = skip_space(json, end);
    const bool is_key = colon < json.size() && json[colon] == ':';
    if (!is_key) {
      masked += mask_string(json.substr(at, end - at));
      at = end;
      continue;
    }
    const std::string name = without_escapes(json.substr(at + 1, end - at - 2));
    const std::size_t value = skip_space(json, colon + 1);
    masked += json.substr(at, value - at);
    at = value;
    if (names_a_secret(name)) {
      masked += "\"***\"";
      at = end_of_value(json, value);
    }
  }
  return masked;
}

std::string mask_url(std::string_view url) { return mask_store_url(mask_parameters(url)); }

}  // namespace aldis::cli
