#include "approval_forgery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <variant>

#include "core/clock.h"
#include "core/fork_hold.h"
#include "core/format.h"
#include "domain/workspace_impl.h"
#include "engines/local/ledger_connection.h"
#include "engines/local/ledger_file.h"
#include "engines/redis/groups.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

constexpr std::size_t kSignatureBytes = 64;

Id128 id_of(const std::string& id) { return parse_id(kApprovalIdPrefix, id).value(); }

ApprovalReading read(const Workspace& workspace, const std::string& id) {
  const auto reading = workspace.impl()->approvals().read(id_of(id));
  EXPECT_TRUE(reading && *reading) << id;
  return reading->value();
}

// As a whole, or not at all. A connection has no patience of its own with somebody who is just closing the file.
void run_sql(const std::string& path, const std::string& sql) {
  std::string trouble;
  EXPECT_TRUE(eventually([&] {
    const ForkHold hold;
    const auto connection = LedgerConnection::open({path, LedgerAccess::shared, false});
    const Result<void> done = connection ? (*connection)->execute(sql) : std::unexpected(connection.error());
    trouble = done ? "" : done.error().message;
    return done || done.error().code != ErrorCode::deadline_exceeded;
  }));
  ASSERT_EQ(trouble, "");
}

std::string hexadecimal(const Id128& id) {
  std::string text;
  for (const auto byte : id.bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// The record of a request on a server, as src/engines/redis/scripts/lib/approval.lua keeps it; its 15 fields are in
// docs/formats.md.
constexpr const char* kForgeOnRedis = R"lua(
local group, id, key_id = ARGV[1], ARGV[2], ARGV[3]
local key = group .. ':r:' .. id
local record = cmsgpack.unpack(redis.call('HGET', key, 'r'))
record[11], record[12], record[13], record[15] = record[11] + 1, 'a', 'ann', record[8]
redis.call('ZADD', group .. ':i', 0, string.format('d%016d|%s|a|%s|%s', record[10], id, record[1], record[2]))
redis.call('HSET', key, 'r', cmsgpack.pack(record), 'v',
  cmsgpack.pack({ 'ann', '1', '', string.format('%d', record[8]), key_id, string.rep('x', 64) }))
)lua";

}  // namespace

std::string key_id_of(const Signers& signers, const std::string& name) {
  const auto approvers = list_approvers(signers.configuration());
  EXPECT_TRUE(approvers);
  const auto found = std::ranges::find(*approvers, name, &Approver::name);
  EXPECT_NE(found, approvers->end());
  return found->key_id;
}

StoredVote forged_vote(const std::string& responder, const std::string& key_id) {
  return {.responder = responder,
          .approved = true,
          .time = SystemClock{}.wall_now(),
          .key_id = key_id,
          .signature = std::string(kSignatureBytes, 'x')};
}

std::vector<StoredVote> stored_votes(const Workspace& workspace, const std::string& id) {
  return read(workspace, id).record.votes;
}

void write_votes(const Workspace& workspace, const std::string& id, const std::vector<StoredVote>& votes,
                 ApprovalState state) {
  for (std::size_t i = 0; i < votes.size(); ++i) {
    ApprovalChange change;
    change.id = make_id(SystemClock{}.wall_now());
    change.seen_version = read(workspace, id).record.version;
    change.vote = votes[i];
    if (i + 1 == votes.size() && state != ApprovalState::pending) {
      change.state = state;
      change.responder = votes[i].responder;
    }
    const auto changed = workspace.impl()->approvals().change(id_of(id), change);
    ASSERT_TRUE(changed) << changed.error().message;
    ASSERT_TRUE(std::holds_alternative<ApprovalChanged>(*changed)) << "it was decided before it could be forged";
  }
}

void write_verdict_past_the_library(ApprovalStage& stage, const std::string& id, const std::string& key_id) {
  const WorkspaceOptions options = stage.fleet().options();
  if (options.store != "local:") {
    const std::string short_id = id.substr(kApprovalIdPrefix.size());
    stage.server().command({"EVAL", kForgeOnRedis, "0", Groups("default").approvals(), short_id, key_id});
    return;
  }
  const std::string blob = hexadecimal(id_of(id));
  run_sql(ledger_path(options.state_directory, "default"),
          fmt::format("BEGIN IMMEDIATE; INSERT INTO approval_votes (approval, position, responder, approved, reason, "
                      "time_us, key_id, "
                      "signature, change) SELECT id, 0, 'ann', 1, '', opened_us, '{1}', zeroblob(64), zeroblob(16) "
                      "FROM approvals WHERE id = x'{0}'; "
                      "UPDATE approvals SET state = 'approved', responder = 'ann', decided_us = opened_us, "
                      "version = version + 1 WHERE id = x'{0}'; COMMIT",
                      blob, key_id));
}

void edit_row(ApprovalStage& stage, const std::string& id, const std::string& assignments) {
  run_sql(ledger_path(stage.fleet().options().state_directory, "default"),
          fmt::format("UPDATE approvals SET {} WHERE id = x'{}'", assignments, hexadecimal(id_of(id))));
}

void copy_approvals(ApprovalStage& stage, const std::string& namespace_name) {
  const WorkspaceOptions options = stage.fleet().options();
  if (options.store == "local:") {
    const std::string copy = ledger_path(options.state_directory, namespace_name);
    run_sql(ledger_path(options.state_directory, "default"), fmt::format("VACUUM INTO '{}'", copy));
    std::filesystem::permissions(copy, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return;
  }
  const std::string from = Groups("default").approvals();
  std::istringstream keys(stage.server().command({"KEYS", from + "*"}));
  for (std::string key; std::getline(keys, key);) {
    if (key.ends_with('\r')) key.pop_back();
    stage.server().command({"COPY", key, Groups(namespace_name).approvals() + key.substr(from.size())});
  }
}

}  // namespace aldis::testing
