#include "telemetry/places.h"

#include <algorithm>

namespace aldis::telemetry {
namespace {

constexpr std::size_t kToolNameBytesMax = 48;

// A relative path means another place in every directory, so it counts as unset.
std::optional<std::string> directory_in(const Environment& environment, std::string_view variable) {
  auto directory = environment.get(variable);
  if (directory && directory->front() != '/') directory.reset();
  return directory;
}

std::optional<std::string> base_directory(const Environment& environment, std::string_view variable,
                                          std::string_view below_home) {
  if (auto directory = directory_in(environment, variable)) return directory;
  auto home = directory_in(environment, "HOME");
  if (home) home->append(below_home);
  return home;
}

}  // namespace

bool is_tool_name(std::string_view tool) {
  if (tool.empty() || tool.size() > kToolNameBytesMax || tool.front() < 'a' || tool.front() > 'z') return false;
  return std::ranges::all_of(tool, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string variable_prefix(std::string_view tool) {
  std::string prefix(tool);
  for (char& c : prefix) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return prefix;
}

std::optional<Places> find_places(const Environment& environment, std::string_view tool) {
  if (!is_tool_name(tool)) return std::nullopt;
  const auto below = [&](const std::string& base) { return base + "/" + std::string(tool); };
  const auto config = base_directory(environment, "XDG_CONFIG_HOME", "/.config");
  auto state = directory_in(environment, variable_prefix(tool) + "_STATE_DIR");
  if (!state) state = base_directory(environment, "XDG_STATE_HOME", "/.local/state").transform(below);
  if (!config || !state) return std::nullopt;
  return Places{.consent_directory = below(*config), .state_directory = *state + "/telemetry"};
}

}  // namespace aldis::telemetry
