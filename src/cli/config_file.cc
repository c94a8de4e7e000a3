#include "cli/config_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "cli/read_input.h"
#include "core/failure.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::size_t kConfigBytesMax = 64 * 1024;
constexpr std::string_view kTextKeys[] = {"namespace", "output", "runtime_dir", "state_dir", "store"};
constexpr std::string_view kNumberKeys[] = {"connect_timeout"};
constexpr std::string_view kSwitchKeys[] = {"stream_events"};

bool contains(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

Result<ConfigFile> read_config_file(const std::string& path) {
  const Result<std::string> content = read_file(path, kConfigBytesMax);
  if (!content) return fail(ErrorCode::failed_precondition, "cannot read the config file: {}", content.error().message);
  const toml::parse_result parsed = toml::parse(std::string_view(*content), path);
  if (!parsed) {
    return fail(ErrorCode::failed_precondition, "{}:{}: {}", path, parsed.error().source().begin.line,
                parsed.error().description());
  }
  ConfigFile file;
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    if (contains(kTextKeys, name)) {
      const auto* text = node.as_string();
      if (text == nullptr) {
        return fail(ErrorCode::failed_precondition, "{}:{}: {} must be a string", path, node.source().begin.line, name);
      }
      if (!text->get().empty()) file.values[name] = text->get();
    } else if (contains(kNumberKeys, name)) {
      const std::optional<double> number = node.value<double>();
      if (!number) {
        return fail(ErrorCode::failed_precondition, "{}:{}: {} must be a number", path, node.source().begin.line, name);
      }
      file.values[name] = format_number(*number);
    } else if (contains(kSwitchKeys, name)) {
      const auto* value = node.as_boolean();
      if (value == nullptr) {
        return fail(ErrorCode::failed_precondition, "{}:{}: {} must be true or false", path, node.source().begin.line,
                    name);
      }
      file.values[name] = value->get() ? "true" : "false";
    } else {
      file.warnings.push_back(fmt::format("{}:{}: unknown key {}", path, key.source().begin.line, name));
    }
  }
  return file;
}

}  // namespace aldis::cli
