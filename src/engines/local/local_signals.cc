#include "engines/local/local_signals.h"

#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/appearance.h"
#include "engines/local/board_keys.h"
#include "engines/local/broadcast_log.h"
#include "engines/local/broadcasts.h"
#include "engines/local/mailbox.h"
#include "engines/local/quiet_views.h"
#include "engines/local/reclaim.h"
#include "engines/local/signal_shapes.h"
#include "engines/local/signal_take.h"

namespace aldis {
namespace {

using namespace local;

constexpr int kWritesWhenFull = 128;

template <class Visit>
auto with_lane(SignalTables& tables, const SignalRecord& signal, Moment moment, Visit visit) {
  return signal.broadcast ? visit(BroadcastLog(tables, signal.type, moment))
                          : visit(Mailbox(tables, signal.target, moment));
}

// Whether the lane of a signal, if there is one, is settled; `settle_lane_of` settles it first, in a write.
bool is_lane_settled(SignalTables& tables, const Id128& id, Moment moment) {
  const auto signal = tables.get<SignalRecord>(signal_key(id));
  return !signal || with_lane(tables, *signal, moment, [](auto lane) { return lane.is_settled(); });
}
bool settle_lane_of(SignalTables& tables, const Id128& id, Moment moment) {
  const auto signal = tables.get<SignalRecord>(signal_key(id));
  return !signal || with_lane(tables, *signal, moment, [](auto lane) { return lane.settle(); });
}

Result<ReceiptReading> find_receipt(SignalTables& tables, const Id128& id, Moment moment) {
  const auto signal = tables.get<SignalRecord>(signal_key(id));
  if (!signal) return fail(ErrorCode::not_found, "{}", unknown_signal(id));
  ReceiptReading reading;
  reading.now = store_time(moment.now);
  reading.receipt = with_lane(tables, *signal, moment, [&](auto lane) { return lane.receipt(*signal); });
  reading.receipt.signal_id = format_id(kSignalIdPrefix, id);
  const ReceiptState state = reading.receipt.state;
  if (state == ReceiptState::pending || state == ReceiptState::reserved) reading.due = store_time(signal->ends);
  return reading;
}

// Signals whose receipts changed, to be rung for once that is committed.
class Changed {
 public:
  void add(const Id128& id) { ids_.push_back(format_id({}, id)); }
  std::uint64_t size() const { return ids_.size(); }

  void ring(Doorbell& doorbell) const {
    if (ids_.empty()) return;
    std::vector<Topic> topics;
    topics.reserve(ids_.size());
    for (const std::string& id : ids_) topics.push_back({Topic::Kind::signal, id});
    doorbell.ring(topics);
  }

 private:
  std::vector<std::string> ids_;
};

class LocalSignals final : public SignalStore {
 public:
  LocalSignals(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell, std::shared_ptr<const Clock> clock)
      : board_(std::move(board)), doorbell_(std::move(doorbell)), clock_(std::move(clock)) {}

  Result<void> send(const OutgoingSignal& signal) override {
    ALDIS_TRY_ASSIGN(bool sent, try_send(signal));
    if (!sent) {
      ALDIS_TRY(make_room());
      ALDIS_TRY_ASSIGN(sent, try_send(signal));
    }
    if (!sent) {
      return fail(
          ErrorCode::resource_exhausted,
          "the board is {} % full, signals are refused; let agents take or clear what waits, or wait for some to "
          "expire",
          limits::kBoardSignalShare);
    }
    if (signal.target) {
      doorbell_->ring({Topic::Kind::mailbox, *signal.target});
    } else {
      doorbell_->ring_all();
    }
    return {};
  }

