#include "report.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdio>

#include "aldis/json.h"

namespace aldis::bench {
namespace {

std::string shown(double nanoseconds) {
  if (nanoseconds < 1'000) return fmt::format("{:.0f} ns", nanoseconds);
  if (nanoseconds < 1'000'000) return fmt::format("{:.2f} µs", nanoseconds / 1'000);
  return fmt::format("{:.2f} ms", nanoseconds / 1'000'000);
}

double extra_of(const Row& row) { return percentile(row.ours, 0.5) - percentile(row.raw, 0.5); }

double ratio_of(const Row& row) { return percentile(row.ours, 0.5) / percentile(row.raw, 0.5); }

std::string target_of(const Row& row) {
  std::string target;
  if (row.ratio_max) target += fmt::format("≤ {}x ", *row.ratio_max);
  if (row.median_max) target += fmt::format("≤ {} ", shown(*row.median_max));
  if (row.extra_max) target += fmt::format("≤ +{} ", shown(*row.extra_max));
  if (row.p99_max) target += fmt::format("p99 ≤ {} ", shown(*row.p99_max));
  if (!target.empty()) target.pop_back();
  return target;
}

}  // namespace

bool meets_target(const Row& row) {
  return (!row.ratio_max || ratio_of(row) <= *row.ratio_max) &&
         (!row.median_max || percentile(row.ours, 0.5) <= *row.median_max) &&
         (!row.extra_max || extra_of(row) <= *row.extra_max) &&
         (!row.p99_max || percentile(row.ours, 0.99) <= *row.p99_max);
}

void print_table(const std::vector<Row>& rows) {
  fmt::print("| work | p50 | p99 | yardstick | p50 | p99 | ratio or difference | target | met |\n");
  fmt::print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Row& row : rows) {
    const bool paired = !row.raw.empty();
    fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", row.work, shown(percentile(row.ours, 0.5)),
               shown(percentile(row.ours, 0.99)), paired ? row.yardstick : "—",
               paired ? shown(percentile(row.raw, 0.5)) : "—", paired ? shown(percentile(row.raw, 0.99)) : "—",
               !paired         ? "—"
               : row.extra_max ? fmt::format("{}{}", extra_of(row) < 0 ? "-" : "+", shown(std::abs(extra_of(row))))
                               : fmt::format("{:.2f}", ratio_of(row)),
               target_of(row), meets_target(row) ? "yes" : "NO");
  }
}

void write_json(const std::vector<Row>& rows, const std::string& path) {
  std::string out = "{\"rows\":[";
  for (const Row& row : rows) {
    if (out.back() == '}') out += ',';
    out += fmt::format(R"({{"work":{},"samples":{},"p50_ns":{:.1f},"p99_ns":{:.1f},"yardstick":{},"raw_p50_ns":{:.1f},)"
                       R"("raw_p99_ns":{:.1f},"target":{},"met":{}}})",
                       json_quote(row.work), row.ours.size(), percentile(row.ours, 0.5), percentile(row.ours, 0.99),
                       json_quote(row.yardstick), percentile(row.raw, 0.5), percentile(row.raw, 0.99),
                       json_quote(target_of(row)), meets_target(row));
  }
  out += "]}\n";
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr || std::fputs(out.c_str(), file) < 0 || std::fclose(file) != 0) {
    fmt::print(stderr, "cannot write {}\n", path);
  }
}

}  // namespace aldis::bench
