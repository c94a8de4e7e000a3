#pragma once
// Commands described: help for people, `--schema` and the manifest for programs. Written from the CommandSpecs alone;
// implemented in help.cc (text) and describe.cc (JSON, in the shapes of the public CLI Agent Spec).

#include <string>

#include "cli/command.h"

namespace aldis::cli {

std::string help_text();  // of aldis itself
std::string help_text(const GroupSpec& group);
std::string help_text(const CommandSpec& command);

// A CommandEntry of the public spec.
std::string command_entry_json(const CommandSpec& command);

// The answer of `--schema`: the entry, with the command's name and its arguments.
std::string command_schema_json(const CommandSpec& command);
std::string group_schema_json(const GroupSpec& group);

// A ManifestResponse: every command by its dotted path, groups too.
std::string manifest_json();
// A hash of the manifest that changes only when commands do.
std::string manifest_etag();

// The ALDIS_ variables, as [{"name","meaning"}].
std::string environment_json();

}  // namespace aldis::cli
