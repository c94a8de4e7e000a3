#pragma once
// The library's values as JSON and as views. Field names are the contract's. Used by commands/*.cc; implemented in
// shapes.cc; the JSON Schemas that `--schema` shows are in output_schemas.h.

#include <string>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "cli/output.h"
#include "core/json_writer.h"

namespace aldis::cli {

// Members only, so that `agents watch` can add its own.
void write_agent_members(JsonWriter& json, const AgentStatus& agent);
std::string agent_json(const AgentStatus& agent);
std::string signal_json(const CoordinationSignal& signal);
std::string receipt_json(const Receipt& receipt);

// The members of an expired outcome behind "outcome".
void write_expired_members(JsonWriter& json, const Expired& expired);

std::string agent_view(const OutputStyle& style, const AgentStatus& agent);
std::string signal_view(const OutputStyle& style, const CoordinationSignal& signal);
std::string receipt_view(const OutputStyle& style, const Receipt& receipt);

Colour colour_of(AgentState state);

// Whether the evidence holds words that the agent wrote (its final status): then mark it as untrusted, too.
bool evidence_quotes_agent(const AgentStatus& agent);

// A payload for people: secrets masked. Show it under a title that says that it is not to be trusted.
std::string payload_text(const Json& payload);

// "12 s", "3 min", "5 h", "2 d".
std::string format_age(std::chrono::nanoseconds age);

std::string format_progress(const std::optional<double>& progress);  // "42 %", or nothing

}  // namespace aldis::cli
