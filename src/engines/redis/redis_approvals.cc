#include "engines/redis/redis_approvals.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/sha256.h"
#include "core/try.h"
#include "engines/redis/approval_codec.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/scripts.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::nanoseconds;

static_assert(limits::kApprovalRetention == days{30}, "scripts/lib/approval.lua counts with it");
static_assert(limits::kRedisApprovalsIdle == days{400}, "scripts/lib/audit.lua and approval.lua count with a day more");

using Arguments = std::vector<std::string>;

std::string hash_of(const std::string& text) { return text.empty() ? std::string() : sha256_hex(text); }

std::string letter_of(ApprovalState state) { return std::string(to_string(state).substr(0, 1)); }

Arguments open_arguments(const ApprovalSubject& subject) {
  return {short_id(subject.id),
          subject.type,
          subject.agent,
          subject.key,
          subject.context,
          subject.context_hash,
          subject.timeout ? std::to_string(subject.timeout->count()) : "",
          subject.timeout ? microseconds_text(*subject.timeout) : "",
          subject.policy_hash,
          std::to_string(subject.quorum),
          std::to_string(limits::kPendingApprovalsMax),
          std::to_string(limits::kAuditEntriesMax)};
}

Arguments change_arguments(const Id128& id, const ApprovalChange& change) {
  Arguments arguments{short_id(id),
                      short_id(change.id),
                      std::to_string(change.seen_version),
                      letter_of(change.state),
                      change.responder,
                      change.reason,
                      hash_of(change.reason)};
  if (!change.vote) return arguments;
  const StoredVote& vote = *change.vote;
  for (std::string text : {vote.responder, std::string(vote.approved ? "1" : "0"), vote.reason, hash_of(vote.reason),
                           std::to_string(vote.time.time_since_epoch().count()), vote.key_id, vote.signature})
    arguments.push_back(std::move(text));
  return arguments;
}

Arguments list_arguments(const ApprovalPage& page, const std::optional<Id128>& after, std::size_t count) {
  using enum ApprovalState;
  std::string states;
  for (const ApprovalState state : {pending, approved, rejected, timed_out, cancelled}) {
    const bool is_asked_for = page.states.empty() || std::ranges::find(page.states, state) != page.states.end();
    if (is_asked_for) states += letter_of(state);
  }
  return {std::string(page.type),
          std::string(page.agent),
          after ? short_id(*after) : "",
          std::to_string(std::min(count, limits::kApprovalPage)),
          std::to_string(limits::kRedisPageBytesMax),
          states};
}

class RedisApprovals final : public ApprovalStore {
 public:
  RedisApprovals(std::shared_ptr<RedisClient> client, std::string group)
      : client_(std::move(client)), group_(std::move(group)) {}

  Result<OpenedApproval> open(const ApprovalSubject& subject) override {
    ALDIS_TRY_ASSIGN(const Reply answer,
                     run_until_settled(kApprovalOpen, open_arguments(subject), Durability::durable));
    return read_opened_answer(answer, subject);
  }

  Result<std::optional<ApprovalReading>> read(const Id128& id) override {
    ALDIS_TRY_ASSIGN(const Reply answer, run_until_settled(kApprovalRead, {short_id(id)}, Durability::fleeting));
    return read_approval_answer(answer);
  }

  Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) override {
    std::vector<ApprovalReading> all;
    std::optional<Id128> after = page.after;
    while (all.size() < page.count) {
      const Arguments arguments = list_arguments(page, after, page.count - all.size());
      ALDIS_TRY_ASSIGN(const Reply answer, run_until_settled(kApprovalList, arguments, Durability::fleeting));
      ALDIS_TRY_ASSIGN(ApprovalAnswerPage part, read_approval_page(answer));
      std::ranges::move(part.readings, std::back_inserter(all));
      if (part.is_last) break;
      after = all.back().record.subject.id;
    }
    return all;
  }

  Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) override {
    ALDIS_TRY_ASSIGN(const Reply answer,
                     run_until_settled(kApprovalChange, change_arguments(id, change), Durability::durable));
    return read_change_answer(answer);
  }

  Result<std::uint64_t> remove_timed_out(nanoseconds age) override {
    const Arguments arguments{short_id(make_id(WallTime{})), microseconds_text(operation_kept(*client_)),
                              microseconds_text(age), std::to_string(limits::kApprovalPage)};
    ALDIS_TRY_ASSIGN(const Reply answer, run_until_settled(kApprovalRemove, arguments, Durability::durable));
    return read_count_answer(answer);
  }

  Result<std::string> store_id() override {
    const std::string proposal =
        sha256_hex(short_id(make_id(WallTime{})) + short_id(make_id(WallTime{}))).substr(0, 32);
    const std::array<std::string_view, 1> arguments{proposal};
    ALDIS_TRY_ASSIGN(const Reply answer, client_->run(kApprovalStoreId, group_, arguments, Durability::durable));
    return read_store_id_answer(answer);
  }

 private:
  // Each run settles some of what is due, or does what it was called for.
  Result<Reply> run_until_settled(const Script& script, const Arguments& arguments, Durability durability) {
    const std::string settled = std::to_string(limits::kSettledPerWrite);
    const std::string timed_out = std::to_string(limits::kRedisTimedOutPerScript);
    std::vector<std::string_view> views{settled, timed_out};
    views.insert(views.end(), arguments.begin(), arguments.end());
    for (unsigned runs = 0; runs < limits::kRedisSettleRunsMax; ++runs) {
      ALDIS_TRY_ASSIGN(Reply answer, client_->run(script, group_, views, durability));
      if (!is_unfinished(answer)) return answer;
    }
    return fail(ErrorCode::unavailable, "more approval requests are due in {} than {} runs of {} settle: try again",
                group_, limits::kRedisSettleRunsMax, script.name);
  }

  const std::shared_ptr<RedisClient> client_;
  const std::string group_;
};

}  // namespace

std::shared_ptr<ApprovalStore> make_redis_approvals(std::shared_ptr<RedisClient> client, const Groups& groups) {
  return std::make_shared<RedisApprovals>(std::move(client), groups.approvals());
}

}  // namespace aldis
