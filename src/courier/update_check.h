#pragma once
// Asking whether there is a newer version. Used by delivery.cc; implemented in update_check.cc; the rules are in
// docs/telemetry-format.md, "Update check". Threads: one.

#include <optional>
#include <string>

#include "courier/http.h"
#include "telemetry/consent_file.h"

namespace aldis::courier {

// The version that the answer names; none: no answer, or another one.
std::optional<std::string> ask_for_update(Http& http, const telemetry::ConsentFile& consent);

}  // namespace aldis::courier
