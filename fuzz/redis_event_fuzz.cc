// Any texts as the answer of an event script: they are refused, or they are a value that keeps the port's promises.
// Lines are texts; the first byte chooses the reader.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "engines/redis/event_answers.h"
#include "require.h"

using aldis::Reply;
using aldis::fuzz::require;

namespace {

constexpr std::string_view kType = "deploy";

Reply texts(std::string_view lines) {
  Reply array{.kind = Reply::Kind::array};
  for (std::size_t begin = 0; begin <= lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    array.elements.push_back({.kind = Reply::Kind::text, .text = std::string(lines.substr(begin, end - begin))});
    begin = end + 1;
  }
  return array;
}

void check(const aldis::EventPlace& place) {
  require(place.ms <= aldis::kScriptNumberMax && place.ordinal <= aldis::kScriptNumberMax);
}

void place(const Reply& answer) {
  if (const auto read = aldis::read_place_answer(answer)) check(*read);
}

void slice(const Reply& answer) {
  const aldis::StreamCursor cursor{.type = kType, .after = answer.elements.size() % 3};
  const auto read = aldis::read_slice_answer(cursor, answer);
  if (!read || !*read) return;
  const aldis::StreamSlice& found = **read;
  std::uint64_t expected = std::max(cursor.after + 1, found.head.first);
  for (const aldis::StoredEvent& event : found.events) {
    check(event.place);
    require(event.place.ordinal == expected++);
    require(event.place.ordinal <= found.head.last.ordinal);
  }
}

void recent(const Reply& answer) {
  const auto page = aldis::read_recent_answer(answer);
  if (!page) return;
  require(!page->has_more || !page->events.empty());
  for (const aldis::StoredEvent& event : page->events) check(event.place);
}

void share(const Reply& answer) {
  const auto slice = aldis::read_group_answer(kType, answer);
  if (slice && slice->gap) require(slice->gap->lost > 0 && slice->gap->lost - 1 <= slice->gap->to - slice->gap->from);
}

void pending(const Reply& answer) {
  const auto events = aldis::read_pending_events(answer);
  if (events) require(events->size() * 4 + 1 == answer.elements.size());
}

void groups(const Reply& answer) {
  const auto found = aldis::read_groups_answer(answer);
  if (found) require(std::ranges::is_sorted(*found, {}, &aldis::GroupInfo::group));
}

void head(const Reply& answer) {
  const auto found = aldis::read_head_fields(kType, answer);
  if (found && *found) require((*found)->bounds.max_length <= aldis::kScriptNumberMax);
}

using Look = void (*)(const Reply& answer);
constexpr Look kLooks[] = {place, slice, recent, share, pending, groups, head};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  kLooks[data[0] % std::size(kLooks)](texts(bytes));
  return 0;
}
