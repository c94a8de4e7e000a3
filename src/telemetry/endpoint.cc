#include "telemetry/endpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "aldis/limits.h"
#include "core/failure.h"

namespace aldis::telemetry {
namespace {

constexpr std::string_view kSecure = "https://";
constexpr std::string_view kPlain = "http://";

struct Authority {
  std::string_view host;  // an IPv6 address with its brackets
  std::string_view port;  // with its colon; may be empty
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Authority split(std::string_view authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon = authority.find(':', bracket);
  if (colon == std::string_view::npos) return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon)};
}

// A name, an IPv4 address or an IPv6 address in brackets, in characters that every reader of URLs reads alike.
bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 3 && host.ends_with(']') && std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) {
             return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
           });
  }
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_';
  });
}

// `text` as a number of at most `most`, all digits.
std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

bool is_port(std::string_view port) { return port.empty() || number(port.substr(1), 65535).value_or(0) > 0; }

// Only what no resolver can send elsewhere: the literal addresses, and the name that curl never looks up.
bool is_loopback_host(std::string_view host) {
  if (host == "[::1]" || std::ranges::equal(host, std::string_view("localhost"), {}, [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      })) {
    return true;
  }
  if (!host.starts_with("127.")) return false;
  unsigned parts = 0;
  while (parts < 4) {
    const std::size_t dot = host.find('.');
    if (!number(host.substr(0, dot), 255)) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
  return false;
}

struct Url {
  bool secure = false;
  std::string_view authority;
};

// None: neither https nor http.
std::optional<Url> split_url(std::string_view url) {
  const bool secure = url.starts_with(kSecure);
  if (!secure && !url.starts_with(kPlain)) return std::nullopt;
  const std::string_view behind = url.substr(secure ? kSecure.size() : kPlain.size());
  return Url{secure, behind.substr(0, behind.find_first_of("/?"))};
}

}  // namespace

Result<void> check_endpoint(std::string_view url, bool allow_http) {
  const auto refuse = [](std::string_view reason) {
    return fail(ErrorCode::invalid_argument, "the URL cannot be used: {}", reason);
  };
  if (url.size() > limits::kTelemetryEndpointBytesMax) return refuse("it is longer than 2048 bytes");
  if (!std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~'; }))
    return refuse("it holds a space, a control character or a letter outside ASCII; write those as %XX");
  if (url.contains('#')) return refuse("it has a fragment (#), which is never sent; leave it away");
  const std::optional<Url> parts = split_url(url);
  if (!parts) return refuse("it must begin with https://");
  if (parts->authority.contains('@'))
    return refuse("it holds a user name or password, which would lie readable in a file; leave it away");
  const auto [host, port] = split(parts->authority);
  if (!is_host(host)) return refuse("its host is neither a name nor an address");
  if (!is_port(port)) return refuse("its port is no number from 1 to 65535");
  if (!parts->secure && !allow_http && !is_loopback_host(host))
    return refuse("http sends everything readable for others; use https, or insist with --allow-http");
  return {};
}

bool is_loopback(std::string_view url) {
  const std::optional<Url> parts = split_url(url);
  return parts && is_loopback_host(split(parts->authority).host);
}

}  // namespace aldis::telemetry
