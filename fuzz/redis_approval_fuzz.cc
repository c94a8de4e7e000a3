// Any texts as the answer of an approval or audit script: they are refused, or they are a value that keeps the port's
// promises and is read again from what it says. The first byte chooses the reader.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "engines/redis/approval_codec.h"
#include "require.h"
#include "script_answer.h"

using aldis::ApprovalReading;
using aldis::AuditEntry;
using aldis::Reply;
using aldis::WallTime;
using aldis::fuzz::answer_in;
using aldis::fuzz::require;

namespace {

std::string digits(WallTime time) { return std::to_string(time.time_since_epoch().count()); }

Reply written(const ApprovalReading& reading) {
  const aldis::ApprovalRecord& record = reading.record;
  const aldis::ApprovalSubject& subject = record.subject;
  Reply array{.kind = Reply::Kind::array};
  const auto add = [&](std::string text) {
    array.elements.push_back({.kind = Reply::Kind::text, .text = std::move(text)});
  };
  add("approval");
  add(digits(reading.now));
  add(reading.remaining ? std::to_string(reading.remaining->count() / 1000) : "");
  for (const std::string& text : {aldis::format_id("", subject.id), subject.type, subject.agent, subject.key,
                                  subject.context, subject.context_hash})
    add(text);
  add(subject.timeout ? std::to_string(subject.timeout->count()) : "");
  add(subject.policy_hash);
  add(std::to_string(subject.quorum));
  add(digits(record.opened_at));
  add(std::to_string(record.version));
  add(std::string(to_string(record.state)));
  add(record.responder);
  add(record.reason);
  add(record.decided_at ? digits(*record.decided_at) : "");
  for (const aldis::StoredVote& vote : record.votes) {
    for (const std::string& text : {vote.responder, std::string(vote.approved ? "1" : "0"), vote.reason,
                                    digits(vote.time), vote.key_id, vote.signature})
      add(text);
  }
  return array;
}

void check(const ApprovalReading& reading) {
  const aldis::ApprovalSubject& subject = reading.record.subject;
  require(!subject.timeout ||
          (subject.timeout->count() >= 0 && *subject.timeout <= aldis::limits::kApprovalTimeoutMax));
  require(subject.timeout.has_value() == reading.record.expires_at.has_value());
  const auto again = aldis::read_approval_answer(written(reading));
  require(again && *again && (*again)->record == reading.record && (*again)->remaining == reading.remaining);
}

void opened(const Reply& answer) {
  const auto read = aldis::read_opened_answer(answer, {});
  if (read && read->existed) check(read->reading);
}

void read(const Reply& answer) {
  const auto found = aldis::read_approval_answer(answer);
  if (found && *found) check(**found);
}

void changed(const Reply& answer) {
  const auto outcome = aldis::read_change_answer(answer);
  if (outcome) std::visit([](const auto& one) { check(one.reading); }, *outcome);
}

void list(const Reply& answer) {
  const auto page = aldis::read_approval_page(answer);
  if (!page) return;
  require(page->is_last || !page->readings.empty());
  for (const ApprovalReading& reading : page->readings) check(reading);
}

void log(const Reply& answer) {
  const auto page = aldis::read_audit_page(answer);
  if (!page) return;
  require(page->entries.size() * 2 + 2 == answer.elements.size());
  for (const AuditEntry& entry : page->entries) static_cast<void>(aldis::audit_hash(entry));
}

void bounds(const Reply& answer) {
  const auto found = aldis::read_audit_bounds(answer);
  if (found) require(found->head.hash.size() == 64 && found->anchor.hash.size() == 64);
}

void name(const Reply& answer) {
  const auto found = aldis::read_store_id_answer(answer.elements.front());
  if (found) require(found->size() == 32);
}

using Look = void (*)(const Reply& answer);
constexpr Look kLooks[] = {opened, read, changed, list, log, bounds, name};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  kLooks[data[0] % std::size(kLooks)](answer_in(bytes));
  return 0;
}
