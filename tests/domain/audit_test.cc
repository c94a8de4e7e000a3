// Heads of the audit log, and the log over the twin: reading, verifying and rotating it, also while others work on it.

#include "aldis/audit.h"

#include <gmock/gmock.h>

#include <functional>

#include "approvals_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(AuditHeads, are_written_and_read_as_number_and_hash) {
  const AuditHead head{.number = 17, .hash = std::string(63, 'a') + "0"};
  EXPECT_EQ(format_audit_head(head), "17:" + head.hash);
  EXPECT_EQ(*parse_audit_head(format_audit_head(head)), head);
  EXPECT_EQ(*parse_audit_head(format_audit_head({})), AuditHead{});
  const std::string hash(64, 'a');
  for (const std::string& wrong :
       {std::string(), std::string("17"), std::string("17:"), hash, ":" + hash, "017:" + hash, "-1:" + hash,
        "+1:" + hash, " 17:" + hash, "17:" + hash + "a", "17:" + hash + "\n", "17:" + std::string(64, 'A'),
        "17:" + std::string(64, 'g'), "18446744073709551616:" + hash, "17;" + hash}) {
    const auto parsed = parse_audit_head(wrong);
    EXPECT_FALSE(parsed) << wrong;
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    }
  }
}

class AuditLogTest : public ::testing::Test {
 protected:
  void decide(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = world.ask("alice").request_id;
      ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob"));
    }
  }

  ApprovalsWorld world;
  AuditLog log{world.workspace()};
};

TEST_F(AuditLogTest, is_empty_before_anything_was_asked) {
  EXPECT_EQ(*log.head(), AuditHead{});
  EXPECT_THAT(*log.list(), SizeIs(0));
  const auto verified = log.verify();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault);
  EXPECT_EQ(verified->entries, 0u);
}

TEST_F(AuditLogTest, is_read_page_by_page) {
  decide(2);
  EXPECT_THAT(*log.list(), SizeIs(6));
  EXPECT_THAT(*log.list(4), SizeIs(2));
  EXPECT_EQ(log.list(4)->front().number, 5u);
  EXPECT_THAT(*log.list(0, 2), SizeIs(2));
  EXPECT_THAT(*log.list(6), SizeIs(0));
  EXPECT_EQ(*log.head(), (AuditHead{6, log.list()->back().hash}));
  for (const std::size_t count : {std::size_t{0}, limits::kAuditPage + 1}) {
    EXPECT_EQ(code_of(log.list(0, count)), ErrorCode::invalid_argument);
  }
}

TEST_F(AuditLogTest, of_more_than_a_page_is_visited_and_verified_whole) {
  decide(700);
  std::uint64_t seen = 0;
  ASSERT_TRUE(log.for_each([&](const AuditEntry& entry) {
    EXPECT_EQ(entry.number, ++seen);
    return true;
  }));
  EXPECT_EQ(seen, 2100u);
  const auto verified = log.verify(*log.head());
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->entries, 2100u);
  EXPECT_TRUE(verified->head_proven);
}

TEST_F(AuditLogTest, is_visited_until_the_visitor_has_enough) {
  decide(3);
  int seen = 0;
  ASSERT_TRUE(log.for_each([&](const AuditEntry&) { return ++seen < 4; }));
  EXPECT_EQ(seen, 4);
}

TEST_F(AuditLogTest, goes_on_after_a_rotation_and_keeps_its_numbers) {
  decide(3);
  const AuditHead exported{6, log.list()->at(5).hash};
  EXPECT_EQ(*log.rotate(exported, "dana"), 6u);
  const auto entries = *log.list();
  EXPECT_EQ(entries.front().number, 7u);
  EXPECT_EQ(entries.back().kind, AuditKind::rotated);
  EXPECT_EQ(entries.back().detail_hash, exported.hash);
  decide(1);
  const auto verified = log.verify(exported);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->first, exported);
  EXPECT_TRUE(verified->head_proven);
  EXPECT_EQ(verified->entries, 7u);
}

TEST_F(AuditLogTest, cannot_prove_a_head_from_before_its_rotation_and_calls_that_no_fault) {
  decide(3);
  const AuditHead noted{5, log.list()->at(4).hash};
  ASSERT_TRUE(log.rotate({6, log.list()->at(5).hash}, "dana"));
  for (const AuditHead& old : {noted, AuditHead{5, std::string(64, 'f')}, AuditHead{}}) {
    const auto verified = log.verify(old);
    EXPECT_EQ(code_of(verified), ErrorCode::failed_precondition);
    EXPECT_THAT(error_of(verified).message,
                AllOf(HasSubstr(format_audit_head(old)), HasSubstr("removed the entries up to 6"),
                      HasSubstr("what was exported"), HasSubstr("note the head anew")));
  }
}

