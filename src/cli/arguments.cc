#include "cli/arguments.h"

#include <charconv>
#include <cmath>

#include "aldis/limits.h"
#include "cli/read_input.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/names.h"

namespace aldis::cli {
namespace {

constexpr std::chrono::nanoseconds kSmallest{1};  // stands for "more than 0"

}  // namespace

SecondsBounds wait_bounds() { return {std::chrono::nanoseconds{0}, limits::kWaitMax}; }
SecondsBounds positive_bounds() { return {kSmallest, limits::kWaitMax}; }
SecondsBounds ttl_bounds() { return {kSmallest, limits::kSignalTtlMax}; }
SecondsBounds lease_bounds() { return {limits::kLeaseMin, limits::kLeaseMax}; }

std::optional<double> parse_finite_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool Arguments::has(std::string_view option) const {
  const auto found = parsed_.options.find(option);
  return found != parsed_.options.end() && !found->second.empty();
}

std::optional<std::string> Arguments::text(std::string_view option) const {
  if (!has(option)) return std::nullopt;
  return parsed_.options.find(option)->second.front();
}

std::vector<std::string> Arguments::texts(std::string_view option) const {
  return has(option) ? parsed_.options.find(option)->second : std::vector<std::string>{};
}

std::string Arguments::positional(std::size_t index) const {
  return index < parsed_.arguments.size() ? parsed_.arguments[index] : std::string();
}

std::optional<std::chrono::nanoseconds> Arguments::seconds(std::string_view option, const SecondsBounds& bounds) {
  const std::optional<std::string> given = text(option);
  if (!given) return std::nullopt;
  const std::optional<double> value = parse_finite_number(*given);
  if (!value) {
    add_problem(fmt::format("{} needs a number of seconds, not {}", option, json_quote(*given)));
    return std::nullopt;
  }
  if (*value < to_seconds(bounds.least) || *value > to_seconds(bounds.most)) {
    const bool positive = bounds.least == kSmallest;
    add_problem(fmt::format(
        "{} must be {} {} and at most {} seconds, not {}", option, positive ? "more than" : "at least",
        positive ? "0" : format_number(to_seconds(bounds.least)), format_number(to_seconds(bounds.most)), *given));
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(*value));
}

std::optional<double> Arguments::fraction(std::string_view option) {
  const std::optional<std::string> given = text(option);
  if (!given) return std::nullopt;
  const std::optional<double> value = parse_finite_number(*given);
  if (value && *value >= 0 && *value <= 1) return value;
  add_problem(fmt::format("{} must be a number from 0.0 to 1.0, not {}", option, json_quote(*given)));
  return std::nullopt;
}

std::optional<std::int64_t> Arguments::integer(std::string_view option, std::int64_t least, std::int64_t most) {
  const std::optional<std::string> given = text(option);
  if (!given) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = given->data() + given->size();
  const auto parsed = std::from_chars(given->data(), end, value);
  if (parsed.ec == std::errc{} && parsed.ptr == end && value >= least && value <= most) return value;
  add_problem(fmt::format("{} must be a whole number from {} to {}, not {}", option, least, most, json_quote(*given)));
  return std::nullopt;
}

Json Arguments::json(std::string_view option, bool files) {
  const std::optional<std::string> given = text(option);
  if (!given) return {};
  std::string content = *given;
  if (files) {
    Result<std::string> read = read_input(*given, limits::kPayloadBytesMax);
    if (!read) {
      add_problem(fmt::format("{}: {}", option, read.error().message));
      return {};
    }
    content = *std::move(read);
  }
  Result<Json> parsed = Json::parse(content);
  if (parsed) return *std::move(parsed);
  add_problem(fmt::format("{}: {}", option, parsed.error().message));
  return {};
}

void Arguments::check_name(std::string_view what, std::string_view value) {
  if (const Result<void> checked = aldis::check_name(what, value); !checked) add_problem(checked.error().message);
}

void Arguments::check_text(std::string_view what, std::string_view value, std::size_t bytes_max) {
  if (const Result<void> checked = aldis::check_text(what, value, bytes_max); !checked) {
    add_problem(checked.error().message);
  }
}

}  // namespace aldis::cli
