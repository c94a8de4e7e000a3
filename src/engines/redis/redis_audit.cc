#include "engines/redis/redis_audit.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "aldis/limits.h"
#include "core/ids.h"
#include "core/try.h"
#include "engines/redis/approval_codec.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/scripts.h"

namespace aldis {
namespace {

class RedisAudit final : public AuditStore {
 public:
  RedisAudit(std::shared_ptr<RedisClient> client, std::string group)
      : client_(std::move(client)), group_(std::move(group)) {}

  Result<AuditBounds> bounds() override {
    ALDIS_TRY_ASSIGN(const Reply answer, client_->run(kAuditBounds, group_, {}));
    return read_audit_bounds(answer);
  }

  // Where entries are missing, a page holds fewer than it looked at.
  Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) override {
    std::vector<AuditEntry> all;
    std::optional<std::uint64_t> next = after;
    while (next && all.size() < count) {
      const std::string begin = std::to_string(*next);
      const std::string numbers = std::to_string(std::min(count - all.size(), limits::kAuditPage));
      const std::array<std::string_view, 2> arguments{begin, numbers};
      ALDIS_TRY_ASSIGN(const Reply answer, client_->run(kAuditRead, group_, arguments));
      ALDIS_TRY_ASSIGN(AuditAnswerPage page, read_audit_page(answer));
      std::ranges::move(page.entries, std::back_inserter(all));
      next = page.next_after;
    }
    return all;
  }

  Result<std::uint64_t> rotate(const AuditHead& through, std::string_view actor) override {
    const std::string id = short_id(make_id(WallTime{}));
    const std::string kept = microseconds_text(operation_kept(*client_));
    const std::string number = std::to_string(through.number);
    const std::array<std::string_view, 5> arguments{id, kept, number, through.hash, actor};
    ALDIS_TRY_ASSIGN(const Reply answer, client_->run(kAuditRotate, group_, arguments, Durability::durable));
    return read_count_answer(answer);
  }

 private:
  const std::shared_ptr<RedisClient> client_;
  const std::string group_;
};

}  // namespace

std::shared_ptr<AuditStore> make_redis_audit(std::shared_ptr<RedisClient> client, const Groups& groups) {
  return std::make_shared<RedisAudit>(std::move(client), groups.approvals());
}

}  // namespace aldis
