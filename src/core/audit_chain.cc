#include "core/audit_chain.h"

#include <array>
#include <string_view>

#include "core/format.h"
#include "core/sha256.h"

namespace aldis {

std::string_view to_string(AuditKind kind) {
  switch (kind) {
    case AuditKind::requested:
      return "requested";
    case AuditKind::vote:
      return "vote";
    case AuditKind::decided:
      return "decided";
    case AuditKind::rotated:
      return "rotated";
  }
  return "";
}

std::string audit_hash(const AuditEntry& entry) {
  const std::string number = std::to_string(entry.number);
  const std::string time = std::to_string(entry.time.time_since_epoch().count());
  const std::array<std::string_view, 12> fields = {
      number,      to_string(entry.kind), time,         entry.request_id,   entry.approval_type, entry.agent_id,
      entry.actor, entry.outcome,         entry.key_id, entry.context_hash, entry.detail_hash,   entry.previous_hash,
  };
  std::string text("aldis-audit-v1\0", sizeof("aldis-audit-v1"));
  for (const std::string_view field : fields) text += fmt::format("{}:{},", field.size(), field);
  return sha256_hex(text);
}

void chain_entry(AuditEntry& entry, AuditHead& head) {
  entry.number = head.number + 1;
  entry.previous_hash = head.hash;
  entry.hash = audit_hash(entry);
  head = {.number = entry.number, .hash = entry.hash};
}

}  // namespace aldis
