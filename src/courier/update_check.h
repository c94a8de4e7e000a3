#pragma once
// Asking whether there is a newer version. Used by delivery.cc; implemented in update_check.cc; the rules are in
// docs/telemetry-format.md, "Update check". Threads: one.

#include <chrono>
#include <optional>
#include <string>

#include "courier/http.h"
#include "telemetry/consent_file.h"
#include "telemetry/gate.h"

namespace aldis::courier {

// The user wants checks, and the last one is a week ago (or lies in the future: a clock that was set back).
bool is_update_check_due(const telemetry::ConsentFile& consent, const telemetry::GateRecord& gate,
                         std::chrono::sys_seconds now);

// The version that the answer names; none: no answer, or another one.
std::optional<std::string> ask_for_update(Http& http, const telemetry::ConsentFile& consent);

}  // namespace aldis::courier
