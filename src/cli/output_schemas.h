#pragma once
// JSON Schemas (draft-07) of the `data` of each command, as `--schema` and the manifest show them. tests/cli compares
// them with what the commands answer.

#include <string_view>

namespace aldis::cli::schema {

#define ALDIS_AGENT_MEMBERS                                                                            \
  R"("agent_id":{"type":"string"},"display_name":{"type":"string"},"status":{"type":"string"},)"       \
  R"("state":{"enum":["alive","suspect","stale","dead","finished"]},"evidence":{"type":"string"},)"    \
  R"("progress":{"type":["number","null"],"minimum":0,"maximum":1},"current_task":{"type":"string"},)" \
  R"("metadata":{"type":"object"},"started_at":{"type":"string","format":"date-time"},)"               \
  R"("last_beat":{"type":["string","null"],"format":"date-time"},"beats":{"type":"integer"},)"         \
  R"("lease_expires_at":{"type":"string","format":"date-time"},"incarnation":{"type":"string"},)"      \
  R"("host":{"type":"string"},"pid":{"type":["integer","null"]},"suspicion":{"type":["number","null"]})"

#define ALDIS_AGENT R"({"type":"object","properties":{)" ALDIS_AGENT_MEMBERS "}}"

#define ALDIS_SIGNAL                                                                                           \
  R"({"type":"object","properties":{"signal_id":{"type":"string"},"signal_type":{"type":"string"},)"           \
  R"("source_agent":{"type":"string"},"target_agent":{"type":["string","null"]},"payload":{"type":"object"},)" \
  R"("timestamp":{"type":"string","format":"date-time"},"ttl_seconds":{"type":"number"},)"                     \
  R"("expires_at":{"type":"string","format":"date-time"}}})"

#define ALDIS_OUTCOME(names)                                                                                          \
  R"({"type":"object","required":["outcome"],"properties":{"outcome":{"enum":[)" names R"(]},"signal":)" ALDIS_SIGNAL \
  R"(,"signal_id":{"type":"string"},"signal_type":{"type":"string"},"source_agent":{"type":"string"},)"               \
  R"("sent_at":{"type":"string"},"expired_at":{"type":"string"},"count":{"type":"integer"},)"                         \
  R"("evidence":{"type":"string"}}})"

#define ALDIS_EVENT_MEMBERS                                                                                            \
  R"("event_id":{"type":"string"},"event_type":{"type":"string"},"timestamp":{"type":"string","format":"date-time"},)" \
  R"("data":{"type":"object"},"source":{"type":["string","null"]})"

#define ALDIS_EVENT R"({"type":"object","properties":{)" ALDIS_EVENT_MEMBERS "}}"

#define ALDIS_STREAM                                                                                               \
  R"({"type":"object","properties":{"event_type":{"type":"string"},"length":{"type":"integer"},)"                  \
  R"("first_id":{"type":["string","null"]},"last_id":{"type":["string","null"]},"max_length":{"type":"integer"},)" \
  R"("max_age_seconds":{"type":["number","null"]},"groups":{"type":"array","items":{"type":"object",)"             \
  R"("properties":{"group":{"type":"string"},"delivered":{"type":"integer"},"waiting":{"type":"integer"},)"        \
  R"("pending":{"type":"integer"}}}}}})"

#define ALDIS_APPROVAL                                                                                  \
  R"({"type":"object","properties":{"request_id":{"type":"string"},"approval_type":{"type":"string"},)" \
  R"("agent_id":{"type":"string"},"context":{"type":"object"},"context_hash":{"type":"string"},)"       \
  R"("timestamp":{"type":"string","format":"date-time"},"timeout_seconds":{"type":["number","null"]},)" \
  R"("expires_at":{"type":["string","null"],"format":"date-time"},)"                                    \
  R"("status":{"enum":["pending","approved","rejected","timed_out","cancelled"]},)"                     \
  R"("stored_status":{"enum":["pending","approved","rejected","timed_out","cancelled"]},)"              \
  R"("responder":{"type":["string","null"]},"reason":{"type":["string","null"]},)"                      \
  R"("decided_at":{"type":["string","null"],"format":"date-time"},"verified":{"type":"boolean"},)"      \
  R"("approvals":{"type":"integer"},"quorum":{"type":"integer"},"mode":{"enum":["open","signed"]},)"    \
  R"("votes":{"type":"array","items":{"type":"object","properties":{"responder":{"type":"string"},)"    \
  R"("approved":{"type":"boolean"},"reason":{"type":["string","null"]},"time":{"type":"string"},)"      \
  R"("key_id":{"type":["string","null"]},"signature_valid":{"type":"boolean"}}}}}})"

#define ALDIS_AUDIT_ENTRY                                                                                           \
  R"({"type":"object","properties":{"number":{"type":"integer"},"kind":{"enum":["requested","vote","decided",)"     \
  R"("rotated"]},"time":{"type":"string","format":"date-time"},"request_id":{"type":["string","null"]},)"           \
  R"("approval_type":{"type":["string","null"]},"agent_id":{"type":["string","null"]},)"                            \
  R"("actor":{"type":["string","null"]},"outcome":{"type":["string","null"]},"key_id":{"type":["string","null"]},)" \
  R"("context_hash":{"type":["string","null"]},"detail_hash":{"type":["string","null"]},)"                          \
  R"("previous_hash":{"type":"string"},"hash":{"type":"string"}}})"

inline constexpr std::string_view kAgent = ALDIS_AGENT;
inline constexpr std::string_view kAgents = R"({"type":"array","items":)" ALDIS_AGENT "}";
inline constexpr std::string_view kAgentChange =
    R"({"type":"object","properties":{)" ALDIS_AGENT_MEMBERS
    R"(,"previous_state":{"type":["string","null"]},"first":{"type":"boolean"}}})";
inline constexpr std::string_view kSignal = ALDIS_SIGNAL;
inline constexpr std::string_view kSignals = R"({"type":"array","items":)" ALDIS_SIGNAL "}";
inline constexpr std::string_view kCheck = ALDIS_OUTCOME(R"("delivered","expired","nothing_yet")");
inline constexpr std::string_view kWait =
    ALDIS_OUTCOME(R"("delivered","expired","timed_out","source_gone","cancelled")");
inline constexpr std::string_view kReceipt =
    R"({"type":"object","properties":{"signal_id":{"type":"string"},)"
    R"("state":{"enum":["pending","reserved","delivered","expired","cleared"]},)"
    R"("delivered_to":{"type":["string","null"]},"delivered_at":{"type":["string","null"],"format":"date-time"},)"
    R"("expired_at":{"type":["string","null"],"format":"date-time"},"readers":{"type":"array","items":)"
    R"({"type":"object","properties":{"agent_id":{"type":"string"},"read_at":{"type":"string"}}}}}})";
inline constexpr std::string_view kAcknowledged =
    R"({"type":"object","properties":{"signal_id":{"type":"string"},"acknowledged":{"type":"boolean"}}})";
inline constexpr std::string_view kCleared = R"({"type":"object","properties":{"cleared":{"type":"integer"}}})";
inline constexpr std::string_view kChecks =
    R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},)"
    R"("status":{"enum":["ok","warn","fail"]},"message":{"type":"string"},"suggestion":{"type":["string","null"]}}}})";
