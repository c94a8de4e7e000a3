#pragma once
// The version of this build, from CMake.

#include <string_view>

namespace aldis::cli {

inline constexpr std::string_view kVersionText = ALDIS_VERSION;

}  // namespace aldis::cli
