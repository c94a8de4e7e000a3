#pragma once
// Answers of an EventStore and of its groups as text, so that two engines' answers can be compared and read. Header
// only; used by the contract tests of events.

#include <ostream>
#include <vector>

#include "ports/event_group_store.h"
#include "ports/event_store.h"

namespace aldis::testing {

inline void describe(std::ostream& out, const EventPlace& place) { out << place.ms << '-' << place.ordinal; }

inline void describe(std::ostream& out, const StoredEvent& event) {
  describe(out, event.place);
  out << ' ' << event.data << " of " << event.source;
}

inline void describe(std::ostream& out, const StreamHead& head) {
  out << head.type << " first " << head.first << " last ";
  describe(out, head.last);
  out << " keeps " << head.bounds.max_length;
  if (head.bounds.max_age) out << " for " << head.bounds.max_age->count() << " ms";
}

inline void describe(std::ostream& out, const GroupInfo& group) {
  out << group.group << " delivered " << group.delivered << " waiting " << group.waiting << " pending "
      << group.pending;
}

inline void describe(std::ostream& out, const PendingEvent& event) {
  out << event.event_id << " with " << event.consumer << " for " << event.idle.count() << " times " << event.deliveries;
}

inline void describe(std::ostream& out, std::uint64_t count) { out << count; }

inline void describe(std::ostream& out, const StreamSlice& slice);

template <class T>
void describe(std::ostream& out, const std::vector<T>& all) {
  for (const T& one : all) {
    out << "\n  ";
    describe(out, one);
  }
}

inline void describe(std::ostream& out, const StreamSlice& slice) {
  describe(out, slice.head);
  describe(out, slice.events);
}

inline void describe(std::ostream& out, const GroupSlice& slice) {
  if (slice.missing) out << "missing";
  if (slice.gap) out << "gap " << slice.gap->from << '-' << slice.gap->to << " lost " << slice.gap->lost;
  describe(out, slice.events);
  if (slice.next_take_over) out << "\n  next take over in " << slice.next_take_over->count();
}

template <class T>
void describe(std::ostream& out, const Result<T>& answer) {
  if (!answer) {
    out << to_string(answer.error().code);
  } else if constexpr (!std::is_void_v<T>) {
    describe(out, *answer);
  } else {
    out << "done";
  }
}

}  // namespace aldis::testing
