#include "engines/redis/signal_answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

constexpr std::size_t kReservationTexts = 6;
constexpr std::int64_t kMicrosecondsMax = std::numeric_limits<std::int64_t>::max() / 1000;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::data_loss,
              "the server answered a {} that no signal script writes: is another version of Aldis "
              "using this store?",
              what);
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Reads the texts of an answer one after the other. What is not as it should be leaves it failed, and reads as empty.
class AnswerReader {
 public:
  explicit AnswerReader(const Reply& answer) : parts_(answer.elements) {
    failed_ = !answer.is_array() || !std::ranges::all_of(parts_, &Reply::is_text);
  }

  std::string_view text() {
    if (failed_ || next_ >= parts_.size()) {
      failed_ = true;
      return {};
    }
    return parts_[next_++].text;
  }
  template <class Number>
  Number number() {
    Number number{};
    if (!parse(text(), number)) failed_ = true;
    return number;
  }
  std::int64_t microseconds() {
    const auto count = number<std::int64_t>();
    if (count > kMicrosecondsMax || count < -kMicrosecondsMax) failed_ = true;
    return failed_ ? 0 : count;
  }
  WallTime wall() { return WallTime{std::chrono::microseconds{microseconds()}}; }
  StoreTime store() { return StoreTime{std::chrono::microseconds{microseconds()}}; }
  template <class Time>
  std::optional<Time> optional(Time (AnswerReader::*read)()) {
    if (failed_ || next_ >= parts_.size() || !parts_[next_].text.empty()) return (this->*read)();
    ++next_;
    return std::nullopt;
  }
  Id128 id() {
    const auto id = parse_id("", text());
    if (!id) failed_ = true;
    return id.value_or(Id128{});
  }
  std::string signal_id() { return format_id(kSignalIdPrefix, id()); }
  bool flag() {
    const std::string_view value = text();
    if (value != "0" && value != "1") failed_ = true;
    return value == "1";
  }
  void fail() { failed_ = true; }
  std::size_t rest() const { return failed_ ? 0 : parts_.size() - next_; }
  bool is_whole() const { return !failed_ && next_ == parts_.size(); }

 private:
  const std::vector<Reply>& parts_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

std::string_view kind_of(const Reply& answer) {
  if (!answer.is_array() || answer.elements.empty() || !answer.elements.front().is_text()) return {};
  return answer.elements.front().text;
}

std::optional<ErrorCode> code_of(std::string_view name) {
  for (const ErrorCode code : {ErrorCode::not_found, ErrorCode::conflict, ErrorCode::failed_precondition,
                               ErrorCode::resource_exhausted, ErrorCode::data_loss}) {
    if (to_string(code) == name) return code;
  }
  return std::nullopt;
}

// A reader behind the kind, if it is the one that was asked for; the error that the script named otherwise.
Result<AnswerReader> read_kind(const Reply& answer, std::string_view wanted) {
  AnswerReader reader(answer);
  const std::string_view kind = reader.text();
  if (kind == wanted && !kind.empty()) return reader;
  const auto code = kind == "error" ? code_of(reader.text()) : std::nullopt;
  const std::string_view message = code ? reader.text() : std::string_view{};
  if (!code || !reader.is_whole()) return malformed("signal answer");
  return fail(*code, "{}", message);
}

CoordinationSignal read_signal(AnswerReader& reader) {
  CoordinationSignal signal;
  signal.signal_id = reader.signal_id();
  signal.signal_type = reader.text();
  signal.source_agent = reader.text();
  if (const std::string_view target = reader.text(); !target.empty()) signal.target_agent = target;
  signal.timestamp = reader.wall();
  signal.ttl = std::chrono::nanoseconds{reader.number<std::int64_t>()};
  if (signal.ttl <= std::chrono::nanoseconds{0} || signal.ttl > limits::kSignalTtlMax) reader.fail();
  signal.expires_at = signal.timestamp + std::chrono::duration_cast<std::chrono::microseconds>(signal.ttl);
  signal.attempt = reader.number<std::uint32_t>();
  signal.payload = Json::trusted(std::string(reader.text()));
  return signal;
}

Result<TakeAnswer> read_delivered(AnswerReader reader) {
  Delivered delivered{read_signal(reader)};
  if (!reader.is_whole()) return malformed("delivery");
  return delivered;
}

Result<TakeAnswer> read_expired(AnswerReader reader) {
  Expired expired;
  expired.signal_id = reader.signal_id();
  expired.signal_type = reader.text();
  expired.source_agent = reader.text();
  expired.sent_at = reader.wall();
  expired.expired_at = reader.wall();
  expired.count = reader.number<std::uint64_t>();
  if (!reader.is_whole()) return malformed("notice of an expiry");
  return expired;
}

NothingFound::Left read_left(AnswerReader& reader) {
  const std::string_view left = reader.text();
  if (left == "expiry") return NothingFound::Left::expiry;
  if (left == "signal") return NothingFound::Left::signal;
  if (left != "none") reader.fail();
  return NothingFound::Left::none;
}

Result<TakeAnswer> read_nothing(AnswerReader reader) {
  NothingFound nothing;
  nothing.now = reader.store();
  nothing.due = reader.optional(&AnswerReader::store);
  nothing.left = read_left(reader);
  nothing.reserved.reserve(reader.rest() / kReservationTexts);
  while (reader.rest() > 0) {
    Reservation one;
    one.signal_id = reader.id();
    one.attempt = reader.number<std::uint32_t>();
    one.holder.pid = reader.number<std::int32_t>();
    one.holder.start_time_ticks = reader.number<std::uint64_t>();
    one.holder.boot_id = reader.text();
    one.holder.pid_namespace = reader.number<std::uint64_t>();
    nothing.reserved.push_back(std::move(one));
  }
  if (!reader.is_whole()) return malformed("reservation");
  return nothing;
}

std::optional<ReceiptState> state_of(std::string_view name) {
  using enum ReceiptState;
  constexpr std::array<std::pair<std::string_view, ReceiptState>, 5> kStates{{{"pending", pending},
                                                                              {"reserved", reserved},
                                                                              {"delivered", delivered},
                                                                              {"expired", expired},
                                                                              {"cleared", cleared}}};
  for (const auto& [text, state] : kStates) {
    if (text == name) return state;
  }
  return std::nullopt;
}

}  // namespace

