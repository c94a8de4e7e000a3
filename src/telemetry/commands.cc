#include "telemetry/commands.h"

#include "core/format.h"
#include "core/json_writer.h"
#include "telemetry/command_actions.h"
#include "telemetry/pending.h"

namespace aldis::telemetry {
namespace {

std::string lines(std::span<const std::pair<std::string_view, std::string>> fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += fmt::format("{:<15} {}\n", name, value.empty() ? "-" : value);
  return text;
}

std::string_view yes_or_no(bool value) { return value ? "yes" : "no"; }

std::chrono::sys_seconds now(const CommandScene& scene) {
  return std::chrono::floor<std::chrono::seconds>(scene.clock.wall_now());
}

std::optional<WallTime> planned_attempt(const GateRecord& gate, bool spool_only) {
  if (spool_only) return gate.spool_only_until;
  if (gate.next_attempt_at == std::chrono::sys_seconds{}) return std::nullopt;
  return gate.next_attempt_at;
}

// The user's own consent; nothing where telemetry may not look.
ConsentFacts with_consent(const CommandScene& scene) {
  ConsentFacts facts = scene.facts;
  if (scene.places && facts.place_problem.empty()) facts.consent = read_consent(scene.places->consent_directory);
  if (!scene.places && facts.place_problem.empty()) facts.place_problem = "there is no HOME";
  return facts;
}

using Action = TelemetryAnswer (*)(const CommandScene&, const CommandOptions&);

Action find_action(std::string_view command) {
  constexpr std::pair<std::string_view, Action> kActions[] = {
      {"status", answer_status}, {"explain", answer_explain}, {"enable", enable},
      {"disable", disable},      {"preview", preview},        {"flush", flush},
      {"reset", reset},
  };
  for (const auto& [name, action] : kActions) {
    if (name == command) return action;
  }
  return nullptr;
}

// What keeps records from being sent, or soon will.
std::vector<std::string> status_warnings(const CommandScene& scene, const GateRecord& gate, bool sending,
                                         bool spool_only) {
  std::vector<std::string> warnings;
  if (!sending && gate.last_result == LastResult::slow_network) {
    warnings.push_back(
        fmt::format("the network is slower than a sender may live; give it longer: {} telemetry enable "
                    "--lifetime-ms {}",
                    scene.tool, limits::kTelemetryLifetimeMax.count()));
  }
  if (spool_only) {
    warnings.push_back(
        fmt::format("nothing is sent until {}: {} senders in a row were killed before they could do anything, perhaps "
                    "by a sandbox; to try again now: {} telemetry enable",
                    format_timestamp(gate.spool_only_until), limits::kTelemetryUnfinishedMax, scene.tool));
  }
  if (!decide(scene.facts).active) return warnings;
  const Result<std::string> courier = usable_courier(scene.environment);
  if (!courier) warnings.push_back(fmt::format("records wait in the spool: {}", courier.error().message));
  return warnings;
}

}  // namespace

TelemetryAnswer answer_status(const CommandScene& scene, const CommandOptions&) {
  const Consent consent = decide(scene.facts);
  const std::string endpoint = scene.facts.consent ? scene.facts.consent->endpoint : std::string();
  const bool looks = scene.places && scene.facts.place_problem.empty();
  const Pending pending = looks ? examine_pending(scene.places->state_directory) : Pending{};
  const GateRecord gate = looks ? look_at_gate(scene.places->state_directory) : GateRecord{};
  const bool sending = looks && courier_runs(scene.places->state_directory);
  const std::string_view last_result = sending ? "sending" : to_string(gate.last_result);
  const std::uint64_t dropped = gate.dropped + pending.dropped;
  const bool spool_only = is_spool_only(gate, now(scene));
  const std::optional<WallTime> next = planned_attempt(gate, spool_only);

  TelemetryAnswer answer;
  JsonWriter json;
  json.begin_object();
  json.boolean("enabled", consent.enabled).boolean("active", consent.active).text("decided_by", consent.decided_by);
  json.text_or_null("endpoint", endpoint).integer("spool_bytes", static_cast<std::int64_t>(pending.spool_bytes));
  json.integer("batches", static_cast<std::int64_t>(pending.batches));
  json.integer("dropped", static_cast<std::int64_t>(dropped));
  json.text("last_result", last_result).time("next_attempt_at", next);
  answer.data = json.end_object().take();
  const std::pair<std::string_view, std::string> fields[] = {
      {"enabled", std::string(yes_or_no(consent.enabled))},
      {"active", fmt::format("{} ({})", yes_or_no(consent.active), consent.decided_by)},
      {"endpoint", endpoint},
      {"spool", fmt::format("{} bytes", pending.spool_bytes)},
      {"batches", fmt::format("{}", pending.batches)},
      {"dropped", fmt::format("{} records", dropped)},
      {"last result", std::string(last_result)},
      {"next attempt at", next ? format_timestamp(*next) : std::string()},
  };
  answer.text = lines(fields);
  answer.warnings = status_warnings(scene, gate, sending, spool_only);
  return answer;
}

TelemetryAnswer answer_explain(const CommandScene& scene, const CommandOptions&) {
  const Consent consent = decide(scene.facts);
  TelemetryAnswer answer;
  JsonWriter json;
  json.begin_object().boolean("active", consent.active).text("decided_by", consent.decided_by);
  json.key("precedence").begin_array();
  answer.text = fmt::format("{}, decided by {}\n\n", consent.active ? "active" : "not active", consent.decided_by);
  for (const ConsentRule& rule : explain(scene.facts)) {
    const std::string_view effect = rule.says_off ? "off" : rule.name == "consent" ? "on" : "none";
    json.begin_object().text("name", rule.name).text_or_null("value", rule.value).text("effect", effect).end_object();
    answer.text += fmt::format("{:<24} {:<5} {}\n", rule.name, effect, rule.value.empty() ? "-" : rule.value);
  }
  answer.data = json.end_array().end_object().take();
  return answer;
}

TelemetryAnswer run_command(const CommandScene& scene, std::span<const std::string> arguments) {
  const CommandOptions options = read_command_options(arguments);
  if (options.wants_help) {
    TelemetryAnswer answer;
    answer.text = command_help(scene.tool, options.command);
    answer.data = JsonWriter().begin_object().text("help", answer.text).end_object().take();
    return answer;
  }
  const Action action = find_action(options.command);
  if (action == nullptr) return refuse_options(scene.tool, "", options.problems);
  // `enable` has more to say about its values.
  if (!options.problems.empty() && options.command != "enable") {
    return refuse_options(scene.tool, options.command, options.problems);
  }
  CommandScene seen = scene;
  seen.facts = with_consent(scene);
  return action(seen, options);
}

}  // namespace aldis::telemetry