TEST_F(AuditLogTest, says_who_rotated_it) {
  decide(1);
  ASSERT_TRUE(log.rotate(*log.head(), "dana"));
  EXPECT_EQ(log.list()->back().actor, "dana");
  for (const char* const name : {"", "no name"}) {
    EXPECT_EQ(code_of(log.rotate(*log.head(), name)), ErrorCode::invalid_argument);
  }
  EXPECT_THAT(*log.list(), SizeIs(1));
}

TEST_F(AuditLogTest, is_not_rotated_at_a_head_that_it_does_not_hold) {
  decide(1);
  EXPECT_EQ(code_of(log.rotate({2, std::string(64, 'f')}, "dana")), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(log.rotate({9, log.head()->hash}, "dana")), ErrorCode::failed_precondition);
  EXPECT_THAT(*log.list(), SizeIs(3));
}

// A store that others work on while it is read, or that does not answer.
class BusyAudit final : public AuditStore {
 public:
  explicit BusyAudit(std::shared_ptr<AuditStore> store) : store_(std::move(store)) {}
  std::function<void()> before_entries;
  std::function<void(AuditEntry&)> tamper;
  std::optional<std::uint64_t> stray;
  bool failing = false;
  Result<AuditBounds> bounds() override {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    auto bounds = store_->bounds();
    if (bounds) bounds->stray = stray;
    return bounds;
  }
  Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) override {
    if (before_entries) std::exchange(before_entries, {})();
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    auto entries = store_->entries(after, count);
    if (entries && tamper) std::ranges::for_each(*entries, tamper);
    return entries;
  }
  Result<std::uint64_t> rotate(const AuditHead& through, std::string_view actor) override {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    return store_->rotate(through, actor);
  }

 private:
  const std::shared_ptr<AuditStore> store_;
};

class BusyAuditLogTest : public AuditLogTest {
 protected:
  Workspace busy_workspace() {
    WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
    parts.audit = store;
    return Workspace(std::make_shared<Workspace::Impl>(WorkspaceOptions{}, std::move(parts)));
  }
  const std::shared_ptr<BusyAudit> store = std::make_shared<BusyAudit>(world.memory.audit);
  AuditLog busy{busy_workspace()};
};

TEST_F(BusyAuditLogTest, that_grows_while_it_is_verified_has_no_fault) {
  decide(2);
  store->before_entries = [&] { decide(1); };
  const auto verified = busy.verify();
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->entries, 9u);
}

TEST_F(BusyAuditLogTest, that_is_rotated_while_it_is_verified_has_no_fault) {
  decide(2);
  store->before_entries = [&] { ASSERT_TRUE(log.rotate({3, log.list()->at(2).hash}, "dana")); };
  const auto verified = busy.verify();
  EXPECT_FALSE(verified->fault) << verified->fault->what;
  EXPECT_EQ(verified->first.number, 3u);
}

TEST_F(BusyAuditLogTest, that_has_a_fault_is_not_rotated) {
  decide(3);
  const AuditHead exported{6, log.list()->at(5).hash};
  store->tamper = [](AuditEntry& entry) {
    if (entry.number == 2) entry.actor = "mallory";
  };
  const Error error = error_of(busy.rotate(exported, "dana"));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("entry 2 was changed"));
  EXPECT_THAT(*log.list(), SizeIs(9)) << "what proves it is still there";
  store->tamper = {};
  EXPECT_EQ(*busy.rotate(exported, "dana"), 6u);
}

TEST_F(BusyAuditLogTest, that_has_an_entry_below_its_beginning_has_a_fault) {
  decide(3);
  ASSERT_TRUE(log.rotate({6, log.list()->at(5).hash}, "dana"));
  EXPECT_FALSE(busy.verify()->fault);
  store->stray = 4;
  const auto verified = busy.verify();
  ASSERT_TRUE(verified->fault);
  EXPECT_EQ(verified->fault->number, 4u);
  EXPECT_THAT(verified->fault->what, HasSubstr("stored as number 4, and the log begins behind 6"));
}

TEST_F(BusyAuditLogTest, that_has_a_fault_says_so_whatever_head_was_noted) {
  decide(3);
  const AuditHead noted{5, log.list()->at(4).hash};
  ASSERT_TRUE(log.rotate({6, log.list()->at(5).hash}, "dana"));
  store->stray = 4;
  EXPECT_EQ(busy.verify(noted)->fault->number, 4u);
}

TEST_F(BusyAuditLogTest, that_cannot_be_reached_is_not_said_to_be_sound) {
  decide(1);
  store->failing = true;
  EXPECT_EQ(code_of(busy.verify()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.list()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.head()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.rotate({}, "dana")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(busy.for_each([](const AuditEntry&) { return true; })), ErrorCode::unavailable);
}

}  // namespace
}  // namespace aldis::testing
