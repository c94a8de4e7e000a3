#include "engines/redis/heartbeat_codec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// Up to here a double holds every whole number.
constexpr double kWholeMax = 9'007'199'254'740'992;  // 2^53
// The year 2112, in microseconds: two such times and a lease can be added in nanoseconds.
constexpr double kTimeMax = 4'503'599'627'370'496;  // 2^52
constexpr std::size_t kOperationIdBytes = 8;

// Reads a value of ours: whatever is out of its range makes it unsound.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : in_(bytes) {}

  ByteReader& in() { return in_; }
  std::int64_t whole(double at_most) {
    const double value = in_.real();
    const bool is_in_range = value >= 0 && value <= at_most;
    const std::int64_t number = is_in_range ? static_cast<std::int64_t>(value) : 0;
    sound_ = sound_ && is_in_range && static_cast<double>(number) == value;
    return number;
  }
  WallTime time() { return WallTime{microseconds{whole(kTimeMax)}}; }
  double finite() {
    const double value = in_.real();
    sound_ = sound_ && std::isfinite(value);
    return value;
  }
  std::uint8_t choice(std::uint8_t last) {
    const auto value = in_.number<std::uint8_t>();
    if (value <= last) return value;
    sound_ = false;
    return 0;
  }
  bool is_sound() const { return sound_ && in_.at_end(); }

 private:
  ByteReader in_;
  bool sound_ = true;
};

StoreTime store_time_of(WallTime time) { return StoreTime{nanoseconds{time.time_since_epoch()}}; }

std::unexpected<Error> not_ours() {
  return fail(ErrorCode::data_loss,
              "the keys of the heartbeats on the Redis server are not what Aldis wrote: has something else written "
              "keys that begin with aldis1: ?");
}

std::optional<std::int64_t> digits(const Reply& reply, double at_most) {
  std::int64_t value = 0;
  const char* const end = reply.text.data() + reply.text.size();
  const auto [rest, error] = std::from_chars(reply.text.data(), end, value);
  if (!reply.is_text() || error != std::errc{} || rest != end) return std::nullopt;
  if (value < 0 || static_cast<double>(value) > at_most) return std::nullopt;
  return value;
}

// The answer of TIME: seconds and microseconds.
std::optional<WallTime> read_time(const Reply& reply) {
  if (reply.elements.size() != 2) return std::nullopt;
  const auto seconds = digits(reply.elements[0], kTimeMax / 1e6 - 1);
  const auto rest = digits(reply.elements[1], 999'999);
  if (!seconds || !rest) return std::nullopt;
  return WallTime{std::chrono::seconds{*seconds} + microseconds{*rest}};
}

void apply(const PackedPulse& pulse, HeartbeatRecord& record) {
  record.start.incarnation = pulse.incarnation;
  record.start.ttl = pulse.ttl;
  record.status = pulse.status;
  record.progress = pulse.progress;
  record.current_task = pulse.current_task;
  record.beats = pulse.beats;
  if (pulse.beats > 0) record.last_beat_at = pulse.last_beat;
  record.last_beat = store_time_of(pulse.last_beat);
  record.renewed_at = pulse.renewed;
  record.renewed = store_time_of(pulse.renewed);
  record.rhythm = pulse.rhythm;
  record.finished = pulse.finished.has_value();
  record.published = pulse.published;
}

// One agent in a listing, not unpacked yet: small, since rows are sorted.
struct Row {
  std::string_view agent_id;
  std::string_view pulse;
  std::optional<std::string_view> self_description;
  WallTime now;  // of its server
};

// The answer of HGETALL: fields and values in turns.
class Fields {
 public:
  explicit Fields(const Reply& reply) : reply_(reply) {}

  bool is_sound() const {
    return reply_.is_array() && reply_.elements.size() % 2 == 0 &&
           std::ranges::all_of(reply_.elements, &Reply::is_text);
  }
  std::size_t size() const { return reply_.elements.size() / 2; }
  std::string_view name(std::size_t index) const { return reply_.elements[2 * index].text; }
  std::string_view value(std::size_t index) const { return reply_.elements[2 * index + 1].text; }

  // The value of the field; `guess` is where it likely stands.
  std::optional<std::string_view> find(std::string_view name_sought, std::size_t guess) {
    if (guess < size() && name(guess) == name_sought) return value(guess);
    for (std::size_t index = 0; places_.size() < size(); ++index) places_.emplace(name(index), index);
    const auto place = places_.find(name_sought);
    if (place == places_.end()) return std::nullopt;
    return value(place->second);
  }

 private:
  const Reply& reply_;
  std::unordered_map<std::string_view, std::size_t> places_;
};

std::size_t agents_in(std::span<const Reply> answers) {
  std::size_t agents = 0;
  for (const Reply& answer : answers) {
    if (answer.elements.size() == 3) agents += answer.elements[1].elements.size() / 2;
  }
  return agents;
}

// One shard. False: that is no such answer.
bool add_rows(const Reply& answer, std::vector<Row>& rows) {
  if (answer.elements.size() != 3) return false;
  const std::optional<WallTime> now = read_time(answer.elements[0]);
  const Fields pulses(answer.elements[1]);
  Fields self_descriptions(answer.elements[2]);
  if (!now || !pulses.is_sound() || !self_descriptions.is_sound()) return false;
  for (std::size_t index = 0; index < pulses.size(); ++index) {
    const std::string_view agent_id = pulses.name(index);
    rows.push_back({agent_id, pulses.value(index), self_descriptions.find(agent_id, index), *now});
  }
  return true;
}

// Adds the record of the row, unless it is over. False: it is damaged.
bool add_record(const Row& row, HeartbeatListing& listing) {
  const std::optional<PackedPulse> pulse = unpack_pulse(row.pulse);
  if (!pulse) return false;
  if (pulse->is_over(row.now)) return true;
  HeartbeatRecord& record = listing.records.emplace_back();
  record.start.agent_id = row.agent_id;
  apply(*pulse, record);
  if (!row.self_description || !unpack_self_description(*row.self_description, record)) return false;
  const nanoseconds shift = listing.now - store_time_of(row.now);
  record.started += shift;
  record.renewed += shift;
  record.last_beat += shift;
  return true;
}

}  // namespace

