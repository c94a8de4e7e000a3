#pragma once
// When agents appeared, and that they still use their broadcasts. Used by local_signals.cc and broadcast_log.cc;
// implemented in appearance.cc; bytes in docs/formats.md.
//
// Model: an agent appears at its first use and is forgotten limits::kPositionRetention after its last. A use within an
// hour of a recorded one is not recorded, so reading calls need no write.
// Threads: as the transaction.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/local/signal_tables.h"

namespace aldis::local {

struct Appearance {
  BootTime appeared;
  BootTime refresh_at;  // a use from then on has to be recorded
};

// Nothing: it has to appear, or to record its use.
std::optional<Appearance> find_fresh_appearance(SignalTables& tables, std::string_view agent, BootTime now);

// Makes the agent appear, or records its use.
Appearance use_appearance(SignalTables& tables, std::string_view agent, BootTime now);

// For calls that do not make an agent appear; now, if it has not.
BootTime appeared_or_now(SignalTables& tables, std::string_view agent, BootTime now);

struct AppearedAgent {
  std::string agent;
  BootTime appeared;
};
std::vector<AppearedAgent> list_appeared(SignalTables& tables, BootTime now);

}  // namespace aldis::local
