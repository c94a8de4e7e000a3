#pragma once
// The names of all commands as constants, in the order of all_commands(). Used by what must know them at compile time
// (usage_events.h); tests/cli/command_line_test.cc holds the two lists together.

#include <array>
#include <string_view>

namespace aldis::cli {

inline constexpr std::array<std::string_view, 26> kCommandNames = {
    "run",
    "agents list",
    "agents show",
    "agents beat",
    "agents stop",
    "agents watch",
    "signals send",
    "signals broadcast",
    "signals check",
    "signals wait",
    "signals pending",
    "signals clear",
    "signals receipt",
    "signals acknowledge",
    "telemetry status",
    "telemetry explain",
    "telemetry enable",
    "telemetry disable",
    "telemetry preview",
    "telemetry flush",
    "telemetry reset",
    "doctor",
    "config show",
    "config path",
    "manifest",
    "version",
};

}  // namespace aldis::cli
