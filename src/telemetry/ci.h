#pragma once
// What counts as a run in continuous integration, said once: for consent, update checks and the tool's environment.
// Header only. Threads: values.

#include <algorithm>
#include <array>
#include <string_view>

#include "core/environment.h"

namespace aldis::telemetry {

// Set and not empty; "0" and "false" count too.
inline constexpr std::array<std::string_view, 3> kCiVariables = {"CI", "GITHUB_ACTIONS", "JENKINS_URL"};

inline bool runs_in_ci(const Environment& environment) {
  return std::ranges::any_of(kCiVariables, [&](auto name) { return environment.get(name).has_value(); });
}

}  // namespace aldis::telemetry
