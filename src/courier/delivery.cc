#include "courier/delivery.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "courier/batches.h"
#include "courier/random_number.h"
#include "courier/request.h"
#include "courier/sent_log.h"
#include "courier/update_check.h"
#include "courier/verdict.h"
#include "telemetry/gate.h"
#include "telemetry/spool.h"
#include "telemetry/update_cache.h"

namespace aldis::courier {
namespace {

using telemetry::ConsentFile;
using telemetry::DecodedSpool;
using telemetry::Gate;
using telemetry::GateRecord;
using telemetry::LastResult;

std::optional<ConsentFile> read_usable_consent(const Errand& errand) {
  auto consent = telemetry::read_consent(errand.places.consent_directory);
  if (!consent || !consent->enabled) return std::nullopt;
  return consent;
}

class Delivery {
 public:
  // REQUIRES: the gate has made this the courier.
  Delivery(const Errand& errand, const FileDescriptor& state, Gate& gate, const telemetry::InstallId& install_id)
      : errand_(errand), state_(state), gate_(gate), install_id_(install_id), before_(gate.read()) {}

  int run() {
    if (!write_failure_ahead()) return 1;
    if (auto batches = Batches::open(state_)) batches_.emplace(*std::move(batches));
    if (!batches_) {
      fail_with(LastResult::unreachable);
    } else if (consent()) {
      send_all();
    }
    write_result();
    if (!failed_ && errand_.update_check) check_updates();
    return failed_ ? 1 : 0;
  }

 private:
  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(errand_.clock.wall_now()); }

  // Asked before each connection, and before anything is written of what came of it. None: the user has taken back the
  // consent under which this began, even if there is another one now.
  std::optional<ConsentFile> consent() const {
    auto consent = read_usable_consent(errand_);
    if (!consent || consent->install_id != install_id_) return std::nullopt;
    return consent;
  }

  // Reads, changes, writes: a `reset` in the meantime is kept.
  template <class Change>
  bool change_gate(Change change) {
    if (!gate_.take_pen(true)) return false;
    GateRecord record = gate_.read();
    change(record);
    const bool written = gate_.write(record);
    gate_.put_pen_down();
    return written;
  }

  bool write_failure_ahead() {
    const double jitter = static_cast<double>(random_number(now()) >> 11) * 0x1p-53;
    const std::uint32_t failures = before_.failures + (before_.failures < std::numeric_limits<std::uint32_t>::max());
    return change_gate([&](GateRecord& record) {
      record.failures = failures;
      record.next_attempt_at = now() + telemetry::pause_after(failures, jitter);
      record.last_result = LastResult::slow_network;
      record.unfinished = 0;
    });
  }

  void write_result() {
    change_gate([&](GateRecord& record) {
      if (!result_) {  // nothing was tried
        record.failures = before_.failures;
        record.next_attempt_at = before_.next_attempt_at;
        record.last_result = before_.last_result;
        return;
      }
      record.last_result = *result_;
      if (*result_ == LastResult::sent) {
        record.failures = 0;
        record.next_attempt_at = now() + limits::kTelemetryPause;
      } else if (retry_after_) {
        record.next_attempt_at = now() + std::max<std::chrono::seconds>(*retry_after_, limits::kTelemetryPause);
      }
    });
  }

  void fail_with(LastResult result) {
    failed_ = true;
    result_ = result;
  }

  void send_all() {
    give_up_worn_out();
    batches_->claim_spool(now());
    const auto names = batches_->list();
    static_cast<void>(std::ranges::all_of(names, [&](const BatchName& name) { return send(name); }));
  }

  // Without waiting for locks: whoever still holds one of such a batch would cost every courier its life.
  void give_up_worn_out() {
    for (const BatchName& name : batches_->list()) {
      if (is_worn_out(name, now())) give_up(name, batches_->peek(name).value_or(""));
    }
  }

  // Removed first: what is laborious to read would cost the next courier its life as well.
  void give_up(const BatchName& name, const std::string& bytes) {
    batches_->remove(name);
    const std::uint64_t uncounted = report_lost(telemetry::decode(bytes));
    change_gate([&](GateRecord& record) {
      ++record.failed;
      record.dropped += uncounted;
    });
  }

