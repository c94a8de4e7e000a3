#pragma once
// Where a tool's telemetry lies: a function of its name and the environment. Implemented in places.cc; the layout is in
// docs/telemetry-format.md. Threads: values.

#include <optional>
#include <string>

#include "core/environment.h"

namespace aldis::telemetry {

inline constexpr std::string_view kConsentName = "telemetry";
inline constexpr std::string_view kSpoolName = "spool";
inline constexpr std::string_view kBatchDirectory = "batch";
inline constexpr std::string_view kGateName = "gate";
inline constexpr std::string_view kUpdateName = "update";
inline constexpr std::string_view kSentName = "sent";

struct Places {
  std::string consent_directory;  // the consent is the file "telemetry" in it
  std::string state_directory;
};

// "my-tool" is a tool's name, "MY_TOOL" its form in variables.
bool is_tool_name(std::string_view tool);
std::string variable_prefix(std::string_view tool);

// None without HOME, unless the variables say it all.
std::optional<Places> find_places(const Environment& environment, std::string_view tool);

}  // namespace aldis::telemetry
