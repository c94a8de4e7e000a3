#pragma once
// What the approval and audit scripts answer, read into the values of ports/approval_store.h and ports/audit_store.h.
// Used by redis_approvals.cc and redis_audit.cc; implemented in approval_codec.cc.
//
// Model: the grammar is in docs/formats.md, "Redis keys"; answer_reader.h says what all answers have in common.
// Threads: pure. Errors: data_loss for an answer that does not follow the grammar; whatever code the script named.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engines/redis/answer_reader.h"
#include "engines/redis/reply.h"
#include "ports/approval_store.h"
#include "ports/audit_store.h"

namespace aldis {

struct ApprovalAnswerPage {
  std::vector<ApprovalReading> readings;
  bool is_last = true;
};

// A page of the audit log, and where the next one begins; none: the log ends here.
struct AuditAnswerPage {
  std::vector<AuditEntry> entries;
  std::optional<std::uint64_t> next_after;
};

// `subject`: what was asked, which the script does not send back when it is new.
Result<OpenedApproval> read_opened_answer(const Reply& answer, const ApprovalSubject& subject);
Result<std::optional<ApprovalReading>> read_approval_answer(const Reply& answer);
Result<ChangeOutcome> read_change_answer(const Reply& answer);
Result<ApprovalAnswerPage> read_approval_page(const Reply& answer);
// 32 lower-case hexadecimal digits.
Result<std::string> read_store_id_answer(const Reply& answer);

Result<AuditAnswerPage> read_audit_page(const Reply& answer);
Result<AuditBounds> read_audit_bounds(const Reply& answer);

// An entry as the log holds it under `number`. What is not written as one is an entry that says nothing but that
// number, which no chain holds: that somebody changed it is what verifying reports.
AuditEntry unpack_audit_entry(std::uint64_t number, std::string_view bytes);

}  // namespace aldis
