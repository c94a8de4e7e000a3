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

// How the request is in the end, or the error.
std::string ask_and_answer(ApprovalGate& asking, ApprovalGate& answering) {
  const auto opened = asking.open_request("deploy", kContext);
  return opened ? line_of(answering.respond_to_approval(opened->request_id, true, "dana")) : describe(opened);
}

// On a state directory that is a small file system. The first line that is not as it must be; "" if all are.
class FullDisk {
 public:
  explicit FullDisk(const std::string& directory) : options_(options_in(directory, "local:", "default")) {}

  std::string run() {
    const auto workspace = Workspace::open(options_);
    if (!workspace) return describe(workspace);
    auto worker = ApprovalGate::open(*workspace, "worker");
    auto dana = ApprovalGate::open(*workspace);
    if (!worker || !dana) return describe(worker) + describe(dana);
    if (const std::string line = ask_and_answer(*worker, *dana); line != "approved") return "at first: " + line;
    fill(options_.state_directory);
    std::size_t requests = 1;
    if (const std::string line = ask_on_a_full_disk(*worker, requests); !line.empty()) return line;
    std::filesystem::remove(options_.state_directory + "/filler");
    if (const std::string line = ask_and_answer(*worker, *dana); line != "approved") return "with room: " + line;
    const std::string said = reading(options_);
    return said == expected(requests + 1, 2) ? "" : "in the end: " + said;
  }

 private:
  // Counts in `requests` those that the files of the ledger had room for although the disk is full.
  std::string ask_on_a_full_disk(ApprovalGate& worker, std::size_t& requests) const {
    constexpr std::size_t kMost = 2000;
    Result<ApprovalRequest> last = worker.open_request("deploy", kContext);
    for (; last && requests < kMost; ++requests) last = worker.open_request("deploy", kContext);
    const std::string refused = describe(last);
    if (!refused.starts_with("resource_exhausted: ") || !refused.contains(options_.state_directory) ||
        !refused.contains("free some disk space")) {
      return "asking: " + refused;
    }
    if (const std::string said = reading(options_); said != expected(requests, 1)) return "here: " + said;
    const std::string said = in_child([&] { return reading(options_); });
    return said == expected(requests, 1) ? "" : "another process: " + said;
  }

  const WorkspaceOptions options_;
};

TEST(FullApprovalStore, on_a_disk_refuses_requests_until_there_is_room) {
  const ScratchDirectory scratch;
  for (const char* name : {"state", "configuration"}) std::filesystem::create_directory(scratch.file(name));
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
  EXPECT_EQ(line_of(stage.gate().respond_to_approval(first->request_id, true, "dana")), "approved");
  EXPECT_EQ(reading(stage.fleet().options()), expected(1, 1));
  stage.server().command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(line_of(gate.open_request("deploy", kContext)), "pending");
  EXPECT_EQ(reading(stage.fleet().options()), expected(2, 1));
}

}  // namespace
}  // namespace aldis::testing
