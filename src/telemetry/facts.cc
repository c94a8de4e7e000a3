#include "telemetry/facts.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "core/format.h"
#include "core/network_file_system.h"
#include "core/private_files.h"
#include "telemetry/update_cache.h"

namespace aldis::telemetry {
namespace {

constexpr std::size_t kVersionBytesMax = 255;  // a text of a frame

bool runs_with_other_rights() { return getauxval(AT_SECURE) != 0 || geteuid() != getuid() || getegid() != getgid(); }

std::string name_of(const FileDescriptor& directory) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink(fmt::format("/proc/self/fd/{}", directory.get()).c_str(), path.data(), path.size());
  return {path.data(), static_cast<std::size_t>(length < 0 ? 0 : length)};
}

std::string network_problem(const std::string& mounts, const std::string& path) {
  const std::optional<std::string> type = network_file_system(mounts, path);
  return type ? fmt::format("{} is on a network file system ({})", path, *type) : std::string();
}

// A directory that is missing is fine: it will be made when it is needed.
std::string directory_problem(const std::string& mounts, const std::string& path, Others others) {
  if (std::string problem = network_problem(mounts, path); !problem.empty()) return problem;
  const Result<FileDescriptor> directory = open_own_directory(path, others);
  if (!directory) return directory.error().code == ErrorCode::not_found ? std::string() : directory.error().message;
  // Again with the links among its parents resolved.
  const std::string resolved = name_of(*directory);
  return resolved == path ? std::string() : network_problem(mounts, resolved);
}

std::string place_problem(const ToolIdentity& identity, const std::optional<Places>& places) {
  if (!is_tool_name(identity.tool)) {
    return fmt::format("\"{}\" is no tool's name: lower case letters, digits and hyphens, at most 48", identity.tool);
  }
  if (!is_version(identity.version) || identity.version.size() > kVersionBytesMax) {
    return fmt::format("\"{}\" is no version of a tool: it must be like 1.2.3", identity.version);
  }
  if (!places) return "HOME is not set";
  const std::optional<std::string> mounts = read_mountinfo();
  if (!mounts) return "/proc/self/mountinfo cannot be read";
  std::string problem = directory_problem(*mounts, places->consent_directory, Others::may_list);
  if (problem.empty()) problem = directory_problem(*mounts, places->state_directory, Others::nothing);
  return problem;
}

}  // namespace

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