Result<TakeAnswer> read_take_answer(const Reply& answer) {
  const std::string_view kind = kind_of(answer);
  if (kind == "delivered") {
    ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, kind));
    return read_delivered(reader);
  }
  if (kind == "expired") {
    ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, kind));
    return read_expired(reader);
  }
  if (kind == "none") {
    ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, kind));
    const std::string_view stale = reader.text();
    if (!reader.is_whole() || (!stale.empty() && stale != "1")) return malformed("recall");
    return NothingRecalled{!stale.empty()};
  }
  ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, "nothing"));
  return read_nothing(reader);
}

Result<PendingPage> read_pending_page(const Reply& answer) {
  PendingPage page;
  std::size_t first = 1;
  if (kind_of(answer) == "page") {
    if (answer.elements.size() < 3 || !answer.elements[1].is_text() || answer.elements[1].text.empty()) {
      return malformed("page of signals");
    }
    page.next = answer.elements[1].text;
    first = 2;
  } else if (kind_of(answer) != "pending") {
    ALDIS_TRY(read_kind(answer, "pending"));
  }
  page.signals.reserve(answer.elements.size());
  for (std::size_t i = first; i < answer.elements.size(); ++i) {
    AnswerReader reader(answer.elements[i]);
    page.signals.push_back(read_signal(reader));
    if (!reader.is_whole()) return malformed("pending signal");
  }
  return page;
}

Result<std::uint64_t> read_count_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "count"));
  const auto count = reader.number<std::uint64_t>();
  if (!reader.is_whole()) return malformed("count");
  return count;
}

Result<void> read_done_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, "done"));
  if (!reader.is_whole()) return malformed("signal answer");
  return {};
}

Result<ReceiptReading> read_receipt_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "receipt"));
  ReceiptReading reading;
  Receipt& receipt = reading.receipt;
  receipt.signal_id = reader.signal_id();
  const auto state = state_of(reader.text());
  if (!state) return malformed("receipt");
  receipt.state = *state;
  receipt.delivered_to = reader.text();
  receipt.delivered_at = reader.optional(&AnswerReader::wall);
  receipt.expired_at = reader.optional(&AnswerReader::wall);
  receipt.broadcast = reader.flag();
  receipt.readers_total = reader.number<std::uint64_t>();
  reading.now = reader.store();
  reading.due = reader.optional(&AnswerReader::store);
  while (reader.rest() > 0) {
    SignalReader one;
    one.agent_id = reader.text();
    one.read_at = reader.wall();
    receipt.readers.push_back(std::move(one));
  }
  if (!reader.is_whole()) return malformed("receipt");
  return reading;
}

bool is_unfinished(const Reply& answer) { return kind_of(answer) == "again"; }

}  // namespace aldis
