#pragma once
// Events as JSON and for people. Used by `aldis events`; implemented in event_shapes.cc.
//
// Threads: pure functions.

#include <string>
#include <vector>

#include "aldis/events.h"
#include "cli/output.h"

namespace aldis::cli {

std::string event_json(const StreamEvent& event);
std::string item_json(const StreamItem& item);  // an event, or {"gap":{…}}
std::string stream_json(const StreamInfo& stream);
std::string pending_json(const PendingEvent& event);

// One line, aligned with its neighbours. Data is cut to the width of the terminal.
std::string item_line(const OutputStyle& style, const StreamItem& item);
std::string event_view(const OutputStyle& style, const StreamEvent& event);
std::string stream_view(const OutputStyle& style, const StreamInfo& stream);
std::string pending_view(const OutputStyle& style, const std::vector<PendingEvent>& events);

}  // namespace aldis::cli
