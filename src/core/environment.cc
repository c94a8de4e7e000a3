#include "core/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "aldis/heartbeats.h"
#include "aldis/tool_environment.h"
#include "aldis/workspace.h"

namespace aldis {
namespace {

constexpr std::array kTable = {
    EnvironmentVariable{"ALDIS_STORE", "the store to join (default local:)"},
    EnvironmentVariable{"ALDIS_NAMESPACE", "the namespace to join (default 'default')"},
    EnvironmentVariable{"ALDIS_AGENT_ID", "the acting agent"},
    EnvironmentVariable{"ALDIS_INCARNATION", "set by `aldis run`: the incarnation that its child may beat for"},
    EnvironmentVariable{"ALDIS_OUTPUT", "table, json, jsonl or auto"},
    EnvironmentVariable{"ALDIS_RUNTIME_DIR", "directory of the local board"},
    EnvironmentVariable{"ALDIS_CONFIG", "the configuration file (default $XDG_CONFIG_HOME/aldis/config.toml)"},
    EnvironmentVariable{"ALDIS_TRACE_ID", "copied to meta.trace_id of every answer"},
    EnvironmentVariable{"ALDIS_STATE_DIR",
                        "directory of the ledger and of the telemetry's state (default $XDG_STATE_HOME/aldis)"},
    EnvironmentVariable{"ALDIS_STREAM_EVENTS",
                        "anything but nothing and 0: heartbeats, signals and approvals are published as events"},
    EnvironmentVariable{"ALDIS_NO_TELEMETRY", "anything but nothing and 0: no telemetry, whatever was enabled"},
    EnvironmentVariable{"ALDIS_NO_UPDATE", "anything but nothing and 0: no update checks and no word of updates"},
};

}  // namespace

EnvironmentSnapshot environment_snapshot() {
  EnvironmentSnapshot variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Environment Environment::from_process() { return Environment(environment_snapshot()); }

std::optional<std::string> Environment::get(std::string_view name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

bool Environment::has(std::string_view name) const { return variables_.contains(name); }

std::vector<std::string> environment_for_program(const std::map<std::string, std::string, std::less<>>& changes) {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) entries.emplace_back(text);
  }
  for (const auto& [name, value] : changes) entries.push_back(name + "=" + value);
  return entries;
}

void change_environment(const std::map<std::string, std::string, std::less<>>& changes) {
  for (const auto& [name, value] : changes) ::setenv(name.c_str(), value.c_str(), 1);
}

std::string state_directory_of(const Environment& environment) {
  if (const auto home = environment.get("XDG_STATE_HOME"); home && home->front() == '/') return *home + "/aldis";
  if (const auto home = environment.get("HOME"); home && home->front() == '/') return *home + "/.local/state/aldis";
  return {};
}

std::string configuration_directory_of(const Environment& environment) {
  if (const auto file = environment.get("ALDIS_CONFIG")) {
    return file->contains('/') ? file->substr(0, std::max<std::size_t>(file->rfind('/'), 1)) : ".";
  }
  return {};
}

std::string own_configuration_directory_of(const Environment& environment) {
  if (const auto home = environment.get("XDG_CONFIG_HOME"); home && home->front() == '/') return *home + "/aldis";
  if (const auto home = environment.get("HOME"); home && home->front() == '/') return *home + "/.config/aldis";
  return {};
}

std::span<const EnvironmentVariable> environment_table() { return kTable; }

WorkspaceOptions WorkspaceOptions::from_environment() {
  const Environment environment = Environment::from_process();
  WorkspaceOptions options;
  options.store = environment.get("ALDIS_STORE").value_or(options.store);
  options.namespace_name = environment.get("ALDIS_NAMESPACE").value_or(options.namespace_name);
  options.runtime_directory = environment.get("ALDIS_RUNTIME_DIR").value_or("");
  options.state_directory = environment.get("ALDIS_STATE_DIR").value_or(state_directory_of(environment));
  options.configuration_directory = configuration_directory_of(environment);
  options.own_configuration_directory = own_configuration_directory_of(environment);
  options.stream_events = environment.get("ALDIS_STREAM_EVENTS").value_or("0") != "0";
  return options;
}

std::optional<RunIdentity> RunIdentity::from_environment() {
  const Environment environment = Environment::from_process();
  const auto agent_id = environment.get("ALDIS_AGENT_ID");
  const auto incarnation = environment.get("ALDIS_INCARNATION");
  if (!agent_id || !incarnation) return std::nullopt;
  return RunIdentity{*agent_id, *incarnation};
}

}  // namespace aldis
