#pragma once
// The waiting of EventStreamer::consume_events. Used by events.cc; implemented in event_wait.cc. The two ways of
// reading are event_reader.h (for oneself) and event_member.h (as a member of a consumer group).
//
// Model: look at every stream where there may be something; if nothing is there, subscribe, look again, and sleep until
// a stream rings, a stream becomes known (where all are read), or something falls due; then look at what rang or fell
// due, and at nothing else. Where all types are read and several are to be looked at, one question for the news of all
// comes first: it costs less than a thousand looks in vain.
// Threads: one thread. Errors: the reading's, at once: a wait never says "nothing" when it does not know.

#include <chrono>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "aldis/events.h"
#include "domain/workspace_impl.h"

namespace aldis {

class StreamReading {
 public:
  virtual ~StreamReading() = default;

  // The streams that it reads, in an order that stays; more may come behind them.
  virtual const std::vector<std::string>& types() const = 0;
  // Where the first look has to be taken.
  virtual std::vector<std::size_t> first_places() const = 0;
  // Adds the streams that became known. The places where something may have come since they were looked at, or where
  // time may bring something. Called only where all types are read.
  virtual Result<std::vector<std::size_t>> find_news() = 0;
  // Takes what is there of the streams at these places.
  virtual Result<std::vector<StreamItem>> look(std::span<const std::size_t> which) = 0;
  // How long after a look in vain the stream needs no other unless it rings.
  virtual std::chrono::nanoseconds quiet_for(std::size_t stream) const = 0;
};

// `block` none: looks once. Else for at most so long, until there is something or `stop` is requested.
Result<std::vector<StreamItem>> read_streams(Workspace::Impl& workspace, StreamReading& reading, bool all_types,
                                             std::optional<std::chrono::nanoseconds> block,
                                             const std::stop_token& stop);

}  // namespace aldis
