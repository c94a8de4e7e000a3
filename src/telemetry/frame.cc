#include "telemetry/frame.h"

#include <algorithm>
#include <optional>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/crc32c.h"

namespace aldis::telemetry {
namespace {

constexpr std::string_view kMagic = "ATF1";
constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kPayloadBytesMax = limits::kTelemetryFrameBytesMax - kHeaderBytes;
constexpr std::size_t kCountMax = 255;  // of strings, records, attributes, and bytes of a text: each has one byte
constexpr std::size_t kNumberBytes = 16 + 8 + 4 + 1 + 1;  // install id, nonce, dropped, the counts of strings, records

enum class Kind : std::uint8_t { boolean, integer, text };

void write_text(ByteWriter& out, std::string_view text) {
  text = text.substr(0, kCountMax);
  out.number(static_cast<std::uint8_t>(text.size())).raw(text);
}

std::string_view read_text(ByteReader& in) { return in.raw(in.number<std::uint8_t>()); }

std::uint8_t byte_of(std::size_t count) { return static_cast<std::uint8_t>(count); }

// One frame while it fills. What was added must outlive it.
class FrameBuilder {
 public:
  explicit FrameBuilder(const FrameOrigin& origin) : origin_(origin) {
    bytes_ = kNumberBytes + 2 + std::min(origin.tool.size(), kCountMax) + std::min(origin.version.size(), kCountMax);
  }

  bool is_empty() const { return records_ == 0; }

  // False: does not fit, and nothing was changed.
  bool add(const EventRecord& record) {
    if (records_ == kCountMax || record.attributes.size() > kCountMax) return false;
    const std::size_t strings_before = strings_.size();
    record_.clear();
    record_.number(static_cast<std::uint64_t>(record.time.time_since_epoch().count()));
    record_.number(static_cast<std::uint8_t>(record.severity)).number(number_of(record.name));
    record_.number(byte_of(record.attributes.size()));
    for (const Attribute& attribute : record.attributes) write(attribute);

    std::size_t bytes = bytes_ + record_.bytes().size();
    for (std::size_t i = strings_before; i < strings_.size(); ++i) bytes += 1 + strings_[i].size();
    if (strings_.size() > kCountMax || bytes > kPayloadBytesMax) {
      strings_.resize(strings_before);
      return false;
    }
    body_.raw(record_.bytes());
    bytes_ = bytes;
    ++records_;
    return true;
  }

  EncodedFrame finish(std::uint64_t nonce, std::uint32_t dropped) const {
    ByteWriter payload;
    write_text(payload, origin_.tool);
    write_text(payload, origin_.version);
    payload.raw({reinterpret_cast<const char*>(origin_.install_id.data()), origin_.install_id.size()});
    payload.number(nonce).number(dropped).number(byte_of(strings_.size()));
    for (const std::string_view text : strings_) write_text(payload, text);
    payload.number(byte_of(records_)).raw(body_.bytes());

    ByteWriter frame;
    frame.raw(kMagic).number(static_cast<std::uint16_t>(payload.bytes().size())).number<std::uint16_t>(0);
    frame.number(crc32c(payload.bytes())).raw(payload.bytes());
    return {std::move(frame).bytes(), static_cast<std::uint32_t>(records_), dropped};
  }

 private:
  // Meaningless behind the 256th string, which `add` then refuses.
  std::uint8_t number_of(std::string_view text) {
    text = text.substr(0, kCountMax);
    const auto known = std::ranges::find(strings_, text);
    const auto number = byte_of(static_cast<std::size_t>(known - strings_.begin()));
    if (known == strings_.end()) strings_.push_back(text);
    return number;
  }

  void write(const Attribute& attribute) {
    record_.number(number_of(attribute.name));
    record_.number(static_cast<std::uint8_t>(attribute.value.index()));
    if (const auto* boolean = std::get_if<bool>(&attribute.value)) record_.number<std::uint8_t>(*boolean ? 1 : 0);
    if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) record_.signed_number(*integer);
    if (const auto* text = std::get_if<std::string>(&attribute.value)) record_.number(number_of(*text));
  }

  const FrameOrigin& origin_;
  std::vector<std::string_view> strings_;
  ByteWriter record_;  // the one that is being added
  ByteWriter body_;    // those that were
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;  // of the payload
};

static_assert(std::is_same_v<std::variant_alternative_t<0, decltype(Attribute::value)>, bool> &&
                  std::is_same_v<std::variant_alternative_t<1, decltype(Attribute::value)>, std::int64_t> &&
                  std::is_same_v<std::variant_alternative_t<2, decltype(Attribute::value)>, std::string>,
              "the index of the variant is written as the kind");

// Reads what a payload holds, and notices what no writer of this version writes.
class PayloadReader {
 public:
  // Takes from `text_left` what its records say.
  PayloadReader(std::string_view payload, std::size_t& text_left) : in_(payload), text_left_(text_left) {}

