#pragma once
// The rows of a run, each in the file of its subject.

#include <string>
#include <vector>

#include "report.h"

namespace aldis::bench {

Row beat_row();
Row list_row();
Row signal_row();
std::vector<Row> check_rows();
Row wake_up_row();
Row cold_start_row(const std::string& binaries);
std::vector<Row> telemetry_rows(const std::string& binaries);
// Resident memory of a process with one started agent; call it before the others fill memory.
double idle_memory_bytes();

}  // namespace aldis::bench
