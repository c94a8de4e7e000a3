#pragma once
// What the event scripts answer, read into the values of ports/event_store.h and ports/event_group_store.h. Used by
// redis_events.cc and redis_event_groups.cc; implemented in event_answers.cc.
//
// Model: the grammar is in docs/formats.md, "Redis keys"; answer_reader.h says what all answers have in common. Numbers
// are below 2^53, ordinals of a slice are dense. Threads: pure. Errors: data_loss for an answer that does not follow
// the grammar; whatever code the script named.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/redis/answer_reader.h"
#include "engines/redis/reply.h"
#include "ports/event_group_store.h"
#include "ports/event_store.h"

namespace aldis {

// That scripts count with. No ordinal is larger.
inline constexpr std::uint64_t kScriptNumberMax = (std::uint64_t{1} << 53) - 1;

inline std::string ordinal_text(std::uint64_t ordinal) { return std::to_string(std::min(ordinal, kScriptNumberMax)); }

// Some of what was asked for; there is more when `has_more`.
struct EventPage {
  std::vector<StoredEvent> events;
  bool has_more = false;
};

// The last argument of a script that may make a stream, when it must not; and whether that is why it did nothing.
inline constexpr std::string_view kMakeNone = "";
bool is_unknown_stream(const Reply& answer);

Result<EventPlace> read_place_answer(const Reply& answer);
// Nothing: there is no such stream.
Result<std::optional<StreamSlice>> read_slice_answer(const StreamCursor& cursor, const Reply& answer);
Result<EventPage> read_recent_answer(const Reply& answer);
Result<GroupSlice> read_group_answer(std::string_view type, const Reply& answer);
Result<std::vector<PendingEvent>> read_pending_events(const Reply& answer);
Result<std::vector<GroupInfo>> read_groups_answer(const Reply& answer);

// The fields of a head, as kHeadFields has them, which say what a reader sees unless a greatest age does. Nothing:
// there is no such stream.
inline constexpr std::string_view kHeadFields[] = {"ms", "last", "floor", "length", "age"};
Result<std::optional<StreamHead>> read_head_fields(std::string_view type, const Reply& fields);

}  // namespace aldis
