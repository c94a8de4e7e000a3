#include "engines/redis/approval_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "aldis/limits.h"
#include "core/approval_names.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::size_t kStoreIdDigits = 32;
constexpr std::size_t kHashDigits = 64;

bool is_hexadecimal(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<nanoseconds> read_timeout(AnswerReader& reader) {
  const auto count = reader.optional(&AnswerReader::number<std::int64_t>);
  if (!count) return std::nullopt;
  const nanoseconds timeout{*count};
  if (timeout < nanoseconds{0} || timeout > limits::kApprovalTimeoutMax) reader.fail();
  return timeout;
}

std::optional<WallTime> expiry_of(WallTime opened_at, const std::optional<nanoseconds>& timeout) {
  if (!timeout) return std::nullopt;
  return opened_at + std::chrono::duration_cast<microseconds>(*timeout);
}

StoredVote read_vote(AnswerReader& reader) {
  StoredVote vote;
  vote.responder = reader.text();
  vote.approved = reader.flag();
  vote.reason = reader.text();
  vote.time = reader.wall();
  vote.key_id = reader.text();
  vote.signature = reader.text();
  return vote;
}

ApprovalReading read_reading(AnswerReader& reader) {
  ApprovalReading reading;
  ApprovalRecord& record = reading.record;
  ApprovalSubject& subject = record.subject;
  reading.now = reader.wall();
  if (const auto remaining = reader.optional(&AnswerReader::microseconds)) reading.remaining = microseconds{*remaining};
  subject.id = reader.id();
  subject.type = reader.text();
  subject.agent = reader.text();
  subject.key = reader.text();
  subject.context = reader.text();
  subject.context_hash = reader.text();
  subject.timeout = read_timeout(reader);
  subject.policy_hash = reader.text();
  subject.quorum = reader.number<std::uint32_t>();
  record.opened_at = reader.wall();
  record.expires_at = expiry_of(record.opened_at, subject.timeout);
  record.version = reader.number<std::uint64_t>();
  const auto state = parse_approval_state(reader.text());
  if (!state) reader.fail();
  record.state = state.value_or(ApprovalState::pending);
  record.responder = reader.text();
  record.reason = reader.text();
  record.decided_at = reader.optional(&AnswerReader::wall);
  while (reader.rest() > 0) record.votes.push_back(read_vote(reader));
  return reading;
}

// The whole answer behind its kind.
Result<ApprovalReading> read_rest(AnswerReader reader) {
  ApprovalReading reading = read_reading(reader);
  if (!reader.is_whole()) return malformed_answer("approval request");
  return reading;
}

// Text behind its length: "5:hello,".
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::string_view text() {
    std::size_t size = 0;
    const char* const end = rest_.data() + rest_.size();
    const auto [colon, error] = std::from_chars(rest_.data(), end, size);
    const auto available = static_cast<std::size_t>(end - colon);
    if (error != std::errc{} || available < 2 || *colon != ':' || size > available - 2 || colon[1 + size] != ',') {
      rest_ = {};
      sound_ = false;
      return {};
    }
    rest_ = {colon + size + 2, available - size - 2};
    return {colon + 1, size};
  }
  template <class Number>
  Number number() {
    const std::string_view digits = text();
    Number number{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    sound_ = sound_ && error == std::errc{} && end == digits.data() + digits.size();
    return number;
  }
  AuditKind kind() {
    using enum AuditKind;
    const std::string_view name = text();
    for (const AuditKind kind : {requested, vote, decided, rotated}) {
      if (to_string(kind) == name) return kind;
    }
    sound_ = false;
    return requested;
  }
  bool is_whole() const { return sound_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

// None: absent both; a point of the chain is its number and its hash.
std::optional<AuditHead> read_head(AnswerReader& reader) {
  const auto number = reader.optional(&AnswerReader::number<std::uint64_t>);
  std::string hash(reader.text());
  if (!number && hash.empty()) return std::nullopt;
  if (!number || !is_hexadecimal(hash, kHashDigits)) reader.fail();
  return AuditHead{number.value_or(0), std::move(hash)};
}

}  // namespace

Result<OpenedApproval> read_opened_answer(const Reply& answer, const ApprovalSubject& subject) {
  if (kind_of(answer) == "existed") {
    ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "existed"));
    ALDIS_TRY_ASSIGN(ApprovalReading reading, read_rest(reader));
    return OpenedApproval{std::move(reading), true};
  }
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "opened"));
  OpenedApproval opened;
  opened.reading.now = reader.wall();
  if (!reader.is_whole()) return malformed_answer("opened approval request");
  ApprovalRecord& record = opened.reading.record;
  record.subject = subject;
  record.opened_at = opened.reading.now;
  record.expires_at = expiry_of(record.opened_at, subject.timeout);
  if (subject.timeout) opened.reading.remaining = std::chrono::ceil<microseconds>(*subject.timeout);
  return opened;
}

