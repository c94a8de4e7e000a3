// A call of approvals or of the audit log whose answer is lost is done once, and answers as if nothing had happened.

#include <gmock/gmock.h>

#include <future>
#include <memory>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_approvals.h"
#include "engines/redis/redis_audit.h"
#include "engines/redis/store_url.h"
#include "redis/chaos_proxy.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class LostApprovalAnswer : public ::testing::Test {
 protected:
  // The server knows the scripts: what is lost is the answer of one, not that its text must be sent.
  void SetUp() override {
    const Groups others("others");
    const auto requests = make_redis_approvals(witness_, others);
    const ApprovalSubject asked = subject();
    ASSERT_TRUE(requests->open(asked));
    ASSERT_TRUE(requests->change(asked.id, vote()));
    ASSERT_TRUE(requests->remove_timed_out(0ns));
    const auto log = make_redis_audit(witness_, others);
    ASSERT_TRUE(log->rotate(log->bounds().value().head, "cli"));
  }
  // The answer of `call`, which the server carries out while no answer arrives: `is_done` says when it has.
  template <class Call, class IsDone>
  auto without_answer(Call call, IsDone is_done) {
    EXPECT_TRUE(approvals_->store_id()) << "a connection is there";
    proxy_.misbehave(ChaosProxy::Direction::to_client, {.cut_after = 0});
    auto calling = std::async(std::launch::async, call);
    EXPECT_TRUE(eventually(is_done));
    proxy_.behave();
    return calling.get();
  }
  std::uint64_t recorded() { return seen_audit_->bounds().value().head.number; }
  std::vector<std::string> kinds() {
    std::vector<std::string> all;
    const auto entries = seen_audit_->entries(0, 100);
    for (const AuditEntry& entry : entries.value()) all.emplace_back(to_string(entry.kind));
    return all;
  }

  ApprovalSubject subject(std::optional<std::chrono::nanoseconds> timeout = 300s) const {
    return {.id = make_id(clock_->wall_now()),
            .type = "deploy",
            .agent = "ann",
            .context = "{}",
            .context_hash = std::string(64, 'c'),
            .timeout = timeout};
  }
  ApprovalChange vote() const {
    return {.id = make_id(clock_->wall_now()),
            .seen_version = 1,
            .vote = StoredVote{.responder = "bob", .approved = true, .time = clock_->wall_now()},
            .state = ApprovalState::approved,
            .responder = "bob"};
  }

  ApprovalStore& approvals() { return *approvals_; }
  AuditStore& audit() { return *audit_; }
  ApprovalStore& seen_approvals() { return *seen_approvals_; }

 private:
  std::shared_ptr<RedisClient> client_of(const std::string& url) const {
    return RedisClient::open(parse_store_url(url).value(), 20s, clock_).value();
  }

  const std::shared_ptr<const Clock> clock_ = std::make_shared<SystemClock>();
  const RedisServer server_;
  ChaosProxy proxy_{server_.port()};
  const Groups groups_{"repeats"};
  const std::shared_ptr<RedisClient> client_ = client_of("redis://" + proxy_.address());
  const std::shared_ptr<ApprovalStore> approvals_ = make_redis_approvals(client_, groups_);
  const std::shared_ptr<AuditStore> audit_ = make_redis_audit(client_, groups_);
  // Past the proxy.
  const std::shared_ptr<RedisClient> witness_ = client_of(server_.url());
  const std::shared_ptr<ApprovalStore> seen_approvals_ = make_redis_approvals(witness_, groups_);
  const std::shared_ptr<AuditStore> seen_audit_ = make_redis_audit(witness_, groups_);
};

TEST_F(LostApprovalAnswer, of_a_request_leaves_one_request) {
  const ApprovalSubject asked = subject();
  const auto opened = without_answer([&] { return approvals().open(asked); }, [&] { return recorded() == 1; });
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->reading.record.subject, asked);
  EXPECT_EQ(opened->reading.record.version, 1U);
  EXPECT_THAT(kinds(), ElementsAre("requested"));
}

TEST_F(LostApprovalAnswer, of_a_change_is_that_it_was_made) {
  const ApprovalSubject asked = subject();
  ASSERT_TRUE(approvals().open(asked));
  const ApprovalChange change = vote();
  const auto outcome =
      without_answer([&] { return approvals().change(asked.id, change); }, [&] { return recorded() == 3; });
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_TRUE(std::holds_alternative<ApprovalChanged>(*outcome));
  EXPECT_EQ(std::get<ApprovalChanged>(*outcome).reading.record.votes.size(), 1U);
  EXPECT_THAT(kinds(), ElementsAre("requested", "vote", "decided"));
}

TEST_F(LostApprovalAnswer, of_a_rotation_is_how_many_entries_went) {
  ASSERT_TRUE(approvals().open(subject()));
  ASSERT_TRUE(approvals().open(subject()));
  const AuditHead head = audit().bounds().value().head;
  const auto removed = without_answer([&] { return audit().rotate(head, "cli"); }, [&] { return recorded() == 3; });
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 2U);
  EXPECT_THAT(kinds(), ElementsAre("rotated"));
}

TEST_F(LostApprovalAnswer, of_a_removal_is_how_many_requests_went) {
  const ApprovalSubject asked = subject(1us);
  ASSERT_TRUE(approvals().open(asked));
  ASSERT_TRUE(eventually([&] { return approvals().read(asked.id).value()->record.state == ApprovalState::timed_out; }));
  const auto removed = without_answer([&] { return approvals().remove_timed_out(0ns); },
                                      [&] { return !seen_approvals().read(asked.id).value(); });
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 1U);
}

}  // namespace
}  // namespace aldis::testing
