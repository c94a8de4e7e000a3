#pragma once
// What a command-line tool learns from its environment, and what it tells the programs that it starts: CI, colour, and
// who must not print update notices. Implemented in src/telemetry/tool_environment.cc.
//
// Model: everything is a function of a snapshot, which is taken once, before anything is changed. The library never
// changes the environment of the process unless `apply` is called, and a program calls that in `main`, after it made
// its TelemetryClient: what `apply` sets would otherwise look like somebody's wish for silence.
// Threads: values; `environment_snapshot` and `apply` must not run while another thread reads or changes the
// environment.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aldis/export.h"

namespace aldis {

using EnvironmentSnapshot = std::map<std::string, std::string, std::less<>>;

ALDIS_API EnvironmentSnapshot environment_snapshot();

// CI, GITHUB_ACTIONS or JENKINS_URL is set and not empty. `CI=0` and `CI=false` count: so it is documented everywhere.
ALDIS_API bool runs_in_ci(const EnvironmentSnapshot& environment);

// False in CI, with NO_COLOR (even empty, https://no-color.org) and with TERM=dumb. Whether the stream is a terminal is
// for the caller to ask as well.
ALDIS_API bool allows_colour(const EnvironmentSnapshot& environment);

class ALDIS_API ToolEnvironment {
 public:
  ToolEnvironment(EnvironmentSnapshot environment, bool stdout_is_terminal);

  // What to set for ourselves and for every program that we start: NO_COLOR=1 where colour is not allowed; and CI=1,
  // NO_UPDATE_NOTIFIER=1, HOMEBREW_NO_AUTO_UPDATE=1, PIP_DISABLE_PIP_VERSION_CHECK=1 where stdout is no terminal or in
  // CI. A value that says the same ("true" for CI) stays; an empty one, "0" and "false" do not.
  EnvironmentSnapshot changes() const;

  // The snapshot with `changes`, as "NAME=value", for execve.
  std::vector<std::string> child_environment() const;

  // `silence` runs in `apply` when stdout is no terminal or in CI: for notifiers that are switched off by a call.
  void suppress_update_notifier(std::function<void()> silence);

  // Sets `changes` in this process and runs the hooks. REQUIRES: no other thread runs yet.
  void apply() const;

 private:
  EnvironmentSnapshot environment_;
  bool stdout_is_terminal_;
  std::vector<std::function<void()>> notifiers_;
};

}  // namespace aldis
