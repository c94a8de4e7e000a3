#pragma once
// The fixture of the contract tests of approvals and their audit log: small verbs over an ApprovalStore and an
// AuditStore. Header only.
//
// Model: a test asks, answers, moves the clock and looks; requests and changes are told apart by their ids, which count
// up. What fails or is not there fails the test and reads as empty.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "contract/engines.h"
#include "contract/listening.h"
#include "core/sha256.h"
#include "domain/audit_check.h"

namespace aldis::testing {

using namespace std::chrono_literals;

inline const std::string kContext = R"({"to":"production"})";

struct AskOptions {
  std::string type = "deploy";
  std::string agent = "ann";
  std::string key = {};
  std::optional<std::chrono::nanoseconds> timeout = 300s;
  std::string policy_hash = {};
};

class ApprovalContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  ApprovalSubject subject(const AskOptions& options = {}) {
    return {.id = next_id(),
            .type = options.type,
            .agent = options.agent,
            .key = options.key,
            .context = kContext,
            .context_hash = sha256_hex(kContext),
            .timeout = options.timeout,
            .policy_hash = options.policy_hash,
            .quorum = 2};
  }
  OpenedApproval open(const ApprovalSubject& asked) {
    auto opened = store().open(asked);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *std::move(opened) : OpenedApproval{};
  }
  Id128 ask(const AskOptions& options = {}) { return open(subject(options)).reading.record.subject.id; }

  ApprovalReading reading(const Id128& id) {
    const auto found = store().read(id);
    EXPECT_TRUE(found) << found.error().message;
    EXPECT_TRUE(found.value_or(std::nullopt)) << "there is no such request";
    return found.value_or(std::nullopt).value_or(ApprovalReading{});
  }
  ApprovalRecord record(const Id128& id) { return reading(id).record; }
  ApprovalState state(const Id128& id) { return record(id).state; }
  bool exists(const Id128& id) { return store().read(id).value().has_value(); }
  std::vector<Id128> list(const ApprovalPage& page = {}) {
    ApprovalPage whole = page;
    if (page.count == 0) whole.count = 1'000;
    std::vector<Id128> ids;
    const auto found = store().list(whole);
    EXPECT_TRUE(found) << found.error().message;
    for (const ApprovalReading& one : found.value()) ids.push_back(one.record.subject.id);
    return ids;
  }

  // A change of the record as it is now.
  ApprovalChange vote_change(const Id128& id, std::string responder, bool approved = true, std::string reason = {}) {
    return {
        .id = next_id(),
        .seen_version = record(id).version,
        .vote = StoredVote{
            .responder = std::move(responder), .approved = approved, .reason = std::move(reason), .time = kVotedAt}};
  }
  ApprovalChange decision(const Id128& id, ApprovalState state, std::string responder = "bob",
                          std::string reason = {}) {
    return {.id = next_id(),
            .seen_version = record(id).version,
            .state = state,
            .responder = std::move(responder),
            .reason = std::move(reason)};
  }
  // Whether it was made; the reading that it was answered with is in `answer_`.
  bool change(const Id128& id, const ApprovalChange& change) {
    const auto outcome = store().change(id, change);
    EXPECT_TRUE(outcome) << outcome.error().message;
    if (!outcome) return false;
    std::visit([this](const auto& one) { answer_ = one.reading; }, *outcome);
    return std::holds_alternative<ApprovalChanged>(*outcome);
  }
  void vote(const Id128& id, std::string responder) {
    EXPECT_TRUE(change(id, vote_change(id, std::move(responder)))) << "superseded";
  }
  void decide(const Id128& id, ApprovalState state = ApprovalState::approved, std::string responder = "bob") {
    EXPECT_TRUE(change(id, decision(id, state, std::move(responder)))) << "superseded";
  }

  AuditBounds bounds() {
    const auto bounds = audit().bounds();
    EXPECT_TRUE(bounds) << bounds.error().message;
    return bounds.value_or(AuditBounds{});
  }
  // What `aldis audit verify` would find; none: the log is as it was written.
  std::optional<AuditFault> fault() {
    const AuditBounds seen = bounds();
    AuditCheck check(seen, {});
    for (const AuditEntry& entry : entries()) {
      if (!check.take(entry)) break;
    }
    return check.finish().fault;
  }
  std::vector<AuditEntry> entries(std::uint64_t after = 0, std::size_t count = 1'000) {
    const auto entries = audit().entries(after, count);
    EXPECT_TRUE(entries) << entries.error().message;
    return entries.value_or(std::vector<AuditEntry>{});
  }
  AuditEntry last_entry() {
    const std::vector<AuditEntry> all = entries();
    EXPECT_FALSE(all.empty()) << "nothing was recorded";
    return all.empty() ? AuditEntry{} : all.back();
  }
  // As "requested", "decided timed_out"…, oldest first.
  std::vector<std::string> recorded() {
    std::vector<std::string> kinds;
    for (const AuditEntry& entry : entries())
      kinds.push_back(std::string(to_string(entry.kind)) + (entry.outcome.empty() ? "" : " ") + entry.outcome);
    return kinds;
  }

  // `ok` stands for a success.
  template <class T>
  static std::string outcome_of(const Result<T>& result) {
    return result ? "ok" : std::string(to_string(result.error().code));
  }
  Listening listening() { return {engine_->waker(), GetParam()}; }

  Id128 next_id() {
    ++ids_;
    Id128 id;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[13 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return id;
  }
  ApprovalStore& store() { return engine_->approvals(); }
  AuditStore& audit() { return engine_->audit(); }
  EngineUnderTest& engine() { return *engine_; }
  void advance(std::chrono::nanoseconds by) { engine_->advance(by); }

  static constexpr WallTime kVotedAt{std::chrono::seconds{1'790'000'123}};
  ApprovalReading answer_;

 private:
  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
  std::uint64_t ids_ = 0;
};

inline std::string engine_name(const ::testing::TestParamInfo<EngineKind>& info) { return info.param.name; }

}  // namespace aldis::testing
