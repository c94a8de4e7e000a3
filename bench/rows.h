#pragma once
// The rows of a run, each in the file of its subject.

#include <string>
#include <vector>

#include "aldis/workspace.h"
#include "report.h"
#include "stage.h"

namespace aldis::bench {

Row beat_row();
Row list_row();
Row signal_row();
std::vector<Row> check_rows();
Row wake_up_row();
// Events and approvals.
std::vector<Row> ledger_rows();
// Of our send and take, on any store.
Samples wake_up_samples(Stage& stage, const WorkspaceOptions& options);
// Starts a server of its own.
std::vector<Row> redis_rows();
Row cold_start_row(const std::string& binaries);
std::vector<Row> telemetry_rows(const std::string& binaries);
// Resident memory of a process with one started agent; call it before the others fill memory.
double idle_memory_bytes();

}  // namespace aldis::bench
