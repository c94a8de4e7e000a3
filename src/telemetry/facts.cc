#include "telemetry/facts.h"

#include <sys/auxv.h>
#include <unistd.h>

#include "core/format.h"
#include "core/network_file_system.h"
#include "core/private_files.h"
#include "telemetry/update_cache.h"

namespace aldis::telemetry {
namespace {

bool runs_with_other_rights() { return getauxval(AT_SECURE) != 0 || geteuid() != getuid() || getegid() != getgid(); }

// A directory that is missing is fine: it will be made when it is needed.
std::string directory_problem(const std::string& mounts, const std::string& path, Others others) {
  // First, for whoever opens what lies on a dead mount hangs.
  if (const std::optional<NetworkPlace> place = network_on_the_way(mounts, path)) {
    const std::string by = place->path == path ? "" : fmt::format(" at {}", place->path);
    return fmt::format("{} is on a network file system ({}){}", path, place->type, by);
  }
  const Result<FileDescriptor> directory = open_own_directory(path, others);
  return directory || directory.error().code == ErrorCode::not_found ? std::string() : directory.error().message;
}

std::string place_problem(const ToolIdentity& identity, const std::optional<Places>& places) {
  if (std::string problem = identity_problem(identity); !problem.empty()) return problem;
  if (!places) return "HOME is not set to an absolute path";
  const std::optional<std::string> mounts = read_mountinfo();
  if (!mounts) return "/proc/self/mountinfo cannot be read";
  std::string problem = directory_problem(*mounts, places->consent_directory, Others::may_list);
  if (problem.empty()) problem = directory_problem(*mounts, places->state_directory, Others::nothing);
  return problem;
}

}  // namespace

std::string identity_problem(const ToolIdentity& identity) {
  if (!is_tool_name(identity.tool)) {
    return fmt::format("\"{}\" is no tool's name: lower case letters, digits and hyphens, at most 48", identity.tool);
  }
  if (!is_version(identity.version) || identity.version.size() > kVersionBytesMax) {
    return fmt::format("\"{}\" is no version of a tool: it must be like 1.2.3", identity.version);
  }
  return {};
}

ConsentFacts gather_process_facts(const std::string& tool, const Environment& environment,
                                  const std::optional<std::vector<std::string>>& arguments) {
  ConsentFacts facts;
  facts.tool = tool;
  facts.environment = &environment;
  facts.setuid = runs_with_other_rights();
  if (arguments) facts.command_line = judge_command_line(*arguments);
  return facts;
}

std::optional<Places> gather_disk_facts(const ToolIdentity& identity, ConsentFacts& facts) {
  std::optional<Places> places;
  if (is_tool_name(identity.tool)) places = find_places(*facts.environment, identity.tool);
  facts.place_problem = place_problem(identity, places);
  if (facts.place_problem.empty()) facts.consent = read_consent(places->consent_directory);
  return places;
}

}  // namespace aldis::telemetry