bool PackedPulse::is_over(WallTime now) const {
  if (finished) return now - *finished >= limits::kAgentRetention;
  return now - renewed - ttl >= limits::kAgentRetention;
}

std::optional<PackedPulse> unpack_pulse(std::string_view bytes) {
  Unpacker from(bytes);
  PackedPulse pulse;
  pulse.incarnation = from.in().id();
  from.in().raw(2 * kOperationIdBytes);
  pulse.published = static_cast<AgentState>(from.choice(static_cast<std::uint8_t>(AgentState::finished)));
  pulse.ttl = nanoseconds{from.whole(kWholeMax)};
  if (const WallTime finished = from.time(); finished != WallTime{}) pulse.finished = finished;
  from.time();  // when the keys were last given their time to live
  pulse.renewed = from.time();
  pulse.last_beat = from.time();
  pulse.beats = static_cast<std::uint64_t>(from.whole(kWholeMax));
  pulse.rhythm.intervals = static_cast<std::uint64_t>(from.whole(kWholeMax));
  pulse.rhythm.mean_seconds = from.finite();
  pulse.rhythm.squares = from.finite();
  if (const double progress = from.in().real(); !std::isnan(progress)) pulse.progress = progress;
  const auto status_size = from.in().number<std::uint16_t>();
  const auto task_size = from.in().number<std::uint16_t>();
  pulse.status = from.in().raw(status_size);
  pulse.current_task = from.in().raw(task_size);
  if (!from.is_sound()) return std::nullopt;
  return pulse;
}

std::string pack_self_description(const AgentStart& start) {
  const ProcessIdentity process = start.process.value_or(ProcessIdentity{});
  ByteWriter out;
  out.name(start.display_name)
      .name(start.host)
      .number(static_cast<std::uint8_t>(start.process ? 1 : 0))
      .number(static_cast<std::uint32_t>(process.pid))
      .number(process.start_time_ticks)
      .name(process.boot_id)
      .number(process.pid_namespace)
      .blob(start.metadata.text());
  return std::move(out).bytes();
}

bool unpack_self_description(std::string_view bytes, HeartbeatRecord& record) {
  Unpacker from(bytes);
  record.started_at = from.time();
  record.started = store_time_of(record.started_at);
  record.start.display_name = from.in().name();
  record.start.host = from.in().name();
  const bool has_process = from.choice(1) != 0;
  ProcessIdentity process;
  process.pid = static_cast<std::int32_t>(from.in().number<std::uint32_t>());
  process.start_time_ticks = from.in().number<std::uint64_t>();
  process.boot_id = from.in().name();
  process.pid_namespace = from.in().number<std::uint64_t>();
  if (has_process) record.start.process = std::move(process);
  record.start.metadata = Json::trusted(std::string(from.in().blob()));
  return from.is_sound();
}

std::unexpected<Error> damaged_heartbeat(std::string_view agent_id) {
  return fail(ErrorCode::data_loss, "the record of agent {} on the Redis server is damaged: start the agent again",
              agent_id);
}

Result<std::optional<HeartbeatReading>> read_heartbeat_answer(std::string_view agent_id, const Reply& answer) {
  if (answer.elements.size() != 3) return not_ours();
  const std::optional<WallTime> now = read_time(answer.elements[0]);
  const Reply& packed_pulse = answer.elements[1];
  const Reply& packed_self_description = answer.elements[2];
  if (!now) return not_ours();
  if (packed_pulse.is_nil()) return std::nullopt;
  if (!packed_pulse.is_text()) return not_ours();
  const std::optional<PackedPulse> pulse = unpack_pulse(packed_pulse.text);
  if (!pulse) return damaged_heartbeat(agent_id);
  if (pulse->is_over(*now)) return std::nullopt;
  HeartbeatReading reading;
  reading.now = store_time_of(*now);
  reading.record.start.agent_id = agent_id;
  apply(*pulse, reading.record);
  if (!packed_self_description.is_text() || !unpack_self_description(packed_self_description.text, reading.record))
    return damaged_heartbeat(agent_id);
  return reading;
}

Result<HeartbeatListing> read_heartbeat_answers(std::span<const Reply> answers) {
  std::vector<Row> rows;
  rows.reserve(agents_in(answers));
  for (const Reply& answer : answers) {
    if (!add_rows(answer, rows)) return not_ours();
  }
  HeartbeatListing listing;
  if (const auto now = answers.empty() ? std::nullopt : read_time(answers.front().elements.front()))
    listing.now = store_time_of(*now);
  listing.records.reserve(rows.size());
  std::ranges::sort(rows, {}, &Row::agent_id);
  for (const Row& row : rows) {
    if (!add_record(row, listing)) return damaged_heartbeat(row.agent_id);
  }
  return listing;
}

}  // namespace aldis
