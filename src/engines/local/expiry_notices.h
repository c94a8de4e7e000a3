#pragma once
// Expiries that an agent is still to be told of: those of its mailbox, and what folded of them and of broadcasts. Used
// by mailbox.cc, broadcasts.cc and signal_take.cc; implemented in expiry_notices.cc; bytes in docs/formats.md.
//
// Model: a notice leaves when it is told, or folds when its tombstone goes: one per (agent, type), broadcasts
// apart from its mailbox, with a count, showing the newest. A source filter asks the one that is shown. Threads: as the
// transaction.

#include <cstdint>
#include <optional>
#include <string>

#include "engines/local/board_keys.h"
#include "engines/local/signal_tables.h"
#include "ports/signal_store.h"

namespace aldis::local {

struct PendingNotice {
  std::string key;
  std::uint64_t commit = 0;
  std::string type;
  std::uint64_t count = 1;
  ExpiryNotice notice;

  Expired told() const;
};

bool matches(const SignalFilter& filter, std::string_view source);

class ExpiryNotices {
 public:
  enum class Folds : char { targeted = board_key::kFolded, broadcasts = board_key::kFoldedBroadcasts };

  ExpiryNotices(SignalTables& tables, std::string_view agent, BootTime now)
      : tables_(tables), agent_(agent), now_(now) {}

  void add(std::string_view type, std::uint64_t commit, const ExpiryNotice& notice);
  // The tombstone of an untold one goes. Nothing happens to one that was told.
  void fold_untold(std::string_view type, std::uint64_t commit);
  void fold(Folds folds, std::string_view type, std::uint64_t commit, const ExpiryNotice& notice);

  // The first to tell that matches; `after`: those of this commit and before are known not to.
  std::optional<PendingNotice> find_folded(Folds folds, const SignalFilter& filter);
  std::optional<PendingNotice> find(const SignalFilter& filter, std::uint64_t after);
  void tell(const PendingNotice& notice);

 private:
  std::string untold_prefix() const;

  SignalTables& tables_;
  std::string_view agent_;
  BootTime now_;
};

}  // namespace aldis::local
