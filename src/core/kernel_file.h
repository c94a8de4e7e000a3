#pragma once
// Reads a file of /proc to its end. Used by network_file_system.cc and telemetry; implemented in kernel_file.cc.
//
// Model: such a file has no size, and its text may come in pieces. The descriptor is 3 or more: a caller that closed
// 0–2 finds none of ours there. Threads: safe from any thread. Errors: none is told apart.

#include <cstddef>
#include <optional>
#include <string>

namespace aldis {

// None: it cannot be read, or is longer.
std::optional<std::string> read_kernel_file(const char* path, std::size_t bytes_max);

}  // namespace aldis