  // The next batch will tell how much was lost. Answers what could not be left for it.
  std::uint64_t report_lost(const DecodedSpool& content) {
    const std::uint64_t lost = content.record_count() + content.dropped_count();
    if (lost == 0 || content.frames.empty() || !consent()) return lost;
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(lost, UINT32_MAX));
    const telemetry::FrameOrigin& origin = content.frames.front().origin;
    const auto frames = telemetry::encode(origin, {}, count, random_number(now()));
    return telemetry::append_to_spool(state_, origin, frames, random_number(now())).dropped;
  }

  // Loaded when it is needed first.
  Http* http() {
    if (!http_) {
      auto loaded = Http::load(errand_.environment);
      if (loaded) http_ = *std::move(loaded);
    }
    return http_ ? &*http_ : nullptr;
  }

  // False: no further batch has a chance now.
  bool send(const BatchName& name) {
    const auto consent = this->consent();
    if (!consent || consent->endpoint.empty()) return false;
    if (http() == nullptr) {
      fail_with(LastResult::unreachable);
      return false;
    }
    const auto counted = batches_->count_attempt(name);
    if (!counted && counted.error().code == ErrorCode::not_found) return true;  // `disable` took it
    if (!counted) {
      fail_with(LastResult::unreachable);
      return false;
    }
    const auto bytes = batches_->read(*counted);
    if (!bytes) return true;  // wears out
    const BatchRequest batch = make_request(*bytes, *consent, counted->attempt, now());
    if (!batch.says_something) {
      give_up(*counted, *bytes);
      return true;
    }
    const HttpAnswer answer = http()->send(batch.request);
    return settle(*counted, *bytes, batch, answer);
  }

  bool settle(const BatchName& name, const std::string& bytes, const BatchRequest& batch, const HttpAnswer& answer) {
    const Verdict verdict = judge(answer);
    switch (verdict.fate) {
      case Fate::accepted:
        accept(name, batch, answer.status, verdict.rejected_records);
        return true;
      case Fate::dropped:
        fail_with(verdict.result);
        give_up(name, bytes);
        return true;
      case Fate::retry:
        fail_with(verdict.result);
        retry_after_ = verdict.retry_after;
        return false;
    }
    return false;
  }

  void accept(const BatchName& name, const BatchRequest& batch, int status, std::uint64_t rejected) {
    if (consent()) log_sent(state_, {now(), batch.batch_id, batch.body_sha256, batch.records, status});
    batches_->remove(name);
    result_ = LastResult::sent;
    change_gate([&](GateRecord& record) {
      ++record.sent;
      record.dropped += batch.dropped + rejected;
    });
  }

  // At most once in a week, whatever comes of it: the time is written before the connection is made. That nobody
  // answers is no failure of what telemetry sends.
  void check_updates() {
    const auto asked_under = consent();
    if (!asked_under || asked_under->update_url.empty()) return;
    if (!telemetry::is_update_check_due(gate_.read(), now())) return;
    if (!change_gate([&](GateRecord& record) { record.update_checked_at = now(); }) || http() == nullptr) return;
    const auto version = ask_for_update(*http_, *asked_under);
    // A version that cannot be written down is seen again in a week.
    if (version && consent()) {
      static_cast<void>(telemetry::write_update(state_, {.version = *version, .checked_at = now()}));
    }
  }

  const Errand& errand_;
  const FileDescriptor& state_;
  Gate& gate_;
  const telemetry::InstallId install_id_;
  const GateRecord before_;
  std::optional<Batches> batches_;
  std::optional<Http> http_;
  std::optional<LastResult> result_;  // of the last attempt; none: there was none
  std::optional<std::chrono::seconds> retry_after_;
  bool failed_ = false;
};

// The start is heard of; nothing else happens without consent, and no file is made.
int end_without_consent(Gate& gate) {
  if (!gate.take_pen(true)) return 1;
  GateRecord record = gate.read();
  record.unfinished = 0;
  return gate.write(record) ? 0 : 1;
}

}  // namespace

int deliver(const Errand& errand) {
  const auto state = open_own_directory(errand.places.state_directory, Others::nothing);
  if (!state) return state.error().code == ErrorCode::not_found ? 0 : 1;
  const auto consent = read_usable_consent(errand);
  auto gate = consent ? Gate::open(*state) : Gate::open_existing(*state);
  if (!gate) return gate.error().code == ErrorCode::not_found ? 0 : 1;
  if (!gate->become_courier(errand.flush)) return errand.flush ? 1 : 0;
  if (!consent) return end_without_consent(*gate);
  return Delivery(errand, *state, *gate, consent->install_id).run();
}

}  // namespace aldis::courier
