// Any texts as the answer of a signal script: they are refused, or they are a value that keeps the port's promises and
// is read again from what it says. The first byte chooses the reader.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engines/redis/signal_answers.h"
#include "require.h"
#include "script_answer.h"

using aldis::Reply;
using aldis::fuzz::answer_in;
using aldis::fuzz::require;
using aldis::fuzz::texts;

namespace {

void check(const aldis::CoordinationSignal& signal) {
  require(aldis::parse_id(aldis::kSignalIdPrefix, signal.signal_id).has_value());
  require(signal.ttl.count() > 0 && signal.ttl <= aldis::limits::kSignalTtlMax);
  require(signal.expires_at >= signal.timestamp);
}

std::string written(const aldis::CoordinationSignal& signal) {
  return "delivered\n" + signal.signal_id.substr(aldis::kSignalIdPrefix.size()) + '\n' + signal.signal_type + '\n' +
         signal.source_agent + '\n' + signal.target_agent.value_or("") + '\n' +
         std::to_string(signal.timestamp.time_since_epoch().count()) + '\n' + std::to_string(signal.ttl.count()) +
         '\n' + std::to_string(signal.attempt) + '\n' + std::string(signal.payload.text());
}

void take(const Reply& answer) {
  const auto taken = aldis::read_take_answer(answer);
  if (!taken) return;
  if (const auto* delivered = std::get_if<aldis::Delivered>(&*taken)) {
    check(delivered->signal);
    const auto again = aldis::read_take_answer(texts(written(delivered->signal)));
    require(again && std::get<aldis::Delivered>(*again).signal == delivered->signal);
  }
  if (const auto* nothing = std::get_if<aldis::NothingFound>(&*taken)) {
    require(nothing->reserved.size() * 6 + 4 == answer.elements.size());
  }
}

void pending(const Reply& answer) {
  const auto page = aldis::read_pending_page(answer);
  if (page) std::ranges::for_each(page->signals, check);
}

void receipt(const Reply& answer) {
  const auto reading = aldis::read_receipt_answer(answer);
  if (reading) require(aldis::parse_id(aldis::kSignalIdPrefix, reading->receipt.signal_id).has_value());
}

void others(const Reply& answer) {
  const bool counts = aldis::read_count_answer(answer).has_value();
  const bool is_done = aldis::read_done_answer(answer).has_value();
  require(counts + is_done + aldis::is_unfinished(answer) <= 1);
}

using Look = void (*)(const Reply& answer);
constexpr Look kLooks[] = {take, pending, receipt, others};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  kLooks[data[0] % std::size(kLooks)](answer_in(bytes));
  return 0;
}