  Result<TakeOutcome> take(const TakeRequest& request) override {
    const QuietView known = quiet_views_.find(request.agent, request.filter).value_or(QuietView{});
    if (!is_named(request)) {
      ALDIS_TRY_ASSIGN(std::optional<TakeOutcome> answer, take_by_reading(request, known));
      if (answer) return *std::move(answer);
    }
    bool changed = false;
    ALDIS_TRY_ASSIGN(TakeOutcome outcome, take_by_writing(request, known.transaction, changed));
    if (const auto* delivered = std::get_if<Delivered>(&outcome); delivered != nullptr && changed) {
      doorbell_->ring(
          {Topic::Kind::signal, std::string_view(delivered->signal.signal_id).substr(kSignalIdPrefix.size())});
    }
    return outcome;
  }

  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) override {
    using Signals = std::vector<CoordinationSignal>;
    ALDIS_TRY_ASSIGN(
        std::optional<Signals> signals, read([&](SignalTables& tables, Moment moment) {
          const auto appearance = find_fresh_appearance(tables, agent, moment.now);
          Mailbox mailbox(tables, agent, moment);
          if (!appearance || !mailbox.is_settled()) return Result<std::optional<Signals>>();
          return Result<std::optional<Signals>>(list_pending(tables, mailbox, {agent, type}, *appearance, moment));
        }));
    if (signals) return *std::move(signals);
    return write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<Signals>> {
      const Appearance appearance = use_appearance(tables, agent, moment.now);
      Mailbox mailbox(tables, agent, moment);
      if (!mailbox.settle()) return std::nullopt;
      return list_pending(tables, mailbox, {agent, type}, appearance, moment);
    });
  }

