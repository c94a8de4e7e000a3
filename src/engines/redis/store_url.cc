#include "engines/redis/store_url.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

using Kind = RedisOptions::Kind;

struct Scheme {
  std::string_view name;
  Kind kind = Kind::single;
  bool tls = false;
  bool is_unix = false;
};

constexpr Scheme kSchemes[] = {
    {"redis://"},
    {"rediss://", Kind::single, true},
    {"redis+unix://", Kind::single, false, true},
    {"redis+sentinel://", Kind::sentinel},
    {"rediss+sentinel://", Kind::sentinel, true},
    {"redis+cluster://", Kind::cluster},
    {"rediss+cluster://", Kind::cluster, true},
};

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::string_view kMask = "***";

// Texts between "://" and "@" may be a password, and where that was not encoded so may any other: no message has them.
std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::invalid_argument, "store URL: {}", what); }

const Scheme* scheme_of(std::string_view url) {
  const auto* found = std::ranges::find_if(kSchemes, [&](const Scheme& each) { return url.starts_with(each.name); });
  return found == std::end(kSchemes) ? nullptr : found;
}

// The text up to `separator`, which is taken away from `rest` with it; all of it if there is none.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

template <class Number>
std::optional<Number> read_number(std::string_view text, Number max) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number > max) return std::nullopt;
  return number;
}

std::optional<std::string> decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || failure != std::errc() || end != digits.data() + 2 || value == 0) return std::nullopt;
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

Result<std::string> decode(std::string_view what, std::string_view text) {
  auto plain = decode(text);
  if (!plain) return wrong(fmt::format("a % in {} must be followed by two hexadecimal digits, not 00", what));
  return *std::move(plain);
}

