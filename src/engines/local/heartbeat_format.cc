#include "engines/local/heartbeat_format.h"

#include <utility>

#include "core/bytes.h"

namespace aldis {
namespace {

constexpr std::uint8_t kHasProgress = 1;
constexpr std::uint8_t kIsFinished = 2;
constexpr std::uint8_t kHasProcess = 1;

std::int64_t count_of(StoreTime time) { return time.time_since_epoch().count(); }
std::int64_t count_of(WallTime time) { return time.time_since_epoch().count(); }
StoreTime store_time_of(std::int64_t count) { return StoreTime{std::chrono::nanoseconds{count}}; }
WallTime wall_time_of(std::int64_t count) { return WallTime{std::chrono::microseconds{count}}; }

}  // namespace

std::string write_pulse(const HeartbeatPulse& pulse) {
  const int flags = (pulse.progress ? kHasProgress : 0) | (pulse.finished ? kIsFinished : 0);
  ByteWriter out;
  out.id(pulse.incarnation)
      .number(static_cast<std::uint8_t>(flags))
      .number(static_cast<std::uint8_t>(pulse.published))
      .signed_number(pulse.ttl.count())
      .signed_number(count_of(pulse.renewed))
      .signed_number(count_of(pulse.renewed_at))
      .signed_number(count_of(pulse.last_beat))
      .signed_number(count_of(pulse.last_beat_at))
      .number(pulse.beats)
      .number(pulse.rhythm.intervals)
      .real(pulse.rhythm.mean_seconds)
      .real(pulse.rhythm.squares)
      .real(pulse.progress.value_or(0))
      .signed_number(count_of(pulse.finished.value_or(StoreTime{})))
      .name(pulse.status)
      .name(pulse.current_task);
  return std::move(out).bytes();
}

std::optional<HeartbeatPulse> read_pulse(std::string_view bytes) {
  ByteReader in(bytes);
  HeartbeatPulse pulse;
  pulse.incarnation = in.id();
  const auto flags = in.number<std::uint8_t>();
  const auto published = in.number<std::uint8_t>();
  pulse.published = static_cast<AgentState>(published);
  pulse.ttl = std::chrono::nanoseconds{in.signed_number()};
  pulse.renewed = store_time_of(in.signed_number());
  pulse.renewed_at = wall_time_of(in.signed_number());
  pulse.last_beat = store_time_of(in.signed_number());
  pulse.last_beat_at = wall_time_of(in.signed_number());
  pulse.beats = in.number<std::uint64_t>();
  pulse.rhythm.intervals = in.number<std::uint64_t>();
  pulse.rhythm.mean_seconds = in.real();
  pulse.rhythm.squares = in.real();
  const double progress = in.real();
  if (flags & kHasProgress) pulse.progress = progress;
  const StoreTime finished = store_time_of(in.signed_number());
  if (flags & kIsFinished) pulse.finished = finished;
  pulse.status = in.name();
  pulse.current_task = in.name();
  if (!in.at_end() || published > static_cast<std::uint8_t>(AgentState::finished)) return std::nullopt;
  return pulse;
}

std::string write_portrait(const AgentStart& start, StoreTime started, WallTime started_at) {
  const ProcessIdentity process = start.process.value_or(ProcessIdentity{});
  ByteWriter out;
  out.signed_number(count_of(started))
      .signed_number(count_of(started_at))
      .name(start.display_name)
      .name(start.host)
      .number(start.process ? kHasProcess : std::uint8_t{0})
      .number(static_cast<std::uint32_t>(process.pid))
      .number(process.start_time_ticks)
      .name(process.boot_id)
      .number(process.pid_namespace)
      .blob(start.metadata.text());
  return std::move(out).bytes();
}

bool read_portrait(std::string_view bytes, HeartbeatRecord& record) {
  ByteReader in(bytes);
  record.started = store_time_of(in.signed_number());
  record.started_at = wall_time_of(in.signed_number());
  record.start.display_name = in.name();
  record.start.host = in.name();
  const bool has_process = (in.number<std::uint8_t>() & kHasProcess) != 0;
  ProcessIdentity process;
  process.pid = static_cast<std::int32_t>(in.number<std::uint32_t>());
  process.start_time_ticks = in.number<std::uint64_t>();
  process.boot_id = in.name();
  process.pid_namespace = in.number<std::uint64_t>();
  if (has_process) record.start.process = std::move(process);
  record.start.metadata = Json::trusted(std::string(in.blob()));
  return in.at_end();
}

void apply_pulse(const HeartbeatPulse& pulse, HeartbeatRecord& record) {
  record.start.incarnation = pulse.incarnation;
  record.start.ttl = pulse.ttl;
  record.status = pulse.status;
  record.progress = pulse.progress;
  record.current_task = pulse.current_task;
  record.beats = pulse.beats;
  if (pulse.beats > 0) record.last_beat_at = pulse.last_beat_at;
  record.last_beat = pulse.last_beat;
  record.renewed = pulse.renewed;
  record.renewed_at = pulse.renewed_at;
  record.rhythm = pulse.rhythm;
  record.finished = pulse.finished.has_value();
  record.published = pulse.published;
}

}  // namespace aldis
