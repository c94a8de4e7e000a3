// aldis_bench [--json FILE]: every row of the targets, measured beside its yardstick in the same run.

#include <fmt/core.h>

#include <filesystem>
#include <string_view>

#include "rows.h"

int main(int argc, char** argv) {
  using namespace aldis::bench;
  const bool json = argc == 3 && std::string_view(argv[1]) == "--json";
  if (argc != 1 && !json) {
    fmt::print(stderr, "usage: aldis_bench [--json FILE]\n");
    return 2;
  }
  const std::string binaries = std::filesystem::canonical("/proc/self/exe").parent_path();
  fmt::print("resident memory of an idle agent: {:.1f} MB (target: at most 10 MB)\n\n", idle_memory_bytes() / 1e6);
  std::vector<Row> rows = {wake_up_row(), beat_row(), signal_row()};
  for (Row& row : check_rows()) rows.push_back(std::move(row));
  rows.push_back(list_row());
  for (Row& row : ledger_rows()) rows.push_back(std::move(row));
  rows.push_back(cold_start_row(binaries));
  for (Row& row : redis_rows()) rows.push_back(std::move(row));
  for (Row& row : telemetry_rows(binaries)) rows.push_back(std::move(row));
  print_table(rows);
  if (json) write_json(rows, argv[2]);
  return 0;
}
