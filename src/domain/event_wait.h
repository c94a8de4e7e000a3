#pragma once
// The waiting of EventStreamer::consume_events. Used by event_following.h; implemented in event_wait.cc. The two ways
// of reading are event_reader.h (for oneself) and event_member.h (as a member of a consumer group).
//
// Model: look at every stream where there may be something; if nothing is there, subscribe, look again, and sleep until
// a stream rings, a stream becomes known (where all are read), or something falls due; then look at what rang or fell
// due, and at nothing else. When the time is over, every stream is looked at once more, because a ring may have been
// lost: "nothing" is what the store says then. A wait goes on listening between two reads, so the next one begins with
// what rang since and with what the last one left. Where all types are read and many are to be looked at, one question
// for the news of all comes first: it costs less than a thousand looks in vain.
// Threads: one thread. Errors: the reading's, at once: a wait never says "nothing" when it does not know. After one it
// is no use any more.

#include <chrono>
#include <memory>
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
  // Where the first look has to be taken; of given types, everywhere.
  virtual std::vector<std::size_t> first_places() const = 0;
  // Adds the streams that became known. The places where something may have come since they were looked at, or where
  // time may bring something. Called only where all types are read.
  virtual Result<std::vector<std::size_t>> find_news() = 0;
  // Takes what is there of the streams at these places.
  virtual Result<std::vector<StreamItem>> look(std::span<const std::size_t> which) = 0;
  // Whether the last look that brought something may have left more there.
  virtual bool may_have_more(std::size_t stream) const = 0;
  // How long after a look that left nothing the stream needs no other unless it rings.
  virtual std::chrono::nanoseconds quiet_for(std::size_t stream) const = 0;
  // Where to go on; empty where the store knows.
  virtual std::string position() const = 0;
};

class EventWait {
 public:
  // REQUIRES: `workspace` outlives it.
  EventWait(Workspace::Impl& workspace, std::unique_ptr<StreamReading> reading, bool all_types);
  ~EventWait();
  EventWait(const EventWait&) = delete;
  EventWait& operator=(const EventWait&) = delete;

  // Looks once, at everything.
  Result<std::vector<StreamItem>> read_now() { return reading_->look(reading_->first_places()); }
  // For at most `block`, until there is something or `stop` is requested.
  Result<std::vector<StreamItem>> read(std::chrono::nanoseconds block, const std::stop_token& stop);

  std::string position() const { return reading_->position(); }

 private:
  class Bells;
  Result<std::vector<std::size_t>> places_after_rings();
  Result<std::vector<std::size_t>> all_places();

  Workspace::Impl& workspace_;
  const std::unique_ptr<StreamReading> reading_;
  const bool all_types_;
  bool has_looked_ = false;
  std::unique_ptr<Bells> bells_;  // none: it never had to wait
};

}  // namespace aldis
