#include "telemetry/update_cache.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/failure.h"
#include "core/private_files.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

constexpr std::size_t kUpdateBytesMax = 1024;

struct Version {
  std::array<std::string_view, 3> core;
  std::string_view pre_release;  // empty: none
};

// The part of `text` before the separator; takes it and the separator away.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Any number of digits, without a zero in front.
bool is_number(std::string_view text) { return is_digits(text) && (text.size() == 1 || text.front() != '0'); }

bool is_identifier(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

template <class Fine>
bool all_identifiers(std::string_view text, Fine fine) {
  for (;;) {
    const bool is_last = !text.contains('.');
    if (!fine(take_until(text, '.'))) return false;
    if (is_last) return true;
  }
}

std::optional<Version> parse(std::string_view text) {
  const std::size_t plus = text.find('+');
  if (plus != std::string_view::npos && !all_identifiers(text.substr(plus + 1), is_identifier)) return std::nullopt;
  text = text.substr(0, plus);

  Version version;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    version.pre_release = text.substr(dash + 1);
    const bool fine = all_identifiers(version.pre_release, [](std::string_view identifier) {
      return is_identifier(identifier) && (!is_digits(identifier) || is_number(identifier));
    });
    if (!fine) return std::nullopt;
    text = text.substr(0, dash);
  }

  if (std::ranges::count(text, '.') != 2) return std::nullopt;
  for (std::string_view& number : version.core) {
    number = take_until(text, '.');
    if (!is_number(number)) return std::nullopt;
  }
  return version;
}

// Without leading zeros the longer number is the greater one, so no number is too long.
std::strong_ordering compare_numbers(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left <=> right;
}

std::strong_ordering compare_identifiers(std::string_view left, std::string_view right) {
  const bool left_counts = is_digits(left);
  const bool right_counts = is_digits(right);
  if (left_counts && right_counts) return compare_numbers(left, right);
  if (left_counts != right_counts) return left_counts ? std::strong_ordering::less : std::strong_ordering::greater;
  return left <=> right;
}

std::strong_ordering compare_pre_releases(std::string_view left, std::string_view right) {
  // A version without one is the release itself, which comes behind all of its candidates.
  if (left.empty() || right.empty()) return left.empty() <=> right.empty();
  while (!left.empty() && !right.empty()) {
    if (const auto order = compare_identifiers(take_until(left, '.'), take_until(right, '.')); order != 0) return order;
  }
  return right.empty() <=> left.empty();
}

std::string format_update(const SeenUpdate& update) {
  return fmt::format("{} {}\n", update.version, update.checked_at.time_since_epoch().count());
}

std::optional<SeenUpdate> parse_update(std::string_view text) {
  std::string_view rest = text;
  const std::string version(take_until(rest, ' '));
  std::uint32_t seconds = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
  SeenUpdate update{version, std::chrono::sys_seconds(std::chrono::seconds(seconds))};
  // Only what we would have written.
  if (!is_version(version) || format_update(update) != text) return std::nullopt;
  return update;
}

}  // namespace

bool is_version(std::string_view text) { return parse(text).has_value(); }

std::strong_ordering compare_versions(std::string_view left, std::string_view right) {
  const auto one = parse(left);
  const auto other = parse(right);
  if (!one || !other) return one.has_value() <=> other.has_value();
  for (std::size_t i = 0; i < one->core.size(); ++i) {
    if (const auto order = compare_numbers(one->core[i], other->core[i]); order != 0) return order;
  }
  return compare_pre_releases(one->pre_release, other->pre_release);
}

std::optional<SeenUpdate> read_update(const FileDescriptor& state_directory) {
  const auto text = read_own_file(state_directory, std::string(kUpdateName), kUpdateBytesMax);
  return text ? parse_update(*text) : std::nullopt;
}

Result<void> write_update(const FileDescriptor& state_directory, const SeenUpdate& update) {
  const std::string text = format_update(update);
  if (text.size() > kUpdateBytesMax || parse_update(text) == std::nullopt)
    return fail(ErrorCode::invalid_argument, "the version of an update must be a semantic one, as 1.2.3");
  return replace_own_file(state_directory, std::string(kUpdateName), text);
}

}  // namespace aldis::telemetry
