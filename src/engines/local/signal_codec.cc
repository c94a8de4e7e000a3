#include "engines/local/signal_codec.h"

#include <algorithm>
#include <concepts>
#include <type_traits>

#include "core/bytes.h"
#include "engines/local/board_keys.h"

namespace aldis::local {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

template <class T, class Record>
concept Is = std::same_as<std::remove_const_t<T>, Record>;

// Each record's fields in the order of its bytes: once for writing (`io` a FieldWriter) and reading (a FieldReader).
void fields(auto& io, Is<ProcessIdentity> auto& r) { io(r.pid, r.start_time_ticks, r.boot_id, r.pid_namespace); }
void fields(auto& io, Is<EndMark> auto& r) { io(r.time, r.commit); }
void fields(auto& io, Is<Hold> auto& r) { io(r.attempt, r.until, r.holder); }
void fields(auto& io, Is<BroadcastHold> auto& r) { io(r.commit, r.hold); }
void fields(auto& io, Is<CommitRange> auto& r) { io(r.first, r.last); }
void fields(auto& io, Is<LaneRecord> auto& r) { io(r.live, r.bytes, r.tombstones, r.settled, r.due, r.version); }
void fields(auto& io, Is<EndEntry> auto& r) { io(r.id, r.type); }
void fields(auto& io, Is<QueueEntry> auto& r) { io(r.id, r.source, r.ends, r.hold); }
void fields(auto& io, Is<ExpiryNotice> auto& r) { io(r.id, r.source, r.sent_at, r.expired_at, r.ended); }
void fields(auto& io, Is<FoldedNotice> auto& r) { io(r.keep_until, r.count, r.commit, r.newest); }
void fields(auto& io, Is<TakenRecord> auto& r) { io(r.keep_until, r.news); }
void fields(auto& io, Is<ReaderEntry> auto& r) { io(r.attempt, r.acknowledged, r.read_at, r.agent); }
void fields(auto& io, Is<PositionRecord> auto& r) { io(r.keep_until, r.ranges, r.holds); }
void fields(auto& io, Is<AppearedRecord> auto& r) { io(r.keep_until, r.appeared); }
void fields(auto& io, Is<Delivered> auto& r) { io(r.signal); }
void fields(auto& io, Is<SignalRecord> auto& r) {
  io(r.state, r.broadcast, r.acknowledged, r.attempt, r.commit, r.type, r.source, r.target, r.sent_at, r.ttl, r.ends,
     r.settled_at);
  io.blob(r.payload);
}
void fields(auto& io, Is<BroadcastEntry> auto& r) {
  io(r.id, r.source, r.ends, r.sent_at, r.ttl, r.readers, r.first_read_at);
}
void fields(auto& io, Is<CoordinationSignal> auto& r) {
  io(r.attempt, r.signal_id, r.signal_type, r.source_agent, r.target_agent, r.timestamp, r.ttl, r.expires_at,
     r.payload);
}
void fields(auto& io, Is<Expired> auto& r) {
  io(r.signal_id, r.signal_type, r.source_agent, r.sent_at, r.expired_at, r.count);
}

class FieldWriter {
 public:
  void operator()(const auto&... values) { (field(values), ...); }
  void blob(const std::string& value) { out_.blob(value); }
  std::string bytes() && { return std::move(out_).bytes(); }

 private:
  template <std::unsigned_integral T>
  void field(T value) {
    if constexpr (std::same_as<T, bool>) {
      out_.number(static_cast<std::uint8_t>(value));
    } else {
      out_.number(value);
    }
  }
  void field(std::int32_t value) { out_.number(static_cast<std::uint32_t>(value)); }
  void field(StoredState value) { out_.number(static_cast<std::uint8_t>(value)); }
  void field(const std::string& value) { out_.name(value); }
  void field(const Id128& value) { out_.id(value); }
  void field(const Json& value) { out_.blob(value.text()); }
  void field(BootTime value) { out_.signed_number(value.time_since_epoch().count()); }
  void field(WallTime value) { out_.signed_number(value.time_since_epoch().count()); }
  void field(nanoseconds value) { out_.signed_number(value.count()); }
  template <class T>
  void field(const std::optional<T>& value) {
    field(value.has_value());
    if (value) field(*value);
  }
  template <class T>
  void field(const std::vector<T>& values) {
    field(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) field(value);
  }
  void field(const SignalNews& value) {
    field(static_cast<std::uint8_t>(value.index()));
    std::visit([this](const auto& news) { field(news); }, value);
  }
  template <class Record>
    requires std::is_class_v<Record>
  void field(const Record& record) {
    fields(*this, record);
  }

  ByteWriter out_;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : in_(bytes) {}

  void operator()(auto&... values) { (field(values), ...); }
  void blob(std::string& value) { value = in_.blob(); }
  bool complete() const { return known_ && in_.at_end(); }

