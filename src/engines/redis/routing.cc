#include "engines/redis/routing.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace aldis {
namespace {

using Action = Decision::Action;

constexpr std::size_t kQuotedBytesMax = 200;
constexpr std::uint16_t kPolynomial = 0x1021;  // CRC-16/XMODEM

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? kPolynomial : 0);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

std::uint16_t crc16(std::string_view text) {
  static constexpr std::array<std::uint16_t, 256> kTable = make_crc_table();
  unsigned crc = 0;
  for (const char byte : text) {
    crc = (crc << 8 & 0xffff) ^ kTable[(crc >> 8 ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return static_cast<std::uint16_t>(crc);
}

// The slot's number of keys is a power of two, so is the mask.
static_assert((kHashSlots & (kHashSlots - 1)) == 0);

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "3999 127.0.0.1:6381"; no host, or "?": the server that answers does not know by which name we reach the cluster, and
// means the one by which it was reached itself.
Decision redirect(Action action, std::string_view where, const Endpoint& asked) {
  Decision unreadable = {.action = Action::refresh};
  const std::size_t space = where.find(' ');
  const std::size_t colon = where.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return unreadable;
  const auto slot = parse_number<HashSlot>(where.substr(0, space));
  const auto port = parse_number<std::uint16_t>(where.substr(colon + 1));
  if (!slot || *slot >= kHashSlots || !port || *port == 0) return unreadable;
  std::string_view host = where.substr(space + 1, colon - space - 1);
  if (host.empty() || host == "?") host = asked.host;
  if (host.empty()) return unreadable;
  return {.action = action,
          .advice = action == Action::ask
                        ? "the slot is being moved: see that its migration ends (redis-cli --cluster fix)"
                        : "the cluster sends the call from server to server: is it whole?",
          .slot = slot,
          .endpoint = {.host = std::string(host), .port = *port}};
}

struct Rule {
  std::string_view beginning;
  Action action = Action::retry;
  ErrorCode code = ErrorCode::unavailable;
  std::string_view advice = {};
};

constexpr std::string_view kBadLogin = "check user and password in the store's URL or password file";
constexpr std::string_view kBadRights = "docs/redis.md has the rights that the user needs";

// A beginning is followed by a space or the end of the text.
constexpr std::array kRules = {
    Rule{"TRYAGAIN", Action::retry},
    Rule{"LOADING", Action::retry, ErrorCode::unavailable, "it answers once its data are loaded"},
    Rule{"BUSY", Action::retry, ErrorCode::unavailable, "a script of somebody's keeps it busy (SCRIPT KILL)"},
    Rule{"UNKILLABLE", Action::retry, ErrorCode::unavailable, "a script of somebody's keeps it busy"},
    Rule{"NOREPLICAS", Action::retry, ErrorCode::unavailable, "its min-replicas-to-write asks for more replicas"},
    Rule{"EXECABORT", Action::retry},
    Rule{"ERR max number of clients", Action::retry, ErrorCode::unavailable, "raise its maxclients"},
    Rule{"READONLY", Action::refresh, ErrorCode::unavailable, "it is a replica: is there a master?"},
    Rule{"MASTERDOWN", Action::refresh, ErrorCode::unavailable, "it is a replica without a master"},
    Rule{"UNBLOCKED", Action::refresh},
    Rule{"ERR WAIT cannot be used with replica", Action::refresh},
    Rule{"CLUSTERDOWN", Action::refresh, ErrorCode::unavailable, "redis-cli --cluster check says what it lacks"},
    Rule{"NOSCRIPT", Action::load_script},
    Rule{"NOAUTH", Action::fail, ErrorCode::permission_denied, kBadLogin},
    Rule{"WRONGPASS", Action::fail, ErrorCode::permission_denied, kBadLogin},
    Rule{"NOPERM", Action::fail, ErrorCode::permission_denied, kBadRights},
    Rule{"ERR The user executing the script", Action::fail, ErrorCode::permission_denied, kBadRights},
    Rule{"ERR ACL failure in script", Action::fail, ErrorCode::permission_denied, kBadRights},
    Rule{"OOM", Action::fail, ErrorCode::resource_exhausted, "raise its maxmemory, or free some"},
    Rule{"MISCONF", Action::fail, ErrorCode::unavailable, "see its log and its disk"},
    Rule{"ERR This instance has cluster support disabled", Action::fail, ErrorCode::failed_precondition,
         "it is no cluster: use redis:// instead of redis+cluster://"},
    Rule{"ERR unknown command", Action::fail, ErrorCode::failed_precondition,
         "it lacks, or hides, a command that Aldis needs"},
};

bool begins(std::string_view error, std::string_view beginning) {
  return error.starts_with(beginning) && (error.size() == beginning.size() || !std::isupper(error[beginning.size()]));
}

// Redis 6.2: "ERR Error running script (call to f_…): @user_script:3: @user_script: 3: -OOM command not allowed…"
std::string_view without_frame(std::string_view error) {
  static constexpr std::string_view kMark = ": -";
  if (!error.starts_with("ERR Error running script")) return error;
  const std::size_t mark = error.find(kMark);
  return mark == std::string_view::npos ? error : error.substr(mark + kMark.size());
}

}  // namespace

HashSlot slot_of(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return static_cast<HashSlot>(crc16(key) & (kHashSlots - 1));
}

std::string quote_reply(std::string_view error) {
  std::string plain(error.substr(0, std::min(kQuotedBytesMax, error.find(", with args beginning with"))));
  std::ranges::replace_if(plain, [](unsigned char c) { return c < ' ' || c >= 0x7F; }, '?');
  return plain;
}

Decision decide(std::string_view error, const Endpoint& asked) {
  error = without_frame(error);
  if (error.starts_with("MOVED ")) return redirect(Action::moved, error.substr(6), asked);
  if (error.starts_with("ASK ")) return redirect(Action::ask, error.substr(4), asked);
  for (const Rule& rule : kRules) {
    if (begins(error, rule.beginning)) return {.action = rule.action, .code = rule.code, .advice = rule.advice};
  }
  return {.action = Action::fail, .code = ErrorCode::internal};
}

}  // namespace aldis
