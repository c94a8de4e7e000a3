#pragma once
// Which URLs `telemetry enable` takes. Pure; implemented in endpoint.cc.
//
// Model: https; http only to a loopback host (localhost, 127.0.0.0/8, [::1]) or if the user insists. No user name or
// password, no fragment, space or control byte, nothing outside ASCII, at most 2 KiB. What is taken is used as given.
// Errors: invalid_argument, saying what is wrong.

#include <string_view>

#include "aldis/result.h"

namespace aldis::telemetry {

Result<void> check_endpoint(std::string_view url, bool allow_http);

}  // namespace aldis::telemetry
