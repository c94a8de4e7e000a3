#pragma once
// The environment variables that Aldis reads, and the only code that reads them (environment.cc). Everything else takes
// an Environment, a snapshot made once at the edge.
//
// Threads: `from_process` must not run while another thread changes the environment; the snapshot is a value.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aldis {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}
  static Environment from_process();

  // Empty counts as unset, as for XDG variables and most tools; `has` tells them apart (NO_COLOR counts even when
  // empty).
  std::optional<std::string> get(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

// Where the XDG variables, else HOME, say that a user's state is; empty: none of them does.
std::string state_directory_of(const Environment& environment);

// The directory of the file that ALDIS_CONFIG names; empty: it names none, and which one holds is decided by
// approval_directory (aldis/approvers.h).
std::string configuration_directory_of(const Environment& environment);

// Where XDG_CONFIG_HOME, else HOME, say that a user's own configuration is; empty: none of them does.
std::string own_configuration_directory_of(const Environment& environment);

// For a program that is started: the environment of this process as it is, entry by entry, but for `changes`.
std::vector<std::string> environment_for_program(const std::map<std::string, std::string, std::less<>>& changes);

// Sets these in this process. REQUIRES: no other thread reads or changes the environment meanwhile.
void change_environment(const std::map<std::string, std::string, std::less<>>& changes);

struct EnvironmentVariable {
  std::string_view name;
  std::string_view meaning;
};

// Every ALDIS_… variable, for `--help`, the manifest and the docs.
std::span<const EnvironmentVariable> environment_table();

}  // namespace aldis
