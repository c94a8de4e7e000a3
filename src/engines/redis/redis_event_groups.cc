#include "engines/redis/redis_event_groups.h"

#include <algorithm>
#include <string>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/event_answers.h"
#include "engines/redis/patience.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/scripts.h"
#include "engines/redis/stream_registry.h"

namespace aldis {
namespace {

// What a script unpacks at once.
constexpr std::size_t kOrdinalsPerScript = limits::kConsumeCountMax;
static_assert(limits::kGroupRetention == std::chrono::days{30}, "scripts/event_group_read.lua says it in a message");

std::string new_call() { return short_id(make_id(WallTime{})); }

class RedisEventGroups final : public EventGroupStore {
 public:
  RedisEventGroups(const std::shared_ptr<RedisClient>& client, const Groups& groups,
                   const std::shared_ptr<const Clock>& clock)
      : client_(client), groups_(groups), clock_(clock), registry_(client, groups, clock) {}

  Result<GroupSlice> read(const GroupRead& read) override {
    const Patience patience(*clock_, {}, client_->call_timeout());
    std::vector<std::string> arguments = read_arguments(read);
    for (unsigned runs = 0; runs < limits::kRedisSettleRunsMax; ++runs) {
      ALDIS_TRY_ASSIGN(const Reply answer, run(kEventGroupRead, read.type, arguments, Durability::durable_change));
      if (is_unfinished(answer)) continue;
      if (is_unknown_stream(answer)) {
        ALDIS_TRY(registry_.announce(read.type));
        arguments.back() = std::to_string(limits::kStreamLengthDefault);
        continue;
      }
      ALDIS_TRY_ASSIGN(GroupSlice slice, read_group_answer(read.type, answer));
      if (!slice.missing) registry_.announce_again(read.type, patience.left());
      return slice;
    }
    return fail(ErrorCode::unavailable, "the group {} of stream {} lost more events than {} runs remove: try again",
                read.group, read.type, limits::kRedisSettleRunsMax);
  }

  Result<std::uint64_t> acknowledge(std::string_view type, std::string_view group,
                                    std::span<const EventPlace> events) override {
    std::vector<std::string> arguments{std::string(group), new_call(), milliseconds_text(operation_kept(*client_))};
    for (const EventPlace& event : events) {
      arguments.push_back(ordinal_text(event.ordinal));
      arguments.push_back(std::to_string(event.ms));
    }
    ALDIS_TRY_ASSIGN(const Reply answer, run(kEventGroupAcknowledge, type, arguments, Durability::durable));
    return read_count_answer(answer);
  }

  Result<std::vector<PendingEvent>> pending(std::string_view type, std::string_view group, std::size_t count) override {
    const std::size_t page = std::min(count, kOrdinalsPerScript);
    ALDIS_TRY_ASSIGN(const Reply answer, run(kEventGroupPending, type, {std::string(group), std::to_string(page)}));
    return read_pending_events(answer);
  }

  Result<std::vector<GroupInfo>> groups(std::string_view type) override {
    ALDIS_TRY_ASSIGN(const Reply answer, run(kEventGroupList, type, {}));
    return read_groups_answer(answer);
  }

 private:
  std::vector<std::string> read_arguments(const GroupRead& read) const {
    return {std::string(read.group),
            std::string(read.consumer),
            read.start_after ? ordinal_text(*read.start_after) : "",
            std::to_string(std::min(read.count, kOrdinalsPerScript)),
            microseconds_text(read.take_over_after),
            new_call(),
            milliseconds_text(operation_kept(*client_)),
            std::to_string(limits::kGroupsMax),
            microseconds_text(limits::kGroupRetention),
            std::to_string(limits::kRedisSettledPerScript),
            std::to_string(limits::kRedisPageBytesMax),
            std::string(kMakeNone)};
  }

  Result<Reply> run(const Script& script, std::string_view type, const std::vector<std::string>& arguments,
                    Durability durability = Durability::fleeting) {
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    return client_->run(script, groups_.stream(type), views, durability);
  }

  const std::shared_ptr<RedisClient> client_;
  const Groups groups_;
  const std::shared_ptr<const Clock> clock_;
  StreamRegistry registry_;
};

}  // namespace

std::shared_ptr<EventGroupStore> make_redis_event_groups(std::shared_ptr<RedisClient> client, const Groups& groups,
                                                         std::shared_ptr<const Clock> clock) {
  return std::make_shared<RedisEventGroups>(client, groups, clock);
}

}  // namespace aldis
