#include "cli/shapes.h"

#include "cli/masking.h"
#include "cli/table.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::optional<std::int64_t> as_integer(const std::optional<int>& value) { return value; }

std::string time_text(const std::optional<WallTime>& time) { return time ? format_timestamp(*time) : std::string(); }

Colour colour_of(ReceiptState state) {
  switch (state) {
    case ReceiptState::pending:
    case ReceiptState::reserved:
      return Colour::yellow;
    case ReceiptState::delivered:
      return Colour::green;
    case ReceiptState::expired:
      return Colour::red;
    case ReceiptState::cleared:
      return Colour::dim;
  }
  return Colour::none;
}

}  // namespace

void write_agent_members(JsonWriter& json, const AgentStatus& agent) {
  json.text("agent_id", agent.agent_id).text("display_name", agent.display_name);
  json.text("status", agent.status).text("state", to_string(agent.state));
  json.text("evidence", agent.evidence).number("progress", agent.progress);
  json.text("current_task", agent.current_task).raw("metadata", agent.metadata.text());
  json.time("started_at", agent.started_at).time("last_beat", agent.last_beat);
  json.integer("beats", static_cast<std::int64_t>(agent.beats)).time("lease_expires_at", agent.lease_expires_at);
  json.text("incarnation", agent.incarnation).text("host", agent.host);
  const std::optional<std::int64_t> pid = as_integer(agent.pid);
  json.key("pid");
  pid ? json.integer(*pid) : json.null();
  json.number("suspicion", agent.suspicion);
}

std::string agent_json(const AgentStatus& agent) {
  JsonWriter json;
  json.begin_object();
  write_agent_members(json, agent);
  return json.end_object().take();
}

std::string signal_json(const CoordinationSignal& signal) {
  JsonWriter json;
  json.begin_object();
  json.text("signal_id", signal.signal_id).text("signal_type", signal.signal_type);
  json.text("source_agent", signal.source_agent).text_or_null("target_agent", signal.target_agent.value_or(""));
  json.raw("payload", signal.payload.text()).time("timestamp", signal.timestamp);
  json.seconds("ttl_seconds", signal.ttl).time("expires_at", signal.expires_at);
  return json.end_object().take();
}

std::string receipt_json(const Receipt& receipt) {
  JsonWriter json;
  json.begin_object();
  json.text("signal_id", receipt.signal_id).text("state", to_string(receipt.state));
  json.text_or_null("delivered_to", receipt.delivered_to).time("delivered_at", receipt.delivered_at);
  json.time("expired_at", receipt.expired_at).key("readers").begin_array();
  for (const SignalReader& reader : receipt.readers) {
    json.begin_object().text("agent_id", reader.agent_id).time("read_at", reader.read_at).end_object();
  }
  return json.end_array().end_object().take();
}

void write_expired_members(JsonWriter& json, const Expired& expired) {
  json.text("signal_id", expired.signal_id).text("signal_type", expired.signal_type);
  json.text("source_agent", expired.source_agent).time("sent_at", expired.sent_at);
  json.time("expired_at", expired.expired_at).integer("count", static_cast<std::int64_t>(expired.count));
}

Colour colour_of(AgentState state) {
  switch (state) {
    case AgentState::alive:
      return Colour::green;
    case AgentState::suspect:
    case AgentState::stale:
      return Colour::yellow;
    case AgentState::dead:
      return Colour::red;
    case AgentState::finished:
      return Colour::dim;
  }
  return Colour::none;
}

bool evidence_quotes_agent(const AgentStatus& agent) { return agent.state == AgentState::finished; }

std::string payload_text(const Json& payload) { return mask_json(payload.text()); }

std::string format_age(std::chrono::nanoseconds age) {
  const double seconds = std::max(0.0, to_seconds(age));
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 120 * 60) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} d", seconds / 86400);
}

std::string format_progress(const std::optional<double>& progress) {
  return progress ? fmt::format("{:.0f} %", *progress * 100) : std::string();
}

std::string agent_view(const OutputStyle& style, const AgentStatus& agent) {
  const bool quotes = evidence_quotes_agent(agent);
  return render_fields(style,
                       {
                           {"agent", {agent.agent_id, Colour::bold}},
                           {"name (untrusted)", {agent.display_name == agent.agent_id ? "" : agent.display_name}},
                           {"state", {std::string(to_string(agent.state)), colour_of(agent.state)}},
                           {quotes ? "evidence (untrusted)" : "evidence", {agent.evidence}},
                           {"status (untrusted)", {agent.status}},
                           {"progress", {format_progress(agent.progress)}},
                           {"task (untrusted)", {agent.current_task}},
                           {"metadata (untrusted)", {payload_text(agent.metadata)}},
                           {"started", {time_text(agent.started_at)}},
                           {"last beat", {time_text(agent.last_beat)}},
                           {"beats", {std::to_string(agent.beats)}},
                           {"lease expires", {time_text(agent.lease_expires_at)}},
                           {"incarnation", {agent.incarnation}},
                           {"host", {agent.host}},
                           {"pid", {agent.pid ? std::to_string(*agent.pid) : ""}},
                           {"suspicion", {agent.suspicion ? fmt::format("{:.1f}", *agent.suspicion) : ""}},
                       });
}

std::string signal_view(const OutputStyle& style, const CoordinationSignal& signal) {
  return render_fields(style, {
                                  {"signal", {signal.signal_id, Colour::bold}},
                                  {"type", {signal.signal_type}},
                                  {"from", {signal.source_agent}},
                                  {"to", {signal.target_agent.value_or("everybody")}},
                                  {"payload (untrusted)", {payload_text(signal.payload)}},
                                  {"sent", {time_text(signal.timestamp)}},
                                  {"expires", {time_text(signal.expires_at)}},
                                  {"attempt", {signal.attempt > 1 ? std::to_string(signal.attempt) : ""}},
                              });
}

std::string receipt_view(const OutputStyle& style, const Receipt& receipt) {
  std::string text =
      render_fields(style, {
                               {"signal", {receipt.signal_id, Colour::bold}},
                               {"state", {std::string(to_string(receipt.state)), colour_of(receipt.state)}},
                               {"delivered to", {receipt.delivered_to}},
                               {"delivered", {time_text(receipt.delivered_at)}},
                               {"expired", {time_text(receipt.expired_at)}},
                               {"readers", {receipt.broadcast ? std::to_string(receipt.readers_total) : ""}},
                           });
  if (receipt.readers.empty()) return text;
  std::vector<std::vector<Cell>> rows;
  for (const SignalReader& reader : receipt.readers) rows.push_back({{reader.agent_id}, {time_text(reader.read_at)}});
  return text + render_table(style, {{"reader", true}, {"read"}}, rows);
}

}  // namespace aldis::cli
