// A store without room: requests are refused with the reason, what was committed stays, and with room it goes on.

#include <gmock/gmock.h>

#include <filesystem>

#include "aldis/approvals.h"
#include "aldis/audit.h"
#include "approval_stage.h"
#include "core/format.h"
#include "fakes/scratch_directory.h"
#include "local/scratch.h"
#include "worker.h"

namespace aldis::testing {
namespace {

using ::testing::StartsWith;

const Json kContext = *Json::parse(fmt::format(R"({{"plan":"{}"}})", std::string(2000, 'p')));

std::string line_of(const Result<ApprovalRequest>& request) {
  return request ? std::string(to_string(request->status)) : describe(request);
}

// What can be read, and whether the audit log says the same: "12 requests, 1 approved, 14 entries".
std::string reading(const WorkspaceOptions& options) {
  const auto workspace = Workspace::open(options);
  if (!workspace) return describe(workspace);
  const auto gate = ApprovalGate::open(*workspace);
  if (!gate) return describe(gate);
  std::size_t requests = 0;
  std::size_t approved = 0;
  for (ApprovalFilter filter;;) {
    const auto page = gate->list(filter);
    if (!page) return describe(page);
    if (page->empty()) break;
    requests += page->size();
    for (const ApprovalRequest& request : *page) approved += request.status == ApprovalState::approved;
    filter.after = page->back().request_id;
  }
  const auto verified = AuditLog(*workspace).verify();
  if (!verified) return describe(verified);
  if (verified->fault) return verified->fault->what;
  return fmt::format("{} requests, {} approved, {} entries", requests, approved, verified->entries);
}

std::string expected(std::size_t requests, std::size_t approved) {
  return fmt::format("{} requests, {} approved, {} entries", requests, approved, requests + 2 * approved);
}

// On a state directory that is a small file system. The first line that is not as it must be; "" if all are.
class FullDisk {
 public:
  explicit FullDisk(const std::string& directory) : options_(options_in(directory, "local:", "default")) {}

  std::string run() {
    const auto workspace = Workspace::open(options_);
    if (!workspace) return describe(workspace);
    auto gate = ApprovalGate::open(*workspace, "worker");
    if (!gate) return describe(gate);
    const auto first = gate->open_request("deploy", kContext);
    if (!first) return describe(first);
    if (const std::string line = line_of(gate->respond_to_approval(first->request_id, true, "dana"));
        line != "approved") {
      return "answering: " + line;
    }
    fill(options_.state_directory);
    return ask_on_a_full_disk(*gate);
  }

 private:
  std::string ask_on_a_full_disk(ApprovalGate& gate) {
    constexpr std::size_t kMost = 2000;  // what the files of the ledger have room for although the disk is full
    std::size_t requests = 1;
    Result<ApprovalRequest> last = gate.open_request("deploy", kContext);
    for (; last && requests < kMost; ++requests) last = gate.open_request("deploy", kContext);
    const std::string refused = describe(last);
    if (!refused.starts_with("resource_exhausted: ") || !refused.contains(options_.state_directory) ||
        !refused.contains("free some disk space")) {
      return "asking: " + refused;
    }
    if (const std::string said = reading(options_); said != expected(requests, 1)) return "here: " + said;
    if (const std::string said = in_child([&] { return reading(options_); }); said != expected(requests, 1)) {
      return "another process: " + said;
    }
    std::filesystem::remove(options_.state_directory + "/filler");
    const auto next = gate.open_request("deploy", kContext);
    if (!next) return "asking again: " + describe(next);
    if (const std::string line = line_of(gate.respond_to_approval(next->request_id, true, "dana")); line != "approved") {
      return "answering again: " + line;
    }
    const std::string said = reading(options_);
    return said == expected(requests + 1, 2) ? "" : "in the end: " + said;
  }

  const WorkspaceOptions options_;
};

TEST(FullApprovalStore, on_a_disk_refuses_requests_until_there_is_room) {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.file("state"));
  const std::string said =
      on_small_file_system(scratch.file("state"), "2m", [&] { return FullDisk(scratch.path()).run(); });
  if (said == kCannotUnshare) GTEST_SKIP() << "no file system of one's own here";
  EXPECT_EQ(said, "");
}

TEST(FullApprovalStore, on_a_server_refuses_requests_until_there_is_room_and_takes_answers) {
  ApprovalStage stage("redis");
  ApprovalGate gate = stage.gate("worker");
  const auto first = gate.open_request("deploy", kContext);
  ASSERT_TRUE(first) << first.error().message;
  stage.server().command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(describe(gate.open_request("deploy", kContext)), StartsWith("resource_exhausted: "));
  EXPECT_EQ(reading(stage.fleet().options()), expected(1, 0));
  EXPECT_EQ(line_of(gate.respond_to_approval(first->request_id, true, "dana")), "approved");
  EXPECT_EQ(reading(stage.fleet().options()), expected(1, 1));
  stage.server().command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(line_of(gate.open_request("deploy", kContext)), "pending");
  EXPECT_EQ(reading(stage.fleet().options()), expected(2, 1));
}

}  // namespace
}  // namespace aldis::testing
