#include "permission.h"

#include <aldis/approvals.h>

#include <chrono>

#include "messages.h"
#include "text.h"

namespace code_review {
namespace {

constexpr std::chrono::minutes kPatience{2};

aldis::Result<aldis::Json> context_of(const std::string& report_path, const Reviews& reviews) {
  const std::size_t findings = count_findings(reviews);
  const std::string question = "publish report with " + std::to_string(findings) + " findings?";
  return aldis::Json::parse(
      "{\"question\":" + aldis::json_quote(question) + ",\"report\":" + aldis::json_quote(report_path) +
      ",\"files\":" + std::to_string(reviews.size()) + ",\"findings\":" + std::to_string(findings) + "}");
}

aldis::Result<void> refused(const std::string& why) {
  return std::unexpected(
      aldis::Error{aldis::ErrorCode::failed_precondition, "the report was not written: " + why, false});
}

aldis::Result<void> heed(const aldis::ApprovalOutcome& outcome) {
  const aldis::ApprovalRequest& request = outcome.request;
  const std::string reason = request.reason.empty() ? "" : " (" + printable(request.reason) + ")";
  switch (outcome.end) {
    case aldis::ApprovalEnd::approved:
      return {};
    case aldis::ApprovalEnd::rejected:
      return refused("rejected by " + printable(request.responder) + reason);
    case aldis::ApprovalEnd::timed_out:
      return refused("nobody approved it within two minutes");
    case aldis::ApprovalEnd::cancelled:
      return refused("the request was cancelled" + reason);
  }
  return {};
}

}  // namespace

aldis::Result<void> ask_permission(Agent& agent, const std::string& report_path, const Reviews& reviews) {
  auto gate = aldis::ApprovalGate::open(agent.workspace, agent.id);
  if (!gate) return std::unexpected(gate.error());
  auto context = context_of(report_path, reviews);
  if (!context) return std::unexpected(context.error());
  const auto request = gate->open_request(kPublishReport, *context, kPatience);
  if (!request) return std::unexpected(request.error());
  for (;;) {
    const auto outcome = gate->wait(*request, kBeatEvery);
    if (outcome) return heed(*outcome);
    if (outcome.error().code != aldis::ErrorCode::deadline_exceeded) return std::unexpected(outcome.error());
    if (auto beaten = agent.beat("waiting for approval", reviews.size(), reviews.size()); !beaten) return beaten;
  }
}

}  // namespace code_review