inline constexpr std::string_view kSettings =
    R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},)"
    R"("value":{"type":["string","number","null"]},"source":{"enum":["flag","environment","file","default"]},)"
    R"("origin":{"type":["string","null"]}}}})";
inline constexpr std::string_view kConfigPath =
    R"({"type":"object","properties":{"path":{"type":["string","null"]},"exists":{"type":"boolean"}}})";
inline constexpr std::string_view kVersion =
    R"({"type":"object","properties":{"name":{"type":"string"},"version":{"type":"string"}}})";
inline constexpr std::string_view kManifest =
    R"({"type":"object","properties":{"schema_version":{"type":"string"},"framework_version":{"type":"string"},)"
    R"("etag":{"type":"string"},"commands":{"type":"object"}}})";
inline constexpr std::string_view kTelemetryStatus =
    R"({"type":"object","properties":{"enabled":{"type":"boolean"},"active":{"type":"boolean"},)"
    R"("decided_by":{"type":"string"},"endpoint":{"type":["string","null"]},"spool_bytes":{"type":"integer"},)"
    R"("batches":{"type":"integer"},"dropped":{"type":"integer"},"last_result":{"enum":["none","sent","refused",)"
    R"("busy","unreachable","slow_network","not_telemetry","sending"]},)"
    R"("next_attempt_at":{"type":["string","null"],"format":"date-time"}}})";
