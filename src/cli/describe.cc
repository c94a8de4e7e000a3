#include "cli/describe.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cli/command_line.h"
#include "cli/version.h"
#include "core/environment.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kManifestSchemaVersion = "1.0";

std::string dotted(std::string_view name) {
  std::string path(name);
  std::replace(path.begin(), path.end(), ' ', '.');
  return path;
}

std::string_view type_name(const OptionSpec& option) {
  if (option.repeatable) return "array";
  switch (option.type) {
    case ValueType::flag:
      return "boolean";
    case ValueType::text:
      return "string";
    case ValueType::number:
      return "number";
    case ValueType::integer:
      return "integer";
    case ValueType::choice:
      return "enum";
  }
  return "string";
}

std::string_view danger_name(Danger danger) {
  switch (danger) {
    case Danger::safe:
      return "safe";
    case Danger::mutating:
      return "mutating";
    case Danger::destructive:
      return "destructive";
  }
  return "safe";
}

void write_flags(JsonWriter& json, const CommandSpec& command) {
  json.key("flags").begin_object();
  for_each_option(command, [&](const OptionSpec& option) {
    json.key(option.name.substr(2)).begin_object();
    json.text("type", type_name(option)).boolean("required", option.required).text("description", option.help);
    if (!option.fallback.empty()) json.raw("default", option.fallback);
    if (option.type == ValueType::choice) {
      json.key("enum_values").begin_array();
      for (const std::string_view choice : option.choices) json.text(choice);
      json.end_array();
    }
    json.end_object();
  });
  json.end_object();
}

void write_exit_codes(JsonWriter& json, const CommandSpec& command) {
  std::vector<ExitCode> codes(common_exits().begin(), common_exits().end());
  codes.insert(codes.end(), command.exits.begin(), command.exits.end());
  std::sort(codes.begin(), codes.end());
  json.key("exit_codes").begin_object();
  for (const ExitCode code : codes) {
    const ExitCodeEntry& entry = describe(code);
    const bool nothing_written = code == ExitCode::success && command.danger == Danger::safe;
    json.key(std::to_string(static_cast<int>(code))).begin_object();
    json.text("name", entry.name).text("description", entry.description).boolean("retryable", entry.retryable);
    json.text("side_effects", nothing_written ? "none" : entry.side_effects).end_object();
  }
  json.end_object();
}

void write_entry(JsonWriter& json, const CommandSpec& command) {
  json.text("description", fmt::format("{} ({})", command.summary, usage_line(command)));
  json.text("danger_level", danger_name(command.danger));
  write_flags(json, command);
  write_exit_codes(json, command);
  json.raw("output_schema", command.output_schema);
  json.key("examples").begin_array();
  for (const ExampleSpec& example : command.examples) {
    json.begin_object().text("description", example.description).text("command", example.command).end_object();
  }
  json.end_array();
}

void write_group(JsonWriter& json, const GroupSpec& group) {
  json.text("description", group.summary).text("danger_level", "safe").key("flags").begin_object().end_object();
  json.key("exit_codes").begin_object().end_object();
  json.key("subcommands").begin_array();
  const std::string prefix = std::string(group.name) + " ";
  for (const CommandSpec* command : all_commands()) {
    if (command->name.starts_with(prefix)) json.text(dotted(command->name));
  }
  json.end_array();
}

std::string commands_json() {
  JsonWriter json;
  json.begin_object();
  for (const GroupSpec& group : all_groups()) {
    json.key(group.name).begin_object();
    write_group(json, group);
    json.end_object();
  }
  for (const CommandSpec* command : all_commands()) json.raw(dotted(command->name), command_entry_json(*command));
  return json.end_object().take();
}

// FNV-1a, 64 bits: tells one manifest from another, protects nothing.
std::string etag_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("fnv1a:{:016x}", hash);
}

}  // namespace

std::string command_entry_json(const CommandSpec& command) {
  JsonWriter json;
  json.begin_object();
  write_entry(json, command);
  return json.end_object().take();
}

std::string command_schema_json(const CommandSpec& command) {
  JsonWriter json;
  json.begin_object().text("command", command.name).key("arguments").begin_array();
  for (const ArgumentSpec& argument : command.arguments) {
    json.begin_object().text("name", argument.name).text("description", argument.help);
    json.boolean("required", argument.count_min > 0).boolean("repeatable", argument.count_max > 1);
    json.integer("count_max", static_cast<std::int64_t>(argument.count_max)).end_object();
  }
  json.end_array();
  write_entry(json, command);
  return json.end_object().take();
}

std::string group_schema_json(const GroupSpec& group) {
  JsonWriter json;
  json.begin_object().text("command", group.name);
  write_group(json, group);
  return json.end_object().take();
}

std::string manifest_etag() { return etag_of(commands_json()); }

std::string manifest_json() {
  const std::string commands = commands_json();
  JsonWriter json;
  json.begin_object();
  json.text("schema_version", kManifestSchemaVersion).text("framework_version", kVersionText);
  json.text("etag", etag_of(commands)).raw("commands", commands);
  return json.end_object().take();
}

std::string environment_json() {
  JsonWriter json;
  json.begin_array();
  for (const EnvironmentVariable& variable : environment_table()) {
    json.begin_object().text("name", variable.name).text("meaning", variable.meaning).end_object();
  }
  return json.end_array().take();
}

}  // namespace aldis::cli
