// A plugin that is loaded late and has a telemetry client of its own, finished when the program ends.

#include <memory>

#include "aldis/telemetry.h"

namespace {

struct PluginUsed {
  bool late;

  static constexpr auto telemetry =
      aldis::telemetry_event("plugin_used", aldis::telemetry_field("late", &PluginUsed::late));
};

}  // namespace

extern "C" __attribute__((visibility("default"))) int use_plugin(const char* home) {
  aldis::TelemetryClient<PluginUsed> telemetry(
      {.tool = "tool", .version = "1.2.3", .environment = aldis::EnvironmentSnapshot{{"HOME", home}}});
  telemetry.event(PluginUsed{true});
  telemetry.finish_on_exit();
  return telemetry.active() ? 1 : 0;
}
