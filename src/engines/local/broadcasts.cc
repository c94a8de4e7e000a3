#include "engines/local/broadcasts.h"

#include <algorithm>

#include "aldis/limits.h"
#include "core/failure.h"
#include "engines/local/board_keys.h"
#include "engines/local/broadcast_log.h"
#include "engines/local/signal_shapes.h"

namespace aldis::local {
namespace {

constexpr std::string_view kTypesPrefix{&board_key::kBroadcasts, 1};

}  // namespace

Broadcasts::Look Broadcasts::find(const SignalFilter& filter, std::uint64_t after, HeldSignals& held) {
  Look look;
  for (const std::string& type : tables_.names_after(kTypesPrefix, filter.types)) {
    const BroadcastPosition seen = position(type);
    const std::string prefix = lane_key(board_key::kBroadcasts, type, board_key::kLog);
    const std::string from = with_commit(prefix, std::max(after, seen.low_water()) + 1);
    tables_.each(prefix, from, [&](std::string_view key, std::string_view value) {
      const std::uint64_t commit = commit_of(key);
      if (look.live && look.live->commit < commit) return false;
      const auto entry = tables_.read<BroadcastEntry>(key, value);
      if (!entry || !matches(filter, entry->source) || !seen.concerns(commit, *entry)) return true;
      const Hold hold = seen.hold(commit);
      if (entry->ends <= moment_.now) {
        if (!look.missed || commit < look.missed->commit) look.missed = FoundBroadcast{commit, type, *entry, 0};
        return true;
      }
      if (hold.holds(moment_.now)) {
        held.add(commit, entry->id, hold, entry->ends);
        return true;
      }
      look.live = FoundBroadcast{commit, type, *entry, hold.attempt};
      return false;
    });
  }
  return look;
}

std::vector<FoundBroadcast> Broadcasts::find_all(std::string_view type) {
  std::vector<FoundBroadcast> all;
  const std::vector<std::string> wanted = type.empty() ? std::vector<std::string>{} : std::vector{std::string(type)};
  for (const std::string& one : tables_.names_after(kTypesPrefix, wanted)) {
    const BroadcastPosition seen = position(one);
    const std::string prefix = lane_key(board_key::kBroadcasts, one, board_key::kLog);
    tables_.each(prefix, with_commit(prefix, seen.low_water() + 1), [&](std::string_view key, std::string_view value) {
      const std::uint64_t commit = commit_of(key);
      const auto entry = tables_.read<BroadcastEntry>(key, value);
      if (!entry || entry->ends <= moment_.now || !seen.concerns(commit, *entry)) return true;
      const Hold hold = seen.hold(commit);
      if (!hold.holds(moment_.now)) all.push_back({commit, one, *entry, hold.attempt});
      return true;
    });
  }
  std::ranges::sort(all, {}, &FoundBroadcast::commit);
  return all;
}

CoordinationSignal Broadcasts::show(const FoundBroadcast& found) {
  const auto record = tables_.require<SignalRecord>(signal_key(found.entry.id));
  return record ? delivered_signal(found.entry.id, *record, found.attempts + 1) : CoordinationSignal{};
}

CoordinationSignal Broadcasts::take(const FoundBroadcast& found) {
  CoordinationSignal signal = show(found);
  read(found.type, found.commit, found.attempts + 1, false);
  return signal;
}

CoordinationSignal Broadcasts::reserve(const FoundBroadcast& found, std::chrono::nanoseconds within,
                                       const std::optional<ProcessIdentity>& holder) {
  CoordinationSignal signal = show(found);
  BroadcastPosition seen = position(found.type);
  seen.set_hold(found.commit, {found.attempts + 1, moment_.now + within, holder});
  seen.save();
  return signal;
}

bool Broadcasts::renew(const Id128& id, std::uint32_t attempt, const TakeRequest& request) {
  const auto record = tables_.get<SignalRecord>(signal_key(id));
  const auto entry = record ? BroadcastLog(tables_, record->type, moment_).entry(record->commit) : std::nullopt;
  if (!entry) return true;  // as in Mailbox::renew
  using State = AcknowledgementCase::State;
  const AcknowledgementCase found = acknowledgement_case(id, *record, *entry, attempt);
  if (found.attempt != attempt || found.state == State::expired) return false;
  if (found.state != State::open) return true;
  BroadcastPosition seen = position(record->type);
  Hold hold = seen.hold(record->commit);
  if (!renew_hold(hold, request, moment_.now)) return false;
  seen.set_hold(record->commit, hold);
  seen.save();
  return true;
}

Expired Broadcasts::told(const FoundBroadcast& found) {
  return {.signal_id = format_id(kSignalIdPrefix, found.entry.id),
          .signal_type = found.type,
          .source_agent = found.entry.source,
          .sent_at = found.entry.sent_at,
          .expired_at = expiry_shown(found.entry.sent_at, found.entry.ttl),
          .count = 1};
}

void Broadcasts::tell(const FoundBroadcast& found) { finish(found.type, found.commit); }

void Broadcasts::clear(const std::vector<FoundBroadcast>& found) {
  for (const FoundBroadcast& one : found) finish(one.type, one.commit);
}

void Broadcasts::finish(std::string_view type, std::uint64_t commit) {
  BroadcastPosition seen = position(type);
  seen.finish(commit);
  seen.save();
}

void Broadcasts::read(std::string_view type, std::uint64_t commit, std::uint32_t attempt, bool acknowledged) {
  finish(type, commit);
  BroadcastLog(tables_, type, moment_).add_reader(commit, {attempt, acknowledged, moment_.wall, std::string(agent_)});
}

AcknowledgementCase Broadcasts::acknowledgement_case(const Id128& id, const SignalRecord& signal,
                                                     const BroadcastEntry& entry,
                                                     std::optional<std::uint32_t> attempt) {
  using State = AcknowledgementCase::State;
  const BroadcastPosition seen = position(signal.type);
  if (!seen.covers(signal.commit)) {
    const Hold hold = seen.hold(signal.commit);
    return {entry.ends <= moment_.now ? State::expired : State::open, hold.attempt};
  }
  if (const auto reader = BroadcastLog(tables_, signal.type, moment_).find_reader(id, agent_)) {
    return {reader->acknowledged ? State::acknowledged : State::taken, reader->attempt};
  }
  // Readers beyond those that are listed get the benefit of the doubt.
  if (entry.readers > limits::kReceiptReadersMax) return {State::acknowledged, attempt.value_or(1)};
  return {entry.ends <= moment_.now ? State::expired : State::open, 0};
}

Result<bool> Broadcasts::acknowledge(const Id128& id, const SignalRecord& signal,
                                     std::optional<std::uint32_t> attempt) {
  const auto entry = BroadcastLog(tables_, signal.type, moment_).entry(signal.commit);
  if (!entry) return fail(ErrorCode::not_found, "{}", unknown_signal(id));
  const AcknowledgementCase found = acknowledgement_case(id, signal, *entry, attempt);
  const Result<bool> open = judge_acknowledgement(id, found, attempt);
  if (open && *open) read(signal.type, signal.commit, found.attempt, true);
  return open;
}

bool Broadcasts::hand_back(const SignalRecord& signal, const Reservation& reservation) {
  BroadcastPosition seen = position(signal.type);
  const Hold hold = seen.hold(signal.commit);
  const bool live = signal.ends > moment_.now && !seen.covers(signal.commit);
  if (!live || !is_same(hold, reservation, moment_.now)) return false;
  seen.set_hold(signal.commit, {hold.attempt, {}, std::nullopt});
  seen.save();
  BroadcastLog::change_version(tables_);
  return true;
}

}  // namespace aldis::local
