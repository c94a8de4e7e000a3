#include "domain/signal_filters.h"

#include <algorithm>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kSecondsMax = std::chrono::duration_cast<std::chrono::seconds>(limits::kSignalTtlMax).count();

double in_seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

bool is_within_ttl_bounds(nanoseconds duration) {
  return duration > nanoseconds::zero() && duration <= limits::kSignalTtlMax;
}

}  // namespace

Result<void> check_filter(const std::vector<std::string>& types, std::string_view source) {
  if (types.size() > limits::kFilterTypesMax) {
    return fail(ErrorCode::invalid_argument,
                "{} signal types in one filter: at most {} are allowed; none means any type", types.size(),
                limits::kFilterTypesMax);
  }
  for (const std::string& type : types) ALDIS_TRY(check_name("signal type", type));
  if (!source.empty()) ALDIS_TRY(check_name("source agent", source));
  return {};
}

Result<void> check_take_options(const TakeOptions& options) {
  if (!options.take_id.empty()) ALDIS_TRY(check_name("take id", options.take_id));
  if (!options.acknowledge_within) return {};
  if (!options.consume) {
    return fail(ErrorCode::invalid_argument,
                "acknowledge_within reserves a signal, consume = false only looks at it: give one of the two");
  }
  if (!is_within_ttl_bounds(*options.acknowledge_within)) {
    return fail(ErrorCode::invalid_argument,
                "acknowledge_within of {} s is out of bounds: it must be longer than 0 and at most {} s (7 days)",
                in_seconds(*options.acknowledge_within), kSecondsMax);
  }
  return {};
}

Result<void> check_ttl(nanoseconds ttl) {
  if (is_within_ttl_bounds(ttl)) return {};
  return fail(ErrorCode::invalid_argument,
              "a ttl of {} s is out of bounds: it must be longer than 0 and at most {} s (7 days)", in_seconds(ttl),
              kSecondsMax);
}

Result<nanoseconds> check_timeout(nanoseconds timeout) {
  if (timeout < nanoseconds::zero()) {
    return fail(ErrorCode::invalid_argument, "a timeout of {} s is negative: 0 looks once, longer ones wait",
                in_seconds(timeout));
  }
  return std::min(timeout, limits::kWaitMax);
}

Result<std::shared_ptr<const SignalFilter>> FilterCache::find(const std::vector<std::string>& types,
                                                              std::string_view source) {
  const MutexLock lock(mutex_);
  for (const auto& filter : filters_) {
    if (filter && filter->source == source && filter->types == types) return filter;
  }
  ALDIS_TRY(check_filter(types, source));
  auto filter = std::make_shared<const SignalFilter>(SignalFilter{types, std::string(source)});
  filters_[oldest_] = filter;
  oldest_ = (oldest_ + 1) % kKept;
  return filter;
}

}  // namespace aldis
