#pragma once
// Which URLs `telemetry enable` takes, and which of them stay on this host. Used by the commands, the consent file and
// the courier. Pure; implemented in endpoint.cc.
//
// Model: https; http only to a loopback host (localhost, 127.0.0.0/8, [::1]) or if the user insists. No user name or
// password, no fragment, space or control byte, nothing outside ASCII, at most 2 KiB. What is taken is used as given.
// Errors: invalid_argument, saying what is wrong.

#include <string_view>

#include "aldis/result.h"

namespace aldis::telemetry {

Result<void> check_endpoint(std::string_view url, bool allow_http);

// Whether its host is loopback: then it must be reached without any proxy. REQUIRES: a URL that `check_endpoint` takes.
bool is_loopback(std::string_view url);

}  // namespace aldis::telemetry
