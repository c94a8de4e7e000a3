#pragma once
// The process table of this host, read from /proc. The contract is ports/process_table.h; implemented in
// proc_process_table.cc.

#include <memory>

#include "ports/process_table.h"

namespace aldis {

std::shared_ptr<ProcessTable> make_proc_process_table();

}  // namespace aldis
