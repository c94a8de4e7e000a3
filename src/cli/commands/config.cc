// aldis config show | path

#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/masking.h"
#include "cli/output_schemas.h"
#include "cli/table.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

struct Shown {
  std::string_view name;
  Setting setting;
};

std::vector<Shown> shown_settings(const Settings& settings) {
  Setting store = settings.store;
  store.value = mask_url(store.value);
  return {
      {"store", store},
      {"namespace", settings.namespace_name},
      {"agent", settings.agent},
      {"runtime_dir", settings.runtime_directory},
      {"state_dir", settings.state_directory},
      {"stream_events", settings.stream_events},
      {"output", settings.output},
      {"connect_timeout", settings.connect_timeout_text},
      {"config", settings.config_file},
  };
}

std::string setting_json(const Shown& shown) {
  JsonWriter json;
  json.begin_object().text("name", shown.name);
  if (shown.name == "connect_timeout") {
    json.number("value", parse_finite_number(shown.setting.value));
  } else {
    json.text_or_null("value", shown.setting.value);
  }
  json.text("source", shown.setting.source).text_or_null("origin", shown.setting.origin);
  return json.end_object().take();
}

Reply show(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const std::vector<Shown> settings = shown_settings(invocation.settings);
  JsonWriter json;
  json.begin_array();
  for (const Shown& shown : settings) json.raw(setting_json(shown));
  Reply reply{.data = json.end_array().take()};
  if (!invocation.style.table()) return reply;
  std::vector<std::vector<Cell>> rows;
  for (const Shown& shown : settings) {
    rows.push_back({{std::string(shown.name)},
                    {shown.setting.value.empty() ? "-" : shown.setting.value},
                    {shown.setting.source},
                    {shown.setting.origin, Colour::dim}});
  }
  reply.view = render_table(invocation.style, {{"SETTING"}, {"VALUE", true}, {"FROM"}, {"WHERE", true}}, rows);
  return reply;
}

Reply path(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const std::string& file = invocation.settings.config_file.value;
  JsonWriter json;
  json.begin_object().text_or_null("path", file).boolean("exists", invocation.settings.config_file_exists).end_object();
  Reply reply{.data = json.take()};
  if (invocation.style.table()) reply.view = file + "\n";
  return reply;
}

constexpr ExampleSpec kShowExamples[] = {{"Why is it this namespace?", "aldis config show"}};
constexpr ExampleSpec kPathExamples[] = {{"Edit the file", "aldis config path"}};

}  // namespace

constinit const CommandSpec kConfigShow{
    .name = "config show",
    .summary = "Show every setting with where it comes from: flag, environment, file or default",
    .output_schema = schema::kSettings,
    .examples = kShowExamples,
    .notes = "Passwords in a store's URL are masked. An empty runtime_dir means that the library chooses.",
    .execute = show,
};

constinit const CommandSpec kConfigPath{
    .name = "config path",
    .summary = "Show where the config file is looked for",
    .output_schema = schema::kConfigPath,
    .examples = kPathExamples,
    .execute = path,
};

}  // namespace aldis::cli
