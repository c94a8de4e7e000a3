#include "approval_stage.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <filesystem>
#include <fstream>

#include "core/format.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWordsOfALine = 8;  // at most, but for messages

std::string store_of(const RedisServer* server, const RedisCluster* cluster) {
  if (server != nullptr) return server->url();
  return cluster != nullptr ? cluster->url() : "local:";
}

}  // namespace

ApprovalStage::ApprovalStage(std::string_view kind) {
  if (kind == "redis") server_ = std::make_unique<RedisServer>();
  if (kind == "cluster") cluster_ = std::make_unique<RedisCluster>();
  fleet_ = std::make_unique<Fleet>(store_of(server_.get(), cluster_.get()), ALDIS_APPROVAL_WORKER);
  fs::create_directories(fleet_->options().configuration_directory);
}

const Workspace& ApprovalStage::workspace() {
  if (!workspace_) workspace_ = fleet_->join();
  return *workspace_;
}

ApprovalGate ApprovalStage::gate(const std::string& agent) {
  auto gate = ApprovalGate::open(workspace(), agent);
  EXPECT_TRUE(gate) << gate.error().message;
  return *std::move(gate);
}

AuditLog ApprovalStage::audit() { return AuditLog(workspace()); }

ApprovalRequest ApprovalStage::read(const std::string& id) {
  auto request = gate().get_request(id);
  EXPECT_TRUE(request) << request.error().message;
  return request.value_or(ApprovalRequest{});
}

pid_t ApprovalStage::start(Words arguments, const Words& environment) {
  return fleet_->start(std::move(arguments), "default", environment);
}

void ApprovalStage::kill(pid_t worker) {
  fleet_->kill(worker);
  while (fleet_->unheard() > 0) fleet_->hear();
  kept_.clear();
}

Words ApprovalStage::hear(std::string_view word) {
  for (auto line = kept_.begin();; ++line) {
    if (line == kept_.end()) {
      const auto said = fleet_->hear();
      if (!said) break;
      line = kept_.insert(kept_.end(), *said);
    }
    const bool is_failure = line->front() == "refused" || line->front() == "error";
    if (line->front() != word && !is_failure) continue;
    const Words found = *line;
    kept_.erase(line);
    if (found.front() == word) return {found.begin() + 1, found.end()};
    ADD_FAILURE() << "expected " << word << ", heard " << joined(found, 0);
    return Words(kWordsOfALine);
  }
  ADD_FAILURE() << "expected " << word << ", and everybody is silent";
  return Words(kWordsOfALine);
}

Words ApprovalStage::run(Words arguments, std::string_view word, const Words& environment) {
  const pid_t worker = start(std::move(arguments), environment);
  const Words said = hear(word);
  EXPECT_EQ(fleet_->wait_for_end(worker), 0);
  return said;
}

std::string ApprovalStage::hear_end() { return hear("ended").at(1); }

ApprovalStage::Waiter ApprovalStage::open(Words arguments, const Words& environment) {
  arguments.insert(arguments.begin(), "open");
  Waiter waiter;
  waiter.pid = start(std::move(arguments), environment);
  waiter.id = hear("opened").at(1);
  if (!waiter.id.empty()) wait_until_asleep(waiter.pid);
  return waiter;
}

std::string ApprovalStage::audit_fault() {
  const auto verified = audit().verify();
  if (!verified) return verified.error().message;
  return verified->fault ? verified->fault->what : "";
}

std::string ApprovalStage::audit_of(const std::string& id) {
  std::string text;
  const auto visited = audit().for_each([&](const AuditEntry& entry) {
    if (entry.request_id != id) return true;
    if (!text.empty()) text += ", ";
    text += to_string(entry.kind);
    if (!entry.outcome.empty()) text += " " + entry.outcome;
    if (!entry.actor.empty()) text += " by " + entry.actor;
    return true;
  });
  EXPECT_TRUE(visited) << visited.error().message;
  return text;
}

void wait_until_asleep(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/syscall", pid);
  EXPECT_TRUE(eventually([&] {
    long number = -1;
    std::ifstream(path) >> number;
    return number == SYS_futex;
  })) << "process "
      << pid << " does not sleep";
}

std::string joined(const Words& words, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (i == from ? "" : " ") + words[i];
  return text;
}

}  // namespace aldis::testing
