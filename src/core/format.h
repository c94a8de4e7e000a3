#pragma once
// fmt::format, because the oldest compiler that builds Aldis has no std::format. The only file that includes fmt.

#include <fmt/core.h>