Result<std::optional<ApprovalReading>> read_approval_answer(const Reply& answer) {
  if (kind_of(answer) == "none" && answer.elements.size() == 1) return std::nullopt;
  ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, "approval"));
  return read_rest(reader);
}

Result<ChangeOutcome> read_change_answer(const Reply& answer) {
  const bool is_superseded = kind_of(answer) == "superseded";
  ALDIS_TRY_ASSIGN(const AnswerReader reader, read_kind(answer, is_superseded ? "superseded" : "changed"));
  ALDIS_TRY_ASSIGN(ApprovalReading reading, read_rest(reader));
  if (is_superseded) return ApprovalSuperseded{std::move(reading)};
  return ApprovalChanged{std::move(reading)};
}

Result<ApprovalAnswerPage> read_approval_page(const Reply& answer) {
  ApprovalAnswerPage page;
  page.is_last = kind_of(answer) != "page";
  if (page.is_last && kind_of(answer) != "approvals") ALDIS_TRY(read_kind(answer, "approvals"));
  page.readings.reserve(answer.elements.size());
  for (std::size_t i = 1; i < answer.elements.size(); ++i) {
    ALDIS_TRY_ASSIGN(ApprovalReading reading, read_rest(AnswerReader(answer.elements[i])));
    page.readings.push_back(std::move(reading));
  }
  if (!page.is_last && page.readings.empty()) return malformed_answer("page of approval requests");
  return page;
}

Result<std::string> read_store_id_answer(const Reply& answer) {
  if (!answer.is_text() || !is_hexadecimal(answer.text, kStoreIdDigits)) return malformed_answer("name of a store");
  return answer.text;
}

Result<AuditAnswerPage> read_audit_page(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "entries"));
  AuditAnswerPage page;
  page.next_after = reader.optional(&AnswerReader::number<std::uint64_t>);
  page.entries.reserve(reader.rest() / 2);
  while (reader.rest() > 0) {
    const auto number = reader.number<std::uint64_t>();
    page.entries.push_back(unpack_audit_entry(number, reader.text()));
  }
  if (!reader.is_whole()) return malformed_answer("page of the audit log");
  return page;
}

Result<AuditBounds> read_audit_bounds(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "bounds"));
  const std::optional<AuditHead> head = read_head(reader);
  AuditBounds bounds;
  bounds.anchor = read_head(reader).value_or(AuditHead{});
  bounds.head = head.value_or(bounds.anchor);
  bounds.stray = reader.optional(&AnswerReader::number<std::uint64_t>);
  if (!reader.is_whole()) return malformed_answer("head of the audit log");
  return bounds;
}

AuditEntry unpack_audit_entry(std::uint64_t number, std::string_view bytes) {
  Fields fields(bytes);
  AuditEntry entry;
  entry.number = fields.number<std::uint64_t>();
  entry.kind = fields.kind();
  entry.time = WallTime{microseconds{fields.number<std::int64_t>()}};
  for (std::string* text : {&entry.request_id, &entry.approval_type, &entry.agent_id, &entry.actor, &entry.outcome,
                            &entry.key_id, &entry.context_hash, &entry.detail_hash, &entry.previous_hash, &entry.hash})
    *text = fields.text();
  if (fields.is_whole()) return entry;
  AuditEntry unreadable;
  unreadable.number = number;
  return unreadable;
}

}  // namespace aldis
