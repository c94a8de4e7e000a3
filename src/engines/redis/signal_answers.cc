#include "engines/redis/signal_answers.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/try.h"

namespace aldis {
namespace {

constexpr std::size_t kReservationTexts = 6;

CoordinationSignal read_signal(AnswerReader& reader) {
  CoordinationSignal signal;
  signal.signal_id = format_id(kSignalIdPrefix, reader.id());
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
  if (!reader.is_whole()) return malformed_answer("delivery");
  return delivered;
}

Result<TakeAnswer> read_expired(AnswerReader reader) {
  Expired expired;
  expired.signal_id = format_id(kSignalIdPrefix, reader.id());
  expired.signal_type = reader.text();
  expired.source_agent = reader.text();
  expired.sent_at = reader.wall();
  expired.expired_at = reader.wall();
  expired.count = reader.number<std::uint64_t>();
  if (!reader.is_whole()) return malformed_answer("notice of an expiry");
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
  if (!reader.is_whole()) return malformed_answer("reservation");
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
    if (!reader.is_whole() || (!stale.empty() && stale != "1")) return malformed_answer("recall");
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
      return malformed_answer("page of signals");
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
    if (!reader.is_whole()) return malformed_answer("pending signal");
  }
  return page;
}

Result<void> read_done_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, "done"));
  if (!reader.is_whole()) return malformed_answer("signal answer");
  return {};
}

Result<ReceiptReading> read_receipt_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "receipt"));
  ReceiptReading reading;
  Receipt& receipt = reading.receipt;
  receipt.signal_id = format_id(kSignalIdPrefix, reader.id());
  const auto state = state_of(reader.text());
  if (!state) return malformed_answer("receipt");
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
  if (!reader.is_whole()) return malformed_answer("receipt");
  return reading;
}

}  // namespace aldis