Result<Credentials> read_credentials(std::string_view text) {
  const bool has_password = text.find(':') != std::string_view::npos;
  ALDIS_TRY_ASSIGN(std::string user, decode("the user", take_until(text, ':')));
  ALDIS_TRY_ASSIGN(std::string password, decode("the password", text));
  if (has_password && password.empty()) return wrong("the password is empty: leave out the colon, or write one");
  if (!has_password && user.empty()) return wrong("there is nothing before the @: leave it out, or name a user");
  return Credentials{std::move(user), std::move(password)};
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= kHostBytesMax && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

Result<Endpoint> read_endpoint(std::string_view text, std::uint16_t default_port) {
  Endpoint endpoint{.port = default_port};
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    const bool is_closed = text.find(']') != std::string_view::npos;
    endpoint.host = take_until(text, ']');
    if (!is_closed || !is_ipv6(endpoint.host)) return wrong("between [ and ] belongs an IPv6 address");
    if (text.empty()) return endpoint;
    if (!text.starts_with(':')) return wrong("after an address in [ ] comes only a colon and a port");
    text.remove_prefix(1);
  } else {
    const bool has_port = text.find(':') != std::string_view::npos;
    endpoint.host = take_until(text, ':');
    if (!is_host_name(endpoint.host)) {
      return wrong("a host is missing, or is more than letters, digits, dots, - and _ (IPv6 addresses stand in [ ])");
    }
    if (!has_port) return endpoint;
  }
  const auto port = read_number<std::uint16_t>(text, 65'535);
  if (!port || *port == 0) {
    return wrong("a port is a number from 1 to 65535 (in a user or password write : as %3A, @ as %40, / as %2F)");
  }
  endpoint.port = *port;
  return endpoint;
}

Result<void> read_hosts(const Scheme& scheme, std::string_view text, RedisOptions& options) {
  if (scheme.is_unix) {
    if (text.empty()) return {};
    return wrong("a Unix socket has no host: write redis+unix:///path/to/socket, with three slashes");
  }
  const std::uint16_t default_port = scheme.kind == Kind::sentinel ? kSentinelPort : kRedisPort;
  if (scheme.kind == Kind::single && text.find(',') != std::string_view::npos) {
    return wrong("several hosts are for redis+sentinel:// and redis+cluster://");
  }
  do {
    const bool is_last = text.find(',') == std::string_view::npos;
    ALDIS_TRY_ASSIGN(Endpoint endpoint, read_endpoint(take_until(text, ','), default_port));
    options.endpoints.push_back(std::move(endpoint));
    if (is_last) return {};
  } while (options.endpoints.size() < limits::kRedisEndpointsMax);
  return wrong(fmt::format("more than {} hosts", limits::kRedisEndpointsMax));
}

Result<void> read_database(std::string_view text, RedisOptions& options) {
  const auto number = read_number<unsigned>(text, limits::kRedisDatabaseMax);
  if (!number) return wrong(fmt::format("a database is a number from 0 to {}", limits::kRedisDatabaseMax));
  options.database = *number;
  return {};
}

Result<void> read_master(std::string_view path, RedisOptions& options) {
  const bool has_database = path.find('/') != std::string_view::npos;
  ALDIS_TRY_ASSIGN(options.master_name, decode("the master's name", take_until(path, '/')));
  if (!is_host_name(options.master_name)) {
    return wrong("after the Sentinels comes the name that they have for the master, as in …:26379/mymaster");
  }
  return has_database ? read_database(path, options) : Result<void>();
}

Result<void> read_socket_path(std::string_view path, RedisOptions& options) {
  Endpoint endpoint;
  ALDIS_TRY_ASSIGN(endpoint.unix_path, decode("the path", path));
  const std::size_t bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  if (!path.starts_with('/') || path.ends_with('/'))
    return wrong("the path of the socket is missing, or is a directory");
  if (endpoint.unix_path.size() > bytes_max) {
    return wrong(fmt::format("the path of a socket has at most {} bytes", bytes_max));
  }
  options.endpoints = {std::move(endpoint)};
  return {};
}

// `path` begins with a slash or is empty.
Result<void> read_path(const Scheme& scheme, std::string_view path, RedisOptions& options) {
  if (scheme.is_unix) return read_socket_path(path, options);
  path.remove_prefix(std::min<std::size_t>(path.size(), 1));
  if (scheme.kind == Kind::sentinel) return read_master(path, options);
  if (path.empty()) return {};
  if (scheme.kind == Kind::cluster) return wrong("a cluster has no databases: leave out what follows the hosts");
  return read_database(path, options);
}

struct Option {
  std::string_view name;
  std::string_view belongs_to;
  bool (*fits)(const Scheme&);
  Result<void> (*read)(std::string value, RedisOptions&);
};

template <class Member>
Result<void> keep(Member& member, std::string value) {
  member = std::move(value);
  return {};
}

Result<void> keep_path(std::string& member, std::string value) {
  if (!value.starts_with('/')) return wrong("password_file, ca, cert, key and their like are absolute paths");
  return keep(member, std::move(value));
}

Result<void> keep_replicas(std::string value, RedisOptions& options) {
  const auto number = read_number<unsigned>(value, limits::kRedisReplicasMax);
  if (!number) return wrong(fmt::format("replicas is a number from 0 to {}", limits::kRedisReplicasMax));
  options.replicas = *number;
  return {};
}

constexpr auto kAlways = [](const Scheme&) { return true; };
constexpr auto kWithTls = [](const Scheme& scheme) { return scheme.tls; };
constexpr auto kWithSentinels = [](const Scheme& scheme) { return scheme.kind == Kind::sentinel; };
constexpr auto kWithSocket = [](const Scheme& scheme) { return scheme.is_unix; };
constexpr std::string_view kTlsOnly = "rediss://, rediss+sentinel:// and rediss+cluster://";
constexpr std::string_view kSentinelOnly = "redis+sentinel:// and rediss+sentinel://";
constexpr std::string_view kSocketOnly = "redis+unix://; elsewhere the database stands behind the host, as in /0";

constexpr Option kOptions[] = {
    {"password_file", "", kAlways,
     [](auto value, auto& all) { return keep_path(all.password_file, std::move(value)); }},
    {"replicas", "", kAlways, keep_replicas},
    {"ca", kTlsOnly, kWithTls, [](auto value, auto& all) { return keep_path(all.tls->ca_file, std::move(value)); }},
    {"cert", kTlsOnly, kWithTls,
     [](auto value, auto& all) { return keep_path(all.tls->certificate_file, std::move(value)); }},
    {"key", kTlsOnly, kWithTls, [](auto value, auto& all) { return keep_path(all.tls->key_file, std::move(value)); }},
    {"sentinel_user", kSentinelOnly, kWithSentinels,
     [](auto value, auto& all) { return keep(all.sentinel_credentials.user, std::move(value)); }},
    {"sentinel_password", kSentinelOnly, kWithSentinels,
     [](auto value, auto& all) { return keep(all.sentinel_credentials.password, std::move(value)); }},
    {"sentinel_password_file", kSentinelOnly, kWithSentinels,
     [](auto value, auto& all) { return keep_path(all.sentinel_password_file, std::move(value)); }},
    {"db", kSocketOnly, kWithSocket, [](auto value, auto& all) { return read_database(value, all); }},
};

std::string option_names(const Scheme& scheme) {
  std::string names;
  for (const Option& option : kOptions) {
    if (option.fits(scheme)) names += fmt::format("{}{}", names.empty() ? "" : ", ", option.name);
  }
  return names;
}

Result<void> read_parameters(const Scheme& scheme, std::string_view query, RedisOptions& options) {
  std::set<std::string_view> seen;
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    const std::string_view name = take_until(value, '=');
    const auto* option = std::ranges::find(kOptions, name, &Option::name);
    if (option == std::end(kOptions)) return wrong("the options are " + option_names(scheme) + ", as in ?name=value");
    if (!option->fits(scheme)) return wrong(fmt::format("{} is for {}", name, option->belongs_to));
    if (!seen.insert(name).second) return wrong(fmt::format("{} is given twice", name));
    ALDIS_TRY_ASSIGN(std::string plain, decode(name, value));
    if (plain.empty()) return wrong(fmt::format("{} is empty: write {}=…, or leave it out", name, name));
    ALDIS_TRY(option->read(std::move(plain), options));
  }
  return {};
}

