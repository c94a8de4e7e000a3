#include "cli/invocation.h"

#include <algorithm>

#include "aldis/approvers.h"

namespace aldis::cli {
std::string acting_agent(const Invocation& invocation) {
  const std::string& agent = invocation.settings.agent.value;
  if (agent.empty()) {
    invocation.arguments.add_problem("no agent: say who acts with --agent ID or ALDIS_AGENT_ID");
  } else {
    invocation.arguments.check_name("agent", agent);
  }
  return agent;
}

std::optional<Reply> refuse_bad_arguments(const Invocation& invocation) {
  if (invocation.arguments.problems().empty()) return std::nullopt;
  Reply reply = bad_arguments(invocation.arguments.problems());
  if (invocation.command.acts_as_agent && invocation.settings.agent.value.empty()) {
    reply.failure->fix_command = "export ALDIS_AGENT_ID=my-agent";
  }
  return reply;
}

Result<std::string> policy_directory(const Invocation& invocation) {
  WorkspaceOptions options;
  options.configuration_directory = invocation.settings.configuration_directory;
  options.own_configuration_directory = invocation.settings.own_configuration_directory;
  return approval_directory(options);
}

Result<Workspace> open_workspace(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  WorkspaceOptions options;
  options.store = settings.store.value;
  options.namespace_name = settings.namespace_name.value;
  options.runtime_directory = settings.runtime_directory.value;
  options.state_directory = settings.state_directory.value;
  options.configuration_directory = settings.configuration_directory;
  options.own_configuration_directory = settings.own_configuration_directory;
  options.stream_events = settings.stream_events.value == "true";
  options.call_timeout = settings.connect_timeout;
  if (!invocation.command.waits && settings.timeout) {
    options.call_timeout = std::min(options.call_timeout, *settings.timeout);
  }
  return Workspace::open(std::move(options));
}

}  // namespace aldis::cli