inline constexpr std::string_view kTelemetryExplain =
    R"({"type":"object","properties":{"active":{"type":"boolean"},"decided_by":{"type":"string"},)"
    R"("precedence":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},)"
    R"("value":{"type":["string","null"]},"effect":{"enum":["off","on","none"]}}}}}})";
inline constexpr std::string_view kTelemetryConsent =
    R"({"type":"object","properties":{"enabled":{"type":"boolean"},"active":{"type":"boolean"},)"
    R"("decided_by":{"type":"string"},"endpoint":{"type":["string","null"]}}})";
inline constexpr std::string_view kTelemetryPreview =
    R"({"type":"object","properties":{"requests":{"type":"array","items":{"type":"object","properties":{)"
    R"("method":{"type":"string"},"url":{"type":"string"},"headers":{"type":"object"},"body":{"type":"string"},)"
    R"("sha256":{"type":"string"}}}}}})";
inline constexpr std::string_view kTelemetryFlush =
    R"({"type":"object","properties":{"sent":{"type":"integer"},"failed":{"type":"integer"},)"
    R"("remaining":{"type":"integer"}}})";
inline constexpr std::string_view kApproval = ALDIS_APPROVAL;
inline constexpr std::string_view kApprovals = R"({"type":"array","items":)" ALDIS_APPROVAL "}";
inline constexpr std::string_view kEnrolled =
    R"({"type":"object","properties":{"name":{"type":"string"},"public_key":{"type":"string"},)"
    R"("key_id":{"type":"string"}}})";
inline constexpr std::string_view kApprovers =
    R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},)"
    R"("public_key":{"type":"string"},"key_id":{"type":"string"},"trusted_at":{"type":"string","format":"date-time"},)"
    R"("revoked_at":{"type":["string","null"],"format":"date-time"}}}})";
inline constexpr std::string_view kAuditEntry = ALDIS_AUDIT_ENTRY;
inline constexpr std::string_view kAuditEntries = R"({"type":"array","items":)" ALDIS_AUDIT_ENTRY "}";
inline constexpr std::string_view kAuditVerification =
    R"({"type":"object","properties":{"sound":{"type":"boolean"},"entries":{"type":"integer"},)"
    R"("begins_behind":{"type":"string"},"head":{"type":"string"},"head_proven":{"type":"boolean"},)"
    R"("fault":{"type":["object","null"],"properties":{"number":{"type":"integer"},"what":{"type":"string"}}}}})";
inline constexpr std::string_view kEvent = ALDIS_EVENT;
inline constexpr std::string_view kEvents = R"({"type":"array","items":)" ALDIS_EVENT "}";
inline constexpr std::string_view kEventLine =
    R"({"type":"object","properties":{)" ALDIS_EVENT_MEMBERS
    R"(,"gap":{"type":"object","properties":{"event_type":{"type":"string"},"from":{"type":"integer"},)"
    R"("to":{"type":"integer"},"lost":{"type":"integer"}}},"position":{"type":"string"}}})";
inline constexpr std::string_view kStream = ALDIS_STREAM;
inline constexpr std::string_view kStreams = R"({"type":"array","items":)" ALDIS_STREAM "}";
inline constexpr std::string_view kEventsAcknowledged =
    R"({"type":"object","properties":{"acknowledged":{"type":"integer"}}})";
inline constexpr std::string_view kPendingEvents =
    R"({"type":"array","items":{"type":"object","properties":{"event_id":{"type":"string"},)"
    R"("consumer":{"type":"string"},"idle_seconds":{"type":"number"},"deliveries":{"type":"integer"}}}})";
inline constexpr std::string_view kRemoved = R"({"type":"object","properties":{"removed":{"type":"integer"}}})";
inline constexpr std::string_view kNothing = R"({"type":"null"})";

#undef ALDIS_AGENT_MEMBERS
#undef ALDIS_AGENT
#undef ALDIS_SIGNAL
#undef ALDIS_OUTCOME
#undef ALDIS_EVENT_MEMBERS
#undef ALDIS_EVENT
#undef ALDIS_STREAM
#undef ALDIS_APPROVAL
#undef ALDIS_AUDIT_ENTRY

}  // namespace aldis::cli::schema