Result<void> check_login(std::string_view whose, const Credentials& credentials, const std::string& file) {
  if (!credentials.password.empty() && !file.empty()) {
    return wrong(fmt::format("a password and a file with one for {}: give one of them", whose));
  }
  if (!credentials.user.empty() && credentials.password.empty() && file.empty()) {
    return wrong(fmt::format("a user without a password for {}: write user:password, or name a password file", whose));
  }
  return {};
}

Result<void> check_together(const RedisOptions& options) {
  ALDIS_TRY(check_login("the server", options.credentials, options.password_file));
  ALDIS_TRY(check_login("the Sentinels", options.sentinel_credentials, options.sentinel_password_file));
  if (options.tls && options.tls->certificate_file.empty() != options.tls->key_file.empty()) {
    return wrong("cert and key come together");
  }
  return {};
}

Result<void> check_characters(std::string_view url, std::string_view authority) {
  if (url.size() > limits::kRedisStoreUrlBytesMax) {
    return wrong(fmt::format("it is longer than {} bytes", limits::kRedisStoreUrlBytesMax));
  }
  const bool is_printable = std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c != 0x7F && c != '#'; });
  if (!is_printable) return wrong("spaces, control characters and # are written %20, %0A…, %23");
  if (std::ranges::count(url, '@') != std::ranges::count(authority, '@') || std::ranges::count(url, '@') > 1) {
    return wrong("one @ may stand before the host; any other is written %40 (and : %3A, / %2F, ? %3F)");
  }
  return {};
}

// The characters of passwords are true.
std::vector<bool> password_characters(std::string_view url) {
  std::vector<bool> hidden(url.size());
  const auto hide = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) hidden[i] = true;
  };
  // Everything between the first colon and the last @: a password may hold others, that nobody encoded.
  const std::size_t scheme = url.find("://");
  const std::size_t colon = url.find(':', scheme == std::string_view::npos ? 0 : scheme + 3);
  const std::size_t at = url.rfind('@');
  if (colon != std::string_view::npos && at != std::string_view::npos) hide(colon + 1, at);

  std::string_view query = url;
  take_until(query, '?');
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    const std::string_view name = take_until(value, '=');
    const auto begin = static_cast<std::size_t>(value.data() - url.data());
    if (name.ends_with("password")) hide(begin, begin + value.size());
  }
  return hidden;
}

}  // namespace

bool is_redis_url(std::string_view url) { return scheme_of(url) != nullptr; }

Result<RedisOptions> parse_store_url(std::string_view url) {
  const Scheme* scheme = scheme_of(url);
  if (scheme == nullptr) {
    return wrong(
        "it begins with redis://, redis+unix://, redis+sentinel:// or redis+cluster://, over TLS with rediss://, "
        "rediss+sentinel:// or rediss+cluster://");
  }
  std::string_view query = url.substr(scheme->name.size());
  std::string_view path = take_until(query, '?');
  std::string_view authority = path.substr(0, path.find('/'));
  path.remove_prefix(authority.size());
  ALDIS_TRY(check_characters(url, authority));

  RedisOptions options{.kind = scheme->kind};
  if (scheme->tls) options.tls.emplace();
  if (authority.find('@') != std::string_view::npos) {
    ALDIS_TRY_ASSIGN(options.credentials, read_credentials(take_until(authority, '@')));
  }
  ALDIS_TRY(read_hosts(*scheme, authority, options));
  ALDIS_TRY(read_path(*scheme, path, options));
  ALDIS_TRY(read_parameters(*scheme, query, options));
  ALDIS_TRY(check_together(options));
  return options;
}

bool has_password(std::string_view url) { return std::ranges::count(password_characters(url), true) > 0; }

std::string mask_store_url(std::string_view url) {
  const std::vector<bool> hidden = password_characters(url);
  std::string masked;
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (!hidden[i]) masked += url[i];
    if (hidden[i] && (i == 0 || !hidden[i - 1])) masked += kMask;
  }
  return masked;
}

}  // namespace aldis
