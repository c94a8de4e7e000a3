#include "aldis/audit.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"
#include "domain/audit_check.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

constexpr std::size_t kHashDigits = 64;
constexpr int kVerificationsMax = 3;  // while others rotate the log

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<void> read_behind(AuditStore& store, std::uint64_t after, const std::function<bool(const AuditEntry&)>& visit) {
  for (;;) {
    ALDIS_TRY_ASSIGN(const std::vector<AuditEntry> entries, store.entries(after, limits::kAuditPage));
    for (const AuditEntry& entry : entries) {
      if (!visit(entry)) return {};
    }
    if (entries.size() < limits::kAuditPage) return {};
    after = entries.back().number;
  }
}

std::unexpected<Error> rotated_away(const AuditHead& noted, const AuditHead& anchor) {
  return fail(ErrorCode::failed_precondition,
              "the head that was noted, {}, is from before the last rotation, which removed the entries up to {}: this "
              "log can neither prove nor disprove it. Look it up in what was exported then, and note the head anew",
              format_audit_head(noted), anchor.number);
}

}  // namespace

std::string format_audit_head(const AuditHead& head) { return fmt::format("{}:{}", head.number, head.hash); }

Result<AuditHead> parse_audit_head(std::string_view text) {
  AuditHead head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.number);
  head.hash = text.substr(std::min<std::size_t>(end - text.data() + 1, text.size()));
  // Understood is only what we would have written.
  if (error == std::errc() && is_hash(head.hash) && format_audit_head(head) == text) return head;
  return fail(ErrorCode::invalid_argument,
              "that is no head of an audit log: it looks like 17: and 64 hexadecimal digits, as aldis audit verify "
              "prints it");
}

AuditLog::AuditLog(Workspace workspace) : workspace_(std::move(workspace)) {}
AuditLog::~AuditLog() = default;
AuditLog::AuditLog(AuditLog&&) noexcept = default;
AuditLog& AuditLog::operator=(AuditLog&&) noexcept = default;

Result<std::vector<AuditEntry>> AuditLog::list(std::uint64_t after, std::size_t count) const {
  ALDIS_TRY(workspace_.impl()->usable());
  if (count < 1 || count > limits::kAuditPage) {
    return fail(ErrorCode::invalid_argument, "a page of {} entries: it must be 1 to {}", count, limits::kAuditPage);
  }
  return workspace_.impl()->audit().entries(after, count);
}

Result<AuditHead> AuditLog::head() const {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY_ASSIGN(AuditBounds bounds, workspace_.impl()->audit().bounds());
  return std::move(bounds.head);
}

Result<AuditVerification> AuditLog::verify(const std::optional<AuditHead>& noted) const {
  ALDIS_TRY(workspace_.impl()->usable());
  AuditStore& store = workspace_.impl()->audit();
  ALDIS_TRY_ASSIGN(AuditBounds bounds, store.bounds());
  for (int round = 1;; ++round) {
    AuditCheck check(bounds, noted);
    ALDIS_TRY(read_behind(store, bounds.anchor.number, [&](const AuditEntry& entry) { return check.take(entry); }));
    AuditVerification result = check.finish();
    ALDIS_TRY_ASSIGN(AuditBounds now, store.bounds());
    if (!result.fault && noted && noted->number < bounds.anchor.number) return rotated_away(*noted, bounds.anchor);
    // What a rotation took away while we read was no fault.
    if (!result.fault || now.anchor == bounds.anchor || round == kVerificationsMax) return result;
    bounds = std::move(now);
  }
}

Result<void> AuditLog::for_each(const std::function<bool(const AuditEntry&)>& visit) const {
  ALDIS_TRY(workspace_.impl()->usable());
  return read_behind(workspace_.impl()->audit(), 0, visit);
}

Result<std::uint64_t> AuditLog::rotate(const AuditHead& exported, const std::string& actor) {
  ALDIS_TRY(check_name("who rotates", actor));
  ALDIS_TRY_ASSIGN(const AuditVerification found, verify());
  if (found.fault) {
    return fail(ErrorCode::failed_precondition,
                "{}: nothing is removed while the log is not as it was written. Find out who changed it, and keep the "
                "store as it is until then",
                found.fault->what);
  }
  return workspace_.impl()->audit().rotate(exported, actor);
}

}  // namespace aldis
