// `aldis agents list` as a fresh process, beside an empty C++ program.

#include "aldis/heartbeats.h"
#include "program.h"
#include "rows.h"
#include "scene.h"

namespace aldis::bench {
Row cold_start_row(const std::string& binaries) {
  const Scene scene;
  HeartbeatCoordinator agent(scene.workspace());
  must(agent.start_heartbeat("agent"));
  const std::string directory = scene.workspace().options().runtime_directory;
  const auto list = [&] { run_program({binaries + "/aldis", "agents", "list"}, {"ALDIS_RUNTIME_DIR=" + directory}); };
  const Pair pair = alternate({list}, {[&] { run_program({binaries + "/aldis_bench_empty"}, {}); }}, 100, 20);
  return {.work = "`aldis agents list`, cold process",
          .yardstick = "empty C++ program",
          .ours = pair.ours,
          .raw = pair.raw,
          .ratio_max = 4.0};
}

}  // namespace aldis::bench
