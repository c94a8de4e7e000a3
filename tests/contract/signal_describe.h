#pragma once
// Answers of a SignalStore as text, so that two engines' answers can be compared and read. Header only; used by the
// contract tests of signals.

#include <ostream>
#include <string>
#include <variant>

#include "ports/signal_store.h"

namespace aldis::testing {

inline void describe(std::ostream& out, const CoordinationSignal& signal) {
  out << signal.signal_id << ' ' << signal.signal_type << ' ' << signal.source_agent << "->"
      << signal.target_agent.value_or("all") << ' ' << signal.payload.text() << " sent "
      << format_timestamp(signal.timestamp) << " ttl " << signal.ttl.count() << " until "
      << format_timestamp(signal.expires_at) << " attempt " << signal.attempt;
}

inline void describe(std::ostream& out, const std::vector<CoordinationSignal>& signals) {
  for (const CoordinationSignal& signal : signals) {
    out << "\n  ";
    describe(out, signal);
  }
}

inline void describe(std::ostream& out, const Delivered& delivered) {
  out << "delivered ";
  describe(out, delivered.signal);
}

inline void describe(std::ostream& out, const Expired& expired) {
  out << "expired " << expired.signal_id << ' ' << expired.signal_type << ' ' << expired.source_agent << " sent "
      << format_timestamp(expired.sent_at) << " at " << format_timestamp(expired.expired_at) << " count "
      << expired.count;
}

inline void describe(std::ostream& out, const NothingTaken& nothing) {
  out << "nothing";
  if (nothing.next_due) out << ", due in " << (*nothing.next_due - nothing.now).count();
  for (const Reservation& one : nothing.reserved) {
    out << " [" << format_id(kSignalIdPrefix, one.signal_id) << " attempt " << one.attempt << " of " << one.holder.pid
        << ']';
  }
}

inline void describe(std::ostream& out, const TakeOutcome& outcome) {
  std::visit([&out](const auto& one) { describe(out, one); }, outcome);
}

inline void describe(std::ostream& out, const Receipt& receipt) {
  out << receipt.signal_id << ' ' << to_string(receipt.state) << " to '" << receipt.delivered_to << '\'';
  if (receipt.delivered_at) out << " delivered " << format_timestamp(*receipt.delivered_at);
  if (receipt.expired_at) out << " expired " << format_timestamp(*receipt.expired_at);
  out << (receipt.broadcast ? " broadcast" : "") << " readers " << receipt.readers_total;
  for (const SignalReader& reader : receipt.readers)
    out << ' ' << reader.agent_id << '@' << format_timestamp(reader.read_at);
}

inline void describe(std::ostream& out, const ReceiptReading& reading) {
  describe(out, reading.receipt);
  if (reading.due) out << ", due in " << (*reading.due - reading.now).count();
}

inline void describe(std::ostream& out, std::uint64_t count) { out << count; }

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