  std::optional<Frame> run() {
    Frame frame;
    frame.origin.tool = read_text(in_);
    frame.origin.version = read_text(in_);
    const std::string_view id = in_.raw(frame.origin.install_id.size());
    std::ranges::copy(id, frame.origin.install_id.begin());
    frame.nonce = in_.number<std::uint64_t>();
    frame.dropped = in_.number<std::uint32_t>();
    const std::size_t strings = in_.number<std::uint8_t>();
    for (std::size_t i = 0; i < strings; ++i) strings_.push_back(read_text(in_));
    const std::size_t records = in_.number<std::uint8_t>();
    for (std::size_t i = 0; i < records && sound_; ++i) frame.records.push_back(record());
    if (!sound_ || !in_.at_end()) return std::nullopt;
    return frame;
  }

 private:
  EventRecord record() {
    EventRecord record;
    record.time = std::chrono::sys_seconds(std::chrono::seconds(in_.signed_number()));
    record.severity = static_cast<Severity>(in_.number<std::uint8_t>());
    sound_ = sound_ && (record.severity == Severity::information || record.severity == Severity::error);
    record.name = string();
    const std::size_t attributes = in_.number<std::uint8_t>();
    for (std::size_t i = 0; i < attributes && sound_; ++i) record.attributes.push_back(attribute());
    return record;
  }

  Attribute attribute() {
    Attribute attribute{.name = string(), .value = false};
    switch (static_cast<Kind>(in_.number<std::uint8_t>())) {
      case Kind::boolean:
        attribute.value = boolean();
        break;
      case Kind::integer:
        attribute.value = in_.signed_number();
        break;
      case Kind::text:
        attribute.value = string();
        break;
      default:
        sound_ = false;
    }
    return attribute;
  }

  bool boolean() {
    const auto value = in_.number<std::uint8_t>();
    sound_ = sound_ && value <= 1;
    return value == 1;
  }

  std::string string() {
    const std::size_t number = in_.number<std::uint8_t>();
    sound_ = sound_ && in_.ok() && number < strings_.size() && strings_[number].size() <= text_left_;
    if (!sound_) return {};
    text_left_ -= strings_[number].size();
    return std::string(strings_[number]);
  }

  ByteReader in_;
  std::size_t& text_left_;
  std::vector<std::string_view> strings_;
  bool sound_ = true;
};

// The frame that `bytes` begins with, and its length.
std::optional<std::pair<Frame, std::size_t>> read_frame(std::string_view bytes, std::size_t& text_left) {
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  ByteReader in(bytes);
  in.raw(kMagic.size());
  const std::size_t length = in.number<std::uint16_t>();
  const auto reserved = in.number<std::uint16_t>();
  const auto crc = in.number<std::uint32_t>();
  const std::string_view payload = in.raw(length);
  if (!in.ok() || reserved != 0 || length > kPayloadBytesMax || crc32c(payload) != crc) return std::nullopt;
  auto frame = PayloadReader(payload, text_left).run();
  if (!frame) return std::nullopt;
  return std::pair(*std::move(frame), kHeaderBytes + length);
}

}  // namespace

std::vector<EncodedFrame> encode(const FrameOrigin& origin, std::span<const EventRecord> records, std::uint32_t dropped,
                                 std::uint64_t first_nonce) {
  std::vector<EncodedFrame> frames;
  std::optional<FrameBuilder> frame(std::in_place, origin);
  const auto finish = [&] {
    frames.push_back(frame->finish(first_nonce + frames.size(), dropped));
    dropped = 0;
    frame.emplace(origin);
  };
  for (const EventRecord& record : records) {
    if (frame->add(record)) continue;
    if (!frame->is_empty()) finish();
    if (!frame->add(record)) ++dropped;  // fits into no frame
  }
  if (!frame->is_empty() || dropped > 0) finish();
  return frames;
}

std::uint64_t DecodedSpool::record_count() const {
  std::uint64_t count = 0;
  for (const Frame& frame : frames) count += frame.records.size();
  return count;
}

std::uint64_t DecodedSpool::dropped_count() const {
  std::uint64_t count = gaps;
  for (const Frame& frame : frames) count += frame.dropped;
  return count;
}

DecodedSpool decode(std::string_view bytes) {
  DecodedSpool spool;
  bool in_gap = false;
  std::size_t text_left = limits::kTelemetryBatchTextBytesMax;
  std::size_t unsound = 0;
  while (!bytes.empty()) {
    if (auto read = read_frame(bytes, text_left)) {
      spool.frames.push_back(std::move(read->first));
      bytes.remove_prefix(read->second);
      in_gap = false;
      continue;
    }
    if (!in_gap) ++spool.gaps;
    in_gap = true;
    if (bytes.starts_with(kMagic) && ++unsound == limits::kTelemetryUnsoundFramesMax) break;
    bytes.remove_prefix(std::min(bytes.find(kMagic, 1), bytes.size()));
  }
  return spool;
}

}  // namespace aldis::telemetry
