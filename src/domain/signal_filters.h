#pragma once
// What a caller may ask a mailbox for: the checks of filters and take options. Used by signals.cc; implemented in
// signal_filters.cc.
//
// Model: an agent asks for the same few filters again and again, so a FilterCache keeps the last ones it found valid: a
// repeated question costs a comparison, no allocation.
// Threads: safe from any thread.
// Errors: invalid_argument.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/mutex.h"
#include "ports/signal_store.h"

namespace aldis {

class FilterCache {
 public:
  Result<std::shared_ptr<const SignalFilter>> find(const std::vector<std::string>& types, std::string_view source);

 private:
  static constexpr std::size_t kKept = 4;

  Mutex mutex_;
  std::array<std::shared_ptr<const SignalFilter>, kKept> filters_ ALDIS_GUARDED_BY(mutex_);
  std::size_t oldest_ ALDIS_GUARDED_BY(mutex_) = 0;
};

Result<void> check_filter(const std::vector<std::string>& types, std::string_view source);
Result<void> check_take_options(const TakeOptions& options);
Result<void> check_ttl(std::chrono::nanoseconds ttl);
// How long a wait may last: `timeout`, cut to limits::kWaitMax.
Result<std::chrono::nanoseconds> check_timeout(std::chrono::nanoseconds timeout);

}  // namespace aldis
