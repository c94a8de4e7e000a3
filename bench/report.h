#pragma once
// What a run found: one row a line of docs/performance.md. Implemented in report.cc.

#include <optional>
#include <string>
#include <vector>

#include "measure.h"

namespace aldis::bench {

struct Row {
  std::string work = {};
  std::string yardstick = {};  // empty: the target is absolute
  Samples ours = {};
  Samples raw = {};
  std::optional<double> ratio_max = {};   // of the medians
  std::optional<double> median_max = {};  // nanoseconds
  std::optional<double> extra_max = {};   // nanoseconds that our median may be above the yardstick's
  std::optional<double> p99_max = {};     // nanoseconds
};

bool meets_target(const Row& row);
void print_table(const std::vector<Row>& rows);
void write_json(const std::vector<Row>& rows, const std::string& path);

}  // namespace aldis::bench
