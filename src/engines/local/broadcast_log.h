#pragma once
// The broadcasts of one type, live ones and tombstones, within one transaction. Used by broadcasts.cc, local_signals.cc
// and reclaim.cc; implemented in broadcast_log.cc; bytes in docs/formats.md ("Broadcasts").
//
// Model: the log is one for all agents; who has read what is in their positions. A broadcast is live while its deadline
// is ahead, whether the lane is settled or not. `version` names the last change to any broadcast, for readers that
// found nothing before. Threads: as the transaction.

#include <optional>
#include <string>
#include <string_view>

#include "engines/local/mailbox.h"
#include "engines/local/signal_lane.h"

namespace aldis::local {

class BroadcastLog final : private LaneOwner {
 public:
  BroadcastLog(SignalTables& tables, std::string_view type, Moment moment);

  static std::uint64_t version(SignalTables& tables);
  static void change_version(SignalTables& tables);

  bool is_settled() { return lane_.is_settled(moment_.now); }
  bool settle();            // false: there is more to settle, in another write
  void settle_after_due();  // for reclaim.cc, when the lane's due entry was taken out

  // False: whether there is room shows only when more is settled, in another write.
  bool make_room(std::size_t payload_bytes);
  // REQUIRES: `make_room`, the id is unknown, and the board has room.
  Result<void> send(const OutgoingSignal& signal);

  std::optional<BroadcastEntry> entry(std::uint64_t commit);
  void add_reader(std::uint64_t commit, const ReaderEntry& reader);
  // As the list of readers has it; beyond limits::kReceiptReadersMax nobody is listed.
  std::optional<ReaderEntry> find_reader(const Id128& id, std::string_view agent);

  Receipt receipt(const SignalRecord& signal);

 private:
  std::uint64_t on_expired(const LaneEnd& end) override;
  std::size_t on_forgotten(const LaneEnd& end, bool by_age) override;
  std::size_t fold_for_readers(std::uint64_t commit, const BroadcastEntry& entry);

  SignalTables& tables_;
  std::string type_;
  Moment moment_;
  std::string prefix_;
  Lane lane_;
};

}  // namespace aldis::local
