#include "domain/own_events.h"

#include <string>
#include <utility>

#include "core/json_writer.h"
#include "domain/event_outlet.h"

namespace aldis {
namespace {

void publish(Workspace::Impl& workspace, std::string_view type, std::string_view source, JsonWriter& json,
             std::optional<Id128> id = {}) {
  workspace.publish_own(
      {.type = std::string(type), .data = json.end_object().take(), .source = std::string(source), .id = id});
}

}  // namespace

void tell_of_agent(Workspace::Impl& workspace, const AgentNews& news) {
  if (!workspace.streams_events()) return;
  JsonWriter json;
  json.begin_object().text("agent_id", news.agent_id).text("state", to_string(news.state));
  json.text_or_null("previous_state", news.previous ? to_string(*news.previous) : std::string_view());
  json.text("incarnation", format_id(kIncarnationPrefix, news.incarnation));
  if (!news.evidence.empty()) json.text("evidence", news.evidence);
  // A stop may be repeated, by another process too.
  const auto id = news.state == AgentState::finished ? std::optional(news.incarnation) : std::nullopt;
  publish(workspace, "agent_heartbeat", news.agent_id, json, id);
}

void tell_of_signal(Workspace::Impl& workspace, const CoordinationSignal& signal) {
  if (!workspace.streams_events()) return;
  JsonWriter json;
  json.begin_object().text("signal_id", signal.signal_id).text("signal_type", signal.signal_type);
  json.text("source_agent", signal.source_agent).text_or_null("target_agent", signal.target_agent.value_or(""));
  json.seconds("ttl_seconds", signal.ttl);
  json.integer("payload_bytes", static_cast<std::int64_t>(signal.payload.text().size()));
  publish(workspace, "coordination_signal", signal.source_agent, json);
}

void tell_of_request(Workspace::Impl& workspace, const ApprovalRequest& request) {
  if (!workspace.streams_events()) return;
  JsonWriter json;
  json.begin_object().text("request_id", request.request_id).text("approval_type", request.approval_type);
  json.text("agent_id", request.agent_id).text("context_hash", request.context_hash);
  json.time("expires_at", request.expires_at).integer("quorum", request.quorum);
  publish(workspace, "approval_request", request.agent_id, json);
}

void tell_of_decision(Workspace::Impl& workspace, const ApprovalRequest& request) {
  if (!workspace.streams_events()) return;
  JsonWriter json;
  json.begin_object().text("request_id", request.request_id).text("approval_type", request.approval_type);
  json.text("agent_id", request.agent_id).text("status", to_string(request.status));
  json.text_or_null("responder", request.responder).boolean("verified", request.verified);
  // Everybody who waited may tell of a timeout; of anything else only who brought it about.
  const bool is_told_by_many = request.status == ApprovalState::timed_out;
  const auto id = is_told_by_many ? parse_id(kApprovalIdPrefix, request.request_id) : std::nullopt;
  publish(workspace, "approval_decision", request.responder, json, id);
}

}  // namespace aldis
