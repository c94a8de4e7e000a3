#include "courier/delivery.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/ids.h"
#include "core/private_files.h"
#include "courier/batches.h"
#include "courier/request.h"
#include "courier/sent_log.h"
#include "courier/update_check.h"
#include "courier/verdict.h"
#include "telemetry/gate.h"
#include "telemetry/spool.h"

namespace aldis::courier {
namespace {

using telemetry::ConsentFile;
using telemetry::DecodedSpool;
using telemetry::Gate;
using telemetry::GateRecord;
using telemetry::LastResult;

std::uint64_t random_number(std::chrono::sys_seconds now) {
  const Id128 id = make_id(now);
  return ByteReader({reinterpret_cast<const char*>(id.bytes.data()) + 8, 8}).number<std::uint64_t>();
}

std::optional<ConsentFile> read_usable_consent(const Errand& errand) {
  auto consent = telemetry::read_consent(errand.places.consent_directory);
  if (!consent || !consent->enabled) return std::nullopt;
  return consent;
}

class Delivery {
 public:
  // REQUIRES: the gate has made this the courier.
  Delivery(const Errand& errand, const FileDescriptor& state, Gate& gate, Batches& batches)
      : errand_(errand), state_(state), gate_(gate), batches_(batches), before_(gate.read()) {}

  int run() {
    if (!write_failure_ahead()) return 1;
    if (read_usable_consent(errand_)) {
      give_up_worn_out();
      batches_.claim_spool(now());
      const auto names = batches_.list();
      static_cast<void>(std::ranges::all_of(names, [&](const BatchName& name) { return send(name); }));
      if (!failed_ && errand_.update_check) check_updates();
    }
    write_result();
    return failed_ ? 1 : 0;
  }

 private:
  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(errand_.clock.wall_now()); }

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

  void give_up_worn_out() {
    for (const BatchName& name : batches_.list()) {
      if (!is_worn_out(name, now())) continue;
      const auto bytes = batches_.read(name);
      give_up(name, bytes ? telemetry::decode(*bytes) : DecodedSpool{});
    }
  }

  void give_up(const BatchName& name, const DecodedSpool& content) {
    batches_.remove(name);
    const std::uint64_t uncounted = report_lost(content);
    change_gate([&](GateRecord& record) {
      ++record.failed;
      record.dropped += uncounted;
    });
  }

  // The next batch will tell how much was lost. Answers what could not be left for it.
  std::uint64_t report_lost(const DecodedSpool& content) {
    const std::uint64_t lost = content.record_count() + content.dropped_count();
    if (lost == 0 || content.frames.empty()) return lost;
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
    const auto consent = read_usable_consent(errand_);
    if (!consent || consent->endpoint.empty()) return false;
    if (http() == nullptr) {
      fail_with(LastResult::unreachable);
      return false;
    }
    const auto counted = batches_.count_attempt(name);
    if (!counted && counted.error().code == ErrorCode::not_found) return true;  // `disable` took it
    if (!counted) {
      fail_with(LastResult::unreachable);
      return false;
    }
    const auto bytes = batches_.read(*counted);
    if (!bytes) return true;  // wears out
    const BatchRequest batch = make_request(*bytes, *consent, counted->attempt, now());
    if (!batch.says_something) {
      give_up(*counted, telemetry::decode(*bytes));
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
        give_up(name, telemetry::decode(bytes));
        return true;
      case Fate::retry:
        fail_with(verdict.result);
        retry_after_ = verdict.retry_after;
        return false;
    }
    return false;
  }

  void accept(const BatchName& name, const BatchRequest& batch, int status, std::uint64_t rejected) {
    log_sent(state_, {now(), batch.batch_id, batch.body_sha256, batch.records, status});
    batches_.remove(name);
    result_ = LastResult::sent;
    change_gate([&](GateRecord& record) {
      ++record.sent;
      record.dropped += batch.dropped + rejected;
    });
  }

  void check_updates() {
    const auto consent = read_usable_consent(errand_);
    if (!consent || !is_update_check_due(*consent, gate_.read(), now())) return;
    if (http() != nullptr && check_for_update(*http_, state_, *consent, now())) {
      change_gate([&](GateRecord& record) { record.update_checked_at = now(); });
    } else if (!result_) {
      fail_with(LastResult::unreachable);
    }
  }

  const Errand& errand_;
  const FileDescriptor& state_;
  Gate& gate_;
  Batches& batches_;
  const GateRecord before_;
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
  const bool has_consent = read_usable_consent(errand).has_value();
  auto gate = has_consent ? Gate::open(*state) : Gate::open_existing(*state);
  if (!gate) return gate.error().code == ErrorCode::not_found ? 0 : 1;
  if (!gate->become_courier(errand.flush)) return errand.flush ? 1 : 0;
  if (!has_consent) return end_without_consent(*gate);
  auto batches = Batches::open(*state);
  if (!batches) return 1;
  return Delivery(errand, *state, *gate, *batches).run();
}

}  // namespace aldis::courier
