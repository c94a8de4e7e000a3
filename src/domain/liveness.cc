#include "domain/liveness.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "aldis/limits.h"
#include "core/format.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// Where the normal tail is 10^-8: phi reaches limits::kSuspicionThreshold this many deviations above the mean.
constexpr double kDeviationsAtThreshold = 5.612001244174789;
static_assert(limits::kSuspicionThreshold == 8.0, "kDeviationsAtThreshold belongs to this threshold");

double seconds_of(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

double deviation_of(const BeatRhythm& rhythm) {
  const double variance = rhythm.squares / static_cast<double>(rhythm.intervals - 1);
  return std::max(std::sqrt(variance), seconds_of(limits::kSuspicionDeviationMin));
}

// -log10 of the upper tail of the standard normal distribution. erfc underflows to 0 beyond x = 26; from 20 on the
// first two terms of its asymptotic expansion are exact to six digits (Abramowitz and Stegun, 7.1.23).
double minus_log10_normal_tail(double deviations) {
  const double x = deviations / std::numbers::sqrt2;
  if (x < 20) return -std::log10(0.5 * std::erfc(x));
  return x * x * std::numbers::log10e + std::log10(2 * x / std::numbers::inv_sqrtpi) - std::log10(1 - 1 / (2 * x * x));
}

// "31.2 s", "31 s", "420 ms": people compare these, so they are cut, never rounded up to a deadline.
std::string text_of(nanoseconds duration) {
  using namespace std::chrono_literals;
  if (duration < 1s) return fmt::format("{} ms", std::max(duration, nanoseconds{0}) / 1ms);
  const auto tenths = duration / 100ms;
  return tenths % 10 == 0 ? fmt::format("{} s", tenths / 10) : fmt::format("{}.{} s", tenths / 10, tenths % 10);
}

bool is_gone(ProcessEvidence process) { return process == ProcessEvidence::gone || process == ProcessEvidence::zombie; }

bool lease_lapsed(const HeartbeatRecord& record, StoreTime now) { return now >= record.lease_deadline(); }

int pid_of(const HeartbeatRecord& record) { return record.start.process ? record.start.process->pid : 0; }

std::string evidence_of_silence(const HeartbeatRecord& record, AgentState state, StoreTime now, nanoseconds stale_after,
                                std::optional<double> phi) {
  const std::string silence = text_of(now - record.last_beat);
  if (state == AgentState::stale) return fmt::format("no beat for {} (threshold {})", silence, text_of(stale_after));
  const auto usual = nanoseconds{static_cast<std::int64_t>(record.rhythm.mean_seconds * 1e9)};
  return fmt::format("no beat for {}, usually every {} (phi {:.1f})", silence, text_of(usual), phi.value_or(0));
}

std::string evidence_of_life(const HeartbeatRecord& record, ProcessEvidence process, StoreTime now) {
  if (record.beats > 0) return fmt::format("last beat {} ago", text_of(now - record.last_beat));
  if (process == ProcessEvidence::exists) return fmt::format("process {} exists", pid_of(record));
  return fmt::format("lease renewed {} ago", text_of(now - record.renewed));
}

AgentState state_of_living(const HeartbeatRecord& record, StoreTime now, nanoseconds stale_after,
                           std::optional<double> phi) {
  if (record.beats == 0) return AgentState::alive;
  if (now - record.last_beat > stale_after) return AgentState::stale;
  return phi.value_or(0) >= limits::kSuspicionThreshold ? AgentState::suspect : AgentState::alive;
}

std::string evidence_of_living(const HeartbeatRecord& record, AgentState state, ProcessEvidence process, StoreTime now,
                               nanoseconds stale_after, std::optional<double> phi) {
  const bool lapsed = lease_lapsed(record, now);  // the process exists nevertheless
  const std::string lease =
      lapsed ? fmt::format("process {} exists, no lease for {}", pid_of(record), text_of(now - record.renewed)) : "";
  if (state == AgentState::alive) return lapsed ? lease : evidence_of_life(record, process, now);
  const std::string silence = evidence_of_silence(record, state, now, stale_after, phi);
  return lapsed ? fmt::format("{}; {}", silence, lease) : silence;
}

// When silence that goes on makes the agent suspect; none if its rhythm is not known yet.
std::optional<StoreTime> suspect_at(const HeartbeatRecord& record) {
  if (record.rhythm.intervals < limits::kSuspicionIntervalsMin) return std::nullopt;
  const double silence = record.rhythm.mean_seconds + kDeviationsAtThreshold * deviation_of(record.rhythm);
  const double bounded = std::min(silence, seconds_of(limits::kWaitMax));
  // One microsecond more than computed, so that rounding never asks a moment too early.
  return record.last_beat + nanoseconds{static_cast<std::int64_t>(bounded * 1e9) + 1000};
}

}  // namespace

std::optional<double> suspicion(const BeatRhythm& rhythm, nanoseconds silence) {
  if (rhythm.intervals < limits::kSuspicionIntervalsMin) return std::nullopt;
  const double deviations = (seconds_of(silence) - rhythm.mean_seconds) / deviation_of(rhythm);
  return std::max(0.0, minus_log10_normal_tail(deviations));
}

Liveness derive_liveness(const HeartbeatRecord& record, ProcessEvidence process, StoreTime now,
                         nanoseconds stale_after) {
  if (record.finished) return {AgentState::finished, fmt::format("stopped: {}", record.status), std::nullopt};
  const std::optional<double> phi = record.beats > 0 ? suspicion(record.rhythm, now - record.last_beat) : std::nullopt;
  if (is_gone(process)) return {AgentState::dead, fmt::format("process {} exited", pid_of(record)), phi};
  if (process == ProcessEvidence::unknown && lease_lapsed(record, now)) {
    return {AgentState::dead,
            fmt::format("no lease for {} (lease {})", text_of(now - record.renewed), text_of(record.start.ttl)), phi};
  }
  const AgentState state = state_of_living(record, now, stale_after, phi);
  return {state, evidence_of_living(record, state, process, now, stale_after, phi), phi};
}

std::optional<StoreTime> next_possible_change(const HeartbeatRecord& record, ProcessEvidence process, StoreTime now,
                                              nanoseconds stale_after) {
  if (record.finished || is_gone(process)) return std::nullopt;
  const bool lease_decides = process == ProcessEvidence::unknown;
  if (lease_decides && lease_lapsed(record, now)) return std::nullopt;
  std::optional<StoreTime> next;
  const auto consider = [&](StoreTime at) {
    if (at > now && (!next || at < *next)) next = at;
  };
  if (lease_decides) consider(record.lease_deadline());
  if (record.beats == 0 || now - record.last_beat > stale_after) return next;
  consider(record.last_beat + stale_after + nanoseconds{1});
  if (const auto at = suspect_at(record)) consider(*at);
  return next;
}

}  // namespace aldis
