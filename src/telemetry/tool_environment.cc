#include "aldis/tool_environment.h"

#include "core/environment.h"
#include "telemetry/ci.h"

namespace aldis {
namespace {

// "true" says what "1" says, and some programs look for that very word.
bool says_yes(const EnvironmentSnapshot& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found != environment.end() && !found->second.empty() && found->second != "0" && found->second != "false";
}

// Nobody looks: programs that we start need not speak of their updates.
bool is_unattended(const EnvironmentSnapshot& environment, bool stdout_is_terminal) {
  return !stdout_is_terminal || runs_in_ci(environment);
}

}  // namespace

bool runs_in_ci(const EnvironmentSnapshot& environment) { return telemetry::runs_in_ci(Environment(environment)); }

bool allows_colour(const EnvironmentSnapshot& environment) {
  if (environment.contains("NO_COLOR") || runs_in_ci(environment)) return false;
  const auto terminal = environment.find("TERM");
  return terminal == environment.end() || terminal->second != "dumb";
}

ToolEnvironment::ToolEnvironment(EnvironmentSnapshot environment, bool stdout_is_terminal)
    : environment_(std::move(environment)), stdout_is_terminal_(stdout_is_terminal) {}

EnvironmentSnapshot ToolEnvironment::changes() const {
  EnvironmentSnapshot changes;
  if (!allows_colour(environment_)) changes.emplace("NO_COLOR", "1");
  if (is_unattended(environment_, stdout_is_terminal_)) {
    for (const char* name : {"CI", "NO_UPDATE_NOTIFIER", "HOMEBREW_NO_AUTO_UPDATE", "PIP_DISABLE_PIP_VERSION_CHECK"})
      changes.emplace(name, "1");
  }
  std::erase_if(changes, [&](const auto& change) { return says_yes(environment_, change.first); });
  return changes;
}

std::vector<std::string> ToolEnvironment::child_environment() const {
  EnvironmentSnapshot variables = changes();
  variables.insert(environment_.begin(), environment_.end());  // all but what was changed
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

void ToolEnvironment::suppress_update_notifier(std::function<void()> silence) {
  notifiers_.push_back(std::move(silence));
}

void ToolEnvironment::apply() const {
  change_environment(changes());
  if (!is_unattended(environment_, stdout_is_terminal_)) return;
  for (const auto& silence : notifiers_) {
    if (silence) silence();
  }
}

}  // namespace aldis
