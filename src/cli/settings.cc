#include "cli/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "aldis/limits.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "core/failure.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/names.h"
#include "core/try.h"
#include "engines/redis/store_url.h"

namespace aldis::cli {
namespace {

struct Names {
  std::string_view option;
  std::string_view variable;
  std::string_view key;  // in the config file; empty: cannot be set there
};

struct Sources {
  const Arguments& arguments;
  const Environment& environment;
  const ConfigFile& file;
  const std::string& path;
};

Setting choose(const Sources& sources, const Names& names, std::string fallback) {
  if (const auto given = sources.arguments.text(names.option)) return {*given, "flag", std::string(names.option)};
  if (!names.variable.empty()) {
    if (const auto given = sources.environment.get(names.variable)) {
      return {*given, "environment", std::string(names.variable)};
    }
  }
  if (const auto given = sources.file.values.find(names.key); given != sources.file.values.end()) {
    return {given->second, "file", sources.path};
  }
  return {std::move(fallback), "default", {}};
}

std::string absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  std::error_code error;
  const std::filesystem::path full = std::filesystem::absolute(path, error);
  return error ? path : full.lexically_normal().string();
}

Setting find_config_file(const Arguments& arguments, const Environment& environment) {
  if (const auto given = arguments.text("--config")) return {absolute(*given), "flag", "--config"};
  if (const auto given = environment.get("ALDIS_CONFIG")) return {absolute(*given), "environment", "ALDIS_CONFIG"};
  if (const auto home = environment.get("XDG_CONFIG_HOME"); home && home->front() == '/') {
    return {*home + "/aldis/config.toml", "environment", "XDG_CONFIG_HOME"};
  }
  if (const auto home = environment.get("HOME")) return {absolute(*home) + "/.config/aldis/config.toml", "default", {}};
  return {};
}

void check_values(Arguments& arguments, Settings& settings) {
  if (const Result<void> checked = check_namespace(settings.namespace_name.value); !checked) {
    arguments.add_problem(checked.error().message);
  }
  const std::string& output = settings.output.value;
  if (output != "table" && output != "json" && output != "jsonl" && output != "auto") {
    arguments.add_problem(
        fmt::format("{} must be table, json, jsonl or auto, not {}", settings.output.origin, json_quote(output)));
    settings.output.value = "auto";
  }
  if (settings.store.source == "flag" && has_password(settings.store.value)) {
    arguments.add_problem(
        "a password in --store can be read by every user of this machine: put the URL in ALDIS_STORE or in the config "
        "file, or name a file that holds the password with ?password_file=/path");
  }
  for (const auto& [key, setting] :
       {std::pair{"runtime_dir", &settings.runtime_directory}, std::pair{"state_dir", &settings.state_directory}}) {
    if (setting->source == "file" && setting->value.front() != '/') {
      arguments.add_problem(fmt::format("{} in {} must be an absolute path", key, settings.config_file.value));
    }
  }
}

// As a password file would have to be; here it is a warning, since a file without passwords may be read by anybody.
void warn_of_open_password(const ConfigFile& file, Settings& settings) {
  const auto store = file.values.find("store");
  const std::string& path = settings.config_file.value;
  struct stat status{};
  if (store == file.values.end() || !has_password(store->second) || stat(path.c_str(), &status) != 0) return;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  settings.warnings.push_back(fmt::format("{} holds a password and is open to other users (mode {:04o}): chmod 600 {}",
                                          path, status.st_mode & 07777, path));
}

void resolve_times(const CommandSpec& command, Arguments& arguments, Settings& settings) {
  settings.timeout = arguments.seconds("--timeout", command.waits ? wait_bounds() : positive_bounds());
  const std::optional<double> connect = parse_finite_number(settings.connect_timeout_text.value);
  if (!connect || *connect <= 0 || *connect > to_seconds(limits::kWaitMax)) {
    arguments.add_problem(fmt::format("{} needs a number of seconds greater than 0, not {}",
                                      settings.connect_timeout_text.origin,
                                      json_quote(settings.connect_timeout_text.value)));
    settings.connect_timeout = limits::kCallTimeoutDefault;
    return;
  }
  settings.connect_timeout =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(*connect));
}

}  // namespace

Result<Settings> resolve_settings(const CommandSpec& command, Arguments& arguments, const Environment& environment) {
  Settings settings;
  settings.config_file = find_config_file(arguments, environment);
  const bool named = !settings.config_file.origin.empty() && settings.config_file.origin != "XDG_CONFIG_HOME";
  if (named)
    settings.configuration_directory = std::filesystem::path(settings.config_file.value).parent_path().string();
  settings.own_configuration_directory = own_configuration_directory_of(environment);
  ConfigFile file;
  if (!settings.config_file.value.empty()) {
    settings.config_file_exists = access(settings.config_file.value.c_str(), F_OK) == 0;
    if (settings.config_file_exists) {
      ALDIS_TRY_ASSIGN(file, read_config_file(settings.config_file.value));
    } else if (named) {
      return fail(ErrorCode::failed_precondition, "no config file {} ({})", settings.config_file.value,
                  settings.config_file.origin);
    }
  }
  settings.warnings = std::move(file.warnings);
  warn_of_open_password(file, settings);
  const Sources sources{arguments, environment, file, settings.config_file.value};
  settings.store = choose(sources, {"--store", "ALDIS_STORE", "store"}, "local:");
  settings.namespace_name = choose(sources, {"--namespace", "ALDIS_NAMESPACE", "namespace"}, "default");
  settings.runtime_directory = choose(sources, {"--runtime-dir", "ALDIS_RUNTIME_DIR", "runtime_dir"}, "");
  if (settings.runtime_directory.source != "file") {
    settings.runtime_directory.value = absolute(settings.runtime_directory.value);
  }
  settings.state_directory =
      choose(sources, {"--state-dir", "ALDIS_STATE_DIR", "state_dir"}, state_directory_of(environment));
  if (settings.state_directory.source != "file") {
    settings.state_directory.value = absolute(settings.state_directory.value);
  }
  settings.stream_events = choose(sources, {{}, "ALDIS_STREAM_EVENTS", "stream_events"}, "false");
  if (settings.stream_events.source == "environment") {
    settings.stream_events.value = settings.stream_events.value == "0" ? "false" : "true";
  }
  settings.output = choose(sources, {"--output", "ALDIS_OUTPUT", "output"}, "auto");
  settings.connect_timeout_text = choose(sources, {"--connect-timeout", {}, "connect_timeout"}, "5");
  settings.agent = choose(sources, {"--agent", "ALDIS_AGENT_ID", {}}, "");
  check_values(arguments, settings);
  resolve_times(command, arguments, settings);
  return settings;
}

}  // namespace aldis::cli
