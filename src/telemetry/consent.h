#pragma once
// Whether telemetry is on, and what decided it: a pure function of facts that were gathered before. Used by the client
// and `telemetry explain`; implemented in consent.cc.
//
// Model: rules in their order, each of which can only say "off"; the last one is the user's own `enable`, without which
// nothing is on. No rule can turn an earlier one off again.
//   1. CI, GITHUB_ACTIONS, JENKINS_URL set and not empty ("0" and "false" too)
//   2. NO_TELEMETRY, <TOOL>_NO_TELEMETRY, DO_NOT_TRACK set, not empty and not "0"
//   3. setuid (the process runs with somebody else's rights)
//   4. the command line: --help, --version, no command, a telemetry command
//   5. the place: options that are wrong, no HOME, no /proc, a network file system, a directory that is not ours
//   6. consent: `telemetry enable`
// Threads: values.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/environment.h"
#include "telemetry/consent_file.h"

namespace aldis::telemetry {

// What the arguments (without the program's name) say about whether this run is reported.
enum class CommandLine { reportable, help, version, no_command, telemetry_command };
CommandLine judge_command_line(const std::vector<std::string>& arguments);  // looks no further than "--"

struct ConsentFacts {
  std::string tool = {};
  const Environment* environment = nullptr;
  bool setuid = false;
  CommandLine command_line = CommandLine::reportable;
  std::string place_problem = {};           // "HOME is not set"; empty: the place is fine
  std::optional<ConsentFile> consent = {};  // none: never enabled
};

struct ConsentRule {
  std::string name;   // "CI", "setuid", "command line", "place", "consent"
  std::string value;  // as set; empty: not set
  bool says_off = false;
};

struct Consent {
  bool enabled = false;    // the user said so
  bool active = false;     // and nothing speaks against it
  std::string decided_by;  // the name of the first rule that says off, else "consent"
};

Consent decide(const ConsentFacts& facts);

// Rules 1–4 alone: when they say off, no file is looked at.
bool is_ruled_out(const ConsentFacts& facts);

// All rules with what they say, in order.
std::vector<ConsentRule> explain(const ConsentFacts& facts);

// Update checks and their reports: not in CI, nor with TOOL_NO_UPDATE, <TOOL>_NO_UPDATE, NO_UPDATE_NOTIFIER (set, not
// empty, not "0") or --no-update-check.
bool wants_updates(const Environment& environment, std::string_view tool, const std::vector<std::string>& arguments);

}  // namespace aldis::telemetry