 private:
  template <std::unsigned_integral T>
  void field(T& value) {
    if constexpr (std::same_as<T, bool>) {
      value = in_.number<std::uint8_t>() != 0;
    } else {
      value = in_.number<T>();
    }
  }
  void field(std::int32_t& value) { value = static_cast<std::int32_t>(in_.number<std::uint32_t>()); }
  void field(StoredState& value) {
    const auto state = in_.number<std::uint8_t>();
    if (state > static_cast<std::uint8_t>(StoredState::cleared)) known_ = false;
    value = static_cast<StoredState>(state);
  }
  void field(std::string& value) { value = in_.name(); }
  void field(Id128& value) { value = in_.id(); }
  void field(Json& value) { value = Json::trusted(std::string(in_.blob())); }
  void field(BootTime& value) { value = BootTime{nanoseconds{in_.signed_number()}}; }
  void field(WallTime& value) { value = WallTime{microseconds{in_.signed_number()}}; }
  void field(nanoseconds& value) { value = nanoseconds{in_.signed_number()}; }
  template <class T>
  void field(std::optional<T>& value) {
    value.reset();
    if (in_.number<std::uint8_t>() != 0) field(value.emplace());
  }
  template <class T>
  void field(std::vector<T>& values) {
    values.clear();
    for (auto count = in_.number<std::uint32_t>(); count > 0 && in_.ok(); --count) field(values.emplace_back());
  }
  void field(SignalNews& value) {
    const auto index = in_.number<std::uint8_t>();
    if (index > 1) known_ = false;
    if (index == 0) {
      field(value.emplace<Delivered>());
    } else {
      field(value.emplace<Expired>());
    }
  }
  template <class Record>
    requires std::is_class_v<Record>
  void field(Record& record) {
    fields(*this, record);
  }

  ByteReader in_;
  bool known_ = true;  // no enumerator was out of range
};

}  // namespace

template <class Record>
std::string encode(const Record& record) {
  FieldWriter out;
  out(record);
  return std::move(out).bytes();
}

template <class Record>
bool decode(std::string_view bytes, Record& record) {
  FieldReader in(bytes);
  in(record);
  return in.complete();
}

#define ALDIS_SIGNAL_RECORD(Record)                   \
  template std::string encode<Record>(const Record&); \
  template bool decode<Record>(std::string_view, Record&)
ALDIS_SIGNAL_RECORD(SignalRecord);
ALDIS_SIGNAL_RECORD(LaneRecord);
ALDIS_SIGNAL_RECORD(EndEntry);
ALDIS_SIGNAL_RECORD(QueueEntry);
ALDIS_SIGNAL_RECORD(ExpiryNotice);
ALDIS_SIGNAL_RECORD(FoldedNotice);
ALDIS_SIGNAL_RECORD(TakenRecord);
ALDIS_SIGNAL_RECORD(BroadcastEntry);
ALDIS_SIGNAL_RECORD(ReaderEntry);
ALDIS_SIGNAL_RECORD(PositionRecord);
ALDIS_SIGNAL_RECORD(AppearedRecord);
#undef ALDIS_SIGNAL_RECORD

std::string signal_key(const Id128& id) { return ByteWriter().raw({&board_key::kSignal, 1}).id(id).bytes(); }

std::string reader_prefix(const Id128& id) { return ByteWriter().raw({&board_key::kReader, 1}).id(id).bytes(); }

std::string reader_key(const Id128& id, std::uint32_t ordinal) {
  return ByteWriter().raw(reader_prefix(id)).number(ordinal).bytes();
}

std::string name_key(char kind, std::string_view name) { return ByteWriter().raw({&kind, 1}).name(name).bytes(); }

std::string names_key(char kind, std::string_view first, std::string_view second) {
  return ByteWriter().raw({&kind, 1}).name(first).name(second).bytes();
}

std::string lane_key(char kind, std::string_view name, char part) {
  return ByteWriter().raw({&kind, 1}).name(name).raw({&part, 1}).bytes();
}

std::string with_name(std::string prefix, std::string_view name) {
  return prefix.append(ByteWriter().name(name).bytes());
}

std::string with_commit(std::string prefix, std::uint64_t commit) {
  return prefix.append(ByteWriter().number(commit).bytes());
}

std::string with_end(std::string prefix, const EndMark& end) {
  FieldWriter out;
  out(end);
  return prefix.append(std::move(out).bytes());
}

std::string_view last_name(std::string_view key, std::string_view prefix) {
  return ByteReader(key.substr(prefix.size())).name();
}

std::uint64_t commit_of(std::string_view key) {
  return ByteReader(key.substr(key.size() - std::min(key.size(), sizeof(std::uint64_t)))).number<std::uint64_t>();
}

EndMark end_of(std::string_view key) {
  EndMark end;
  FieldReader(key.substr(key.size() - std::min(key.size(), 2 * sizeof(std::uint64_t))))(end);
  return end;
}

}  // namespace aldis::local
