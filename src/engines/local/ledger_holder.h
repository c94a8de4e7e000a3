#pragma once
// Who keeps the others from writing a ledger. Used by ledger.cc for its messages; implemented in ledger_holder.cc.
//
// Model: SQLite locks single bytes of its files with POSIX locks, and the kernel says who has them (F_GETLK). Asked
// through the descriptors that SQLite has open: opening a file of a ledger and closing it again would drop its locks.
// Threads: safe from any thread.

#include <optional>
#include <string>

namespace aldis {

// Nothing: another thread of this process, somebody whom this PID namespace does not show, or nobody any more.
std::optional<int> find_ledger_holder(const std::string& path);

}  // namespace aldis
