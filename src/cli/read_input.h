#pragma once
// Text from where the user keeps it: on the command line, in a file (@FILE) or on standard input (-). Implemented in
// read_input.cc.
//
// Errors: invalid_argument for a file that cannot be read or is longer than `bytes_max`.

#include <cstddef>
#include <string>
#include <string_view>

#include "aldis/result.h"

namespace aldis::cli {

Result<std::string> read_input(std::string_view given, std::size_t bytes_max);

// The whole of a regular or special file.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace aldis::cli
