#pragma once
// The names of all commands as constants, in the order of all_commands(). Used by what must know them at compile time
// (usage_events.h); tests/cli/telemetry_test.cc holds the two lists together.

#include <array>
#include <string_view>

namespace aldis::cli {

inline constexpr std::array<std::string_view, 53> kCommandNames = {
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
    "approvals request",
    "approvals wait",
    "approvals pending",
    "approvals list",
    "approvals show",
    "approvals approve",
    "approvals reject",
    "approvals cancel",
    "approvals clear-expired",
    "approvals watch",
    "approvers enroll",
    "approvers list",
    "approvers trust",
    "approvers revoke",
    "audit list",
    "audit verify",
    "audit export",
    "events publish",
    "events tail",
    "events acknowledge",
    "events pending",
    "events recent",
    "events info",
    "events list",
    "events trim",
    "events delete",
    "events configure",
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
