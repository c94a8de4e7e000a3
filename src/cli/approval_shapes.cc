#include "cli/approval_shapes.h"

#include <vector>

#include "cli/table.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

std::string time_or_nothing(const std::optional<WallTime>& time) { return time ? format_timestamp(*time) : ""; }

void write_votes(JsonWriter& json, const std::vector<ApprovalVote>& votes) {
  json.key("votes").begin_array();
  for (const ApprovalVote& vote : votes) {
    json.begin_object().text("responder", vote.responder).boolean("approved", vote.approved);
    json.text_or_null("reason", vote.reason).time("time", vote.time).text_or_null("key_id", vote.key_id);
    json.boolean("signature_valid", vote.signature_valid).end_object();
  }
  json.end_array();
}

// Who decided, and whether that is more than what they said of themselves.
std::string responder_text(const ApprovalRequest& request) {
  if (request.responder.empty()) return {};
  return request.responder + (request.verified ? " (verified)" : request.is_signed ? " (signed)" : " (not verified)");
}

}  // namespace

std::string status_text(const ApprovalRequest& request) {
  const std::string_view status = to_string(request.status);
  if (request.status == request.stored_status) return std::string(status);
  return fmt::format("{} (stored as {})", status, to_string(request.stored_status));
}

std::string answers_text(const ApprovalRequest& request) {
  return request.is_signed ? fmt::format("signed, {} of {} approvals", request.approvals, request.quorum)
                           : "open: the first one decides, and nobody checks whose it is";
}

std::string approval_json(const ApprovalRequest& request) {
  JsonWriter json;
  json.begin_object().text("request_id", request.request_id).text("approval_type", request.approval_type);
  json.text("agent_id", request.agent_id).raw("context", request.context.text());
  json.text("context_hash", request.context_hash).time("timestamp", request.timestamp);
  if (request.timeout) {
    json.seconds("timeout_seconds", *request.timeout);
  } else {
    json.key("timeout_seconds").null();
  }
  json.time("expires_at", request.expires_at).text("status", to_string(request.status));
  json.text("stored_status", to_string(request.stored_status));
  json.text_or_null("responder", request.responder).text_or_null("reason", request.reason);
  json.time("decided_at", request.decided_at).boolean("verified", request.verified);
  json.integer("approvals", request.approvals).integer("quorum", request.quorum);
  json.text("mode", request.is_signed ? "signed" : "open");
  write_votes(json, request.votes);
  return json.end_object().take();
}

std::string approver_json(const Approver& approver) {
  JsonWriter json;
  json.begin_object().text("name", approver.name).text("public_key", approver.public_key);
  json.text("key_id", approver.key_id).time("trusted_at", approver.trusted_at);
  return json.time("revoked_at", approver.revoked_at).end_object().take();
}

std::string audit_entry_json(const AuditEntry& entry) {
  JsonWriter json;
  json.begin_object().integer("number", static_cast<std::int64_t>(entry.number)).text("kind", to_string(entry.kind));
  json.time("time", entry.time).text_or_null("request_id", entry.request_id);
  json.text_or_null("approval_type", entry.approval_type).text_or_null("agent_id", entry.agent_id);
  json.text_or_null("actor", entry.actor).text_or_null("outcome", entry.outcome);
  json.text_or_null("key_id", entry.key_id).text_or_null("context_hash", entry.context_hash);
  json.text_or_null("detail_hash", entry.detail_hash).text("previous_hash", entry.previous_hash);
  return json.text("hash", entry.hash).end_object().take();
}

Colour colour_of(ApprovalState state) {
  switch (state) {
    case ApprovalState::approved:
      return Colour::green;
    case ApprovalState::rejected:
      return Colour::red;
    case ApprovalState::pending:
    case ApprovalState::timed_out:
      return Colour::yellow;
    case ApprovalState::cancelled:
      return Colour::dim;
  }
  return Colour::none;
}

std::string approval_view(const OutputStyle& style, const ApprovalRequest& request) {
  std::string text = render_fields(style, {
                                              {"request", {request.request_id, Colour::bold}},
                                              {"type", {request.approval_type}},
                                              {"asked by", {request.agent_id}},
                                              {"status", {status_text(request), colour_of(request.status)}},
                                              {"context (untrusted)", {request.context.text()}},
                                              {"context hash", {request.context_hash, Colour::dim}},
                                              {"asked", {format_timestamp(request.timestamp)}},
                                              {"expires", {time_or_nothing(request.expires_at)}},
                                              {"answers", {answers_text(request)}},
                                              {"decided by", {responder_text(request)}},
                                              {"reason (untrusted)", {request.reason}},
                                              {"decided", {time_or_nothing(request.decided_at)}},
                                          });
  if (!request.is_signed || request.votes.empty()) return text;
  std::vector<std::vector<Cell>> rows;
  for (const ApprovalVote& vote : request.votes) {
    rows.push_back({{vote.responder},
                    {vote.approved ? "approved" : "rejected", vote.approved ? Colour::green : Colour::red},
                    {vote.signature_valid ? "valid" : "not valid", vote.signature_valid ? Colour::none : Colour::red},
                    {vote.reason}});
  }
  return text + render_table(style, {{"APPROVER", true}, {"VOTE"}, {"SIGNATURE"}, {"REASON (untrusted)", true}}, rows);
}

}  // namespace aldis::cli
