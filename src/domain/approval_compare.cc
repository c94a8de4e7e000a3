#include "domain/approval_compare.h"

#include "core/failure.h"
#include "core/sha256.h"

namespace aldis {
namespace {

// "type, context": empty if nothing differs.
class Differences {
 public:
  Differences& add(std::string_view what, bool differs) {
    if (differs) names_.append(names_.empty() ? "" : ", ").append(what);
    return *this;
  }
  bool none() const { return names_.empty(); }
  const std::string& names() const { return names_; }

 private:
  std::string names_;
};

Differences between(const ApprovalRequest& then, const ApprovalRequest& now) {
  return Differences()
      .add("type", then.approval_type != now.approval_type)
      .add("agent", then.agent_id != now.agent_id)
      .add("context", then.context_hash != now.context_hash)
      .add("deadline", then.expires_at != now.expires_at)
      .add("policy", then.policy_hash != now.policy_hash);
}

}  // namespace

Result<void> check_opened(const ApprovalSubject& asked, const ApprovalRecord& found) {
  const ApprovalSubject& subject = found.subject;
  const std::string name = format_id(kApprovalIdPrefix, subject.id);
  const Differences never =
      Differences().add("type", asked.type != subject.type).add("agent", asked.agent != subject.agent);
  if (!never.none()) {
    return fail(ErrorCode::data_loss, "{} is not what was asked any more: somebody changed its {} in the store", name,
                never.names());
  }
  const bool same_context = asked.context_hash == sha256_hex(subject.context);
  if (same_context && asked.policy_hash == subject.policy_hash) return {};
  return fail(ErrorCode::conflict, "the key '{}' stands for {} of {}, which has another {}: ask under another key",
              asked.key, name, format_timestamp(found.opened_at), same_context ? "policy" : "context");
}

Result<void> check_as_asked(const ApprovalRequest& asked, const ApprovalRequest& now) {
  const Differences differences = between(asked, now);
  if (differences.none()) return {};
  return fail(ErrorCode::data_loss, "{} is not what was asked any more: somebody changed its {} in the store",
              now.request_id, differences.names());
}

Result<void> check_as_read(const ApprovalRequest& read, const ApprovalRequest& now) {
  const Differences differences = between(read, now).add("quorum", read.quorum != now.quorum);
  if (differences.none()) return {};
  return fail(ErrorCode::conflict, "{} was changed since you read it, its {}: read it again before you answer",
              now.request_id, differences.names());
}

}  // namespace aldis