  Result<std::uint64_t> clear(std::string_view agent, std::string_view type) override {
    std::vector<QueuedSignal> queued;
    ALDIS_TRY_ASSIGN(const std::uint64_t cleared,
                     write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<std::uint64_t>> {
                       const Appearance appearance = use_appearance(tables, agent, moment.now);
                       Mailbox mailbox(tables, agent, moment);
                       if (!mailbox.settle()) return std::nullopt;
                       queued = mailbox.find_all(type);
                       mailbox.clear(queued);
                       Broadcasts broadcasts(tables, agent, appearance.appeared, moment);
                       const std::vector<FoundBroadcast> found = broadcasts.find_all(type);
                       broadcasts.clear(found);
                       return queued.size() + found.size();
                     }));
    Changed changed;
    for (const QueuedSignal& one : queued) changed.add(one.entry.id);
    changed.ring(*doorbell_);
    return cleared;
  }

  Result<void> acknowledge(std::string_view agent, const Id128& id, std::optional<std::uint32_t> attempt) override {
    ALDIS_TRY_ASSIGN(const bool final,
                     write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<bool>> {
                       if (!settle_lane_of(tables, id, moment)) return std::nullopt;
                       const auto signal = tables.get<SignalRecord>(signal_key(id));
                       if (!signal) return fail(ErrorCode::not_found, "{}", unknown_signal(id));
                       if (signal->broadcast) {
                         const BootTime appeared = appeared_or_now(tables, agent, moment.now);
                         Broadcasts broadcasts(tables, agent, appeared, moment);
                         ALDIS_TRY_ASSIGN(const bool changed, broadcasts.acknowledge(id, *signal, attempt));
                         return changed;
                       }
                       if (signal->target != agent) {
                         return fail(ErrorCode::failed_precondition, "{} was not sent to {}, who cannot acknowledge it",
                                     format_id(kSignalIdPrefix, id), agent);
                       }
                       Mailbox mailbox(tables, agent, moment);
                       if (!mailbox.settle()) return std::nullopt;
                       ALDIS_TRY_ASSIGN(const bool changed, mailbox.acknowledge(id, attempt));
                       return changed;
                     }));
    Changed changed;
    if (final) changed.add(id);
    changed.ring(*doorbell_);
    return {};
  }

  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) override {
    Changed changed;
    ALDIS_TRY_ASSIGN(const std::uint64_t returned,
                     write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<std::uint64_t>> {
                       changed = {};
                       const BootTime appeared = appeared_or_now(tables, agent, moment.now);
                       Mailbox mailbox(tables, agent, moment);
                       if (!mailbox.settle()) return std::nullopt;
                       Broadcasts broadcasts(tables, agent, appeared, moment);
                       for (const Reservation& reservation : reservations) {
                         const auto signal = tables.get<SignalRecord>(signal_key(reservation.signal_id));
                         if (!signal) continue;
                         const bool mine = !signal->broadcast && signal->target == agent;
                         const bool back = signal->broadcast ? broadcasts.hand_back(*signal, reservation)
                                                             : mine && mailbox.hand_back(*signal, reservation);
                         if (back) changed.add(reservation.signal_id);
                       }
                       return changed.size();
                     }));
    if (returned > 0) doorbell_->ring({Topic::Kind::mailbox, agent});
    changed.ring(*doorbell_);
    return returned;
  }

  Result<ReceiptReading> receipt(const Id128& id) override {
    using Found = Result<std::optional<ReceiptReading>>;
    ALDIS_TRY_ASSIGN(std::optional<ReceiptReading> receipt, read([&](SignalTables& tables, Moment moment) -> Found {
                       if (!is_lane_settled(tables, id, moment)) return std::nullopt;
                       return find_receipt(tables, id, moment);
                     }));
    if (receipt) return *std::move(receipt);
    return write_settled([&](SignalTables& tables, Moment moment) -> Found {
      if (!settle_lane_of(tables, id, moment)) return std::nullopt;
      return find_receipt(tables, id, moment);
    });
  }

  Result<void> appear(std::string_view agent) override {
    ALDIS_TRY_ASSIGN(const bool fresh, read([&](SignalTables& tables, Moment moment) -> Result<bool> {
                       return find_fresh_appearance(tables, agent, moment.now).has_value();
                     }));
    if (fresh) return {};
    return write([&](SignalTables& tables, Moment moment) -> Result<void> {
      use_appearance(tables, agent, moment.now);
      return {};
    });
  }

 private:
  struct PendingQuery {
    std::string_view agent;
    std::string_view type;
  };

  // Runs a body in a transaction; what it answers counts only if all that it read was intact. The clock is read inside,
  // so that times grow with commits.
  template <class Body>
  auto read(Body body) -> std::invoke_result_t<Body&, SignalTables&, Moment> {
    return board_->read([&](BoardTransaction& transaction) { return run(transaction, moment(), body); });
  }
  template <class Body>
  auto write(Body body) -> std::invoke_result_t<Body&, SignalTables&, Moment> {
    return board_->write([&](BoardTransaction& transaction) {
      const Moment now = moment();
      reclaim_due(transaction, now.now);
      return run(transaction, now, body);
    });
  }
  // For a body that needs something settled: it answers nothing when there is more to settle than one write does.
  template <class Body>
  auto write_settled(Body body)
      -> Result<typename std::invoke_result_t<Body&, SignalTables&, Moment>::value_type::value_type> {
    for (;;) {
      ALDIS_TRY_ASSIGN(auto answer, write(body));
      if (answer) return *std::move(answer);
    }
  }
  template <class Body>
  static auto run(BoardTransaction& transaction, Moment now, Body& body)
      -> std::invoke_result_t<Body&, SignalTables&, Moment> {
    SignalTables tables(transaction);
    auto answer = body(tables, now);
    if (const Result<void> intact = tables.intact(); !intact) return std::unexpected(intact.error());
    return answer;
  }
  Moment moment() const { return {clock_->boot_now(), clock_->wall_now()}; }

  // False: the board has no room for signals.
  Result<bool> try_send(const OutgoingSignal& signal) {
    return write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<bool>> {
      BoardTransaction& board = tables.board();
      if (board.get(signal_key(signal.id))) {
        if (!settle_lane_of(tables, signal.id, moment)) return std::nullopt;
        if (board.get(signal_key(signal.id))) return true;
      }
      if (!board.has_room_for_signals()) return false;
      const auto send_to = [&](auto lane) -> Result<std::optional<bool>> {
        if (!lane.make_room(signal.payload.size())) return std::nullopt;
        ALDIS_TRY(lane.send(signal));
        return true;
      };
      return signal.target ? send_to(Mailbox(tables, *signal.target, moment))
                           : send_to(BroadcastLog(tables, signal.type, moment));
    });
  }

  // A send that fails undoes its own reclaiming, so a full board needs one of its own.
  Result<void> make_room() {
    for (int count = 0; count < kWritesWhenFull; ++count) {
      ALDIS_TRY(write([](SignalTables&, Moment) -> Result<void> { return {}; }));
    }
    return {};
  }

  static bool is_named(const TakeRequest& request) {
    return request.options.consume && !request.options.take_id.empty();
  }

  // Nothing: the answer needs a write.
  Result<std::optional<TakeOutcome>> take_by_reading(const TakeRequest& request, const QuietView& known) {
    ALDIS_TRY(board_->check_usable());
    if (known.transaction != 0 && known.transaction == board_->last_transaction_id()) {
      if (const BootTime now = clock_->boot_now(); now < known.good_until) {
        return TakeOutcome(NothingTaken{{}, std::nullopt, store_time(now)});
      }
    }
    return read([&](SignalTables& tables, Moment moment) { return look_by_reading(tables, request, known, moment); });
  }

  Result<std::optional<TakeOutcome>> look_by_reading(SignalTables& tables, const TakeRequest& request,
                                                     const QuietView& known, Moment moment) {
    QuietView view{tables.board().id(), Lane::version_of(tables, Lane::Kind::mailbox, request.agent),
                   BroadcastLog::version(tables), known.good_until};
    if (known.transaction != 0 && known.mailbox_version == view.mailbox_version &&
        known.broadcast_version == view.broadcast_version && moment.now < view.good_until) {
      quiet_views_.remember(request.agent, request.filter, view);
      return TakeOutcome(NothingTaken{{}, std::nullopt, store_time(moment.now)});
    }
    const auto appearance = find_fresh_appearance(tables, request.agent, moment.now);
    if (!appearance) return std::nullopt;
    SignalTake take(tables, request, appearance->appeared, moment);
    if (!take.is_settled()) return std::nullopt;
    take.look(known.transaction);
    if (take.found() && request.options.consume) return std::nullopt;
    TakeOutcome outcome = take.show();
    if (const auto* nothing = std::get_if<NothingTaken>(&outcome); nothing != nullptr && !nothing->next_due) {
      view.good_until = appearance->refresh_at;
      quiet_views_.remember(request.agent, request.filter, view);
    }
    return outcome;
  }

  // `after`: nothing of this commit and before matches.
  Result<TakeOutcome> take_by_writing(const TakeRequest& request, std::uint64_t after, bool& changed) {
    return write_settled([&](SignalTables& tables, Moment moment) -> Result<std::optional<TakeOutcome>> {
      changed = false;
      const Appearance appearance = use_appearance(tables, request.agent, moment.now);
      SignalTake take(tables, request, appearance.appeared, moment);
      if (!take.settle()) return std::nullopt;
      const std::string taken_key = names_key(board_key::kTakeId, request.agent, request.options.take_id);
      if (is_named(request)) {
        const auto taken = tables.get_kept<TakenRecord>(taken_key, moment.now);
        if (auto outcome = taken ? take.repeat(taken->news) : std::nullopt) return outcome;
      }
      take.look(after);
      if (!request.options.consume) return take.show();
      changed = take.found();
      TakeOutcome outcome = take.consume();
      if (is_named(request) && changed) remember_take(tables, taken_key, outcome, moment.now);
      return outcome;
    });
  }

  static void remember_take(SignalTables& tables, const std::string& key, const TakeOutcome& outcome, BootTime now) {
    TakenRecord taken{now + limits::kTakeIdRetention, {}};
    if (const auto* delivered = std::get_if<Delivered>(&outcome)) taken.news = *delivered;
    if (const auto* expired = std::get_if<Expired>(&outcome)) taken.news = *expired;
    tables.put_kept(key, taken);
  }

  static std::vector<CoordinationSignal> list_pending(SignalTables& tables, Mailbox& mailbox, const PendingQuery& query,
                                                      const Appearance& appearance, Moment moment) {
    std::vector<CoordinationSignal> signals;
    for (const QueuedSignal& queued : mailbox.find_all(query.type)) signals.push_back(mailbox.show(queued));
    Broadcasts broadcasts(tables, query.agent, appearance.appeared, moment);
    for (const FoundBroadcast& found : broadcasts.find_all(query.type)) signals.push_back(broadcasts.show(found));
    return signals;
  }

  const std::shared_ptr<Board> board_;
  const std::shared_ptr<Doorbell> doorbell_;
  const std::shared_ptr<const Clock> clock_;
  QuietViews quiet_views_;
};

}  // namespace

std::shared_ptr<SignalStore> make_local_signals(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell,
                                                std::shared_ptr<const Clock> clock) {
  return std::make_shared<LocalSignals>(std::move(board), std::move(doorbell), std::move(clock));
}

}  // namespace aldis
