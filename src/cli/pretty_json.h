#pragma once
// JSON over several lines, for people. Used by the approval prompt; implemented in pretty_json.cc.
//
// REQUIRES: valid JSON. Lines hold no control characters; show them through printable() all the same. Threads: a pure
// function.

#include <string>
#include <string_view>
#include <vector>

namespace aldis::cli {

std::vector<std::string> pretty_json_lines(std::string_view json);

}  // namespace aldis::cli
