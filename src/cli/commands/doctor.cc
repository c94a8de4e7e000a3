// aldis doctor

#include <algorithm>
#include <iterator>

#include "aldis/limits.h"
#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/commands/doctor_checks.h"
#include "cli/masking.h"
#include "cli/output_schemas.h"
#include "cli/table.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "domain/workspace_impl.h"
#include "engines/redis/store_url.h"

namespace aldis::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kAuditLogCheck = "audit_log";
constexpr std::uint64_t kAuditEntriesWarn = limits::kAuditEntriesMax / 10 * 9;
constexpr std::string_view kDoctorAgent = "aldis-doctor";
constexpr std::chrono::sys_days kEarliestSaneDay{std::chrono::year{2024} / 1 / 1};

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warn:
      return "warn";
    case Verdict::fail:
      return "fail";
  }
  return "fail";
}

bool is_local(const Settings& settings) { return settings.store.value.starts_with("local:"); }

// A URL that is spelled wrong may have its password anywhere: nothing of it is shown.
std::string where_it_is(const Settings& settings) {
  const std::string& store = settings.store.value;
  const bool is_right = store == "local:" || parse_store_url(store);
  const std::string shown = is_right ? mask_url(store) : "(not understood)";
  return fmt::format("store {}, namespace {}", shown, settings.namespace_name.value);
}

Check check_store(const Settings& settings, const Result<Workspace>& workspace) {
  const std::string where = where_it_is(settings);
  if (workspace) return {"store", Verdict::ok, where + ": opened", {}};
  const Error& error = workspace.error();
  return failed_check("store", {error.code, where + ": " + error.message},
                      is_local(settings) ? "see the other checks; aldis config show says where the settings come from"
                                         : std::string(what_helps_against(error)));
}

// A signal to ourselves: the whole way through the store and back. Leaves its receipt, as any signal does.
Check check_round_trip(const Workspace& workspace, const Clock& clock) {
  constexpr std::string_view kName = "round_trip";
  const std::string suggestion = "see the other checks";
  const SteadyTime before = clock.steady_now();
  Result<CoordinationSignals> signals = CoordinationSignals::open(workspace, std::string(kDoctorAgent));
  if (!signals) return failed_check(kName, signals.error(), suggestion);
  const Result<CoordinationSignal> sent = signals->signal("doctor", kDoctorAgent, {}, 10s);
  if (!sent) return failed_check(kName, sent.error(), suggestion);
  const Result<CheckOutcome> taken = signals->check_signal({"doctor"}, kDoctorAgent);
  if (!taken) return failed_check(kName, taken.error(), suggestion);
  if (!std::holds_alternative<Delivered>(*taken)) {
    return {kName, Verdict::warn, "a signal to ourselves was not there to be taken", "run aldis doctor again, alone"};
  }
  const double microseconds = std::chrono::duration<double, std::micro>(clock.steady_now() - before).count();
  return {kName, Verdict::ok, fmt::format("a signal was sent and taken in {:.0f} us", microseconds), {}};
}

Check check_clock(const Clock& clock) {
  const WallTime now = clock.wall_now();
  if (now < kEarliestSaneDay) {
    return {"clock", Verdict::warn, "the wall clock says " + format_timestamp(now),
            "set the clock; shown times are wrong"};
  }
  return {"clock", Verdict::ok, "the wall clock says " + format_timestamp(now).substr(0, 10), {}};
}

// What heartbeats, signals and approvals could not publish as events in time.
Check check_dropped_events(const Workspace& workspace) {
  constexpr std::string_view kName = "dropped_events";
  const Result<std::uint64_t> dropped = workspace.impl()->events().dropped();
  if (!dropped) return failed_check(kName, dropped.error(), "see the other checks");
  if (*dropped == 0) return {kName, Verdict::ok, "no event of heartbeats, signals or approvals was dropped", {}};
  return {kName, Verdict::warn,
          fmt::format("{} events of heartbeats, signals or approvals could not be published in time and were dropped",
                      *dropped),
          "see that the store's disk or server answers within 5 ms"};
}

// A local store's is counted with the rest of its ledger, which is not made for that.
Check check_audit_bounds(const Workspace& workspace) {
  const Result<AuditBounds> bounds = workspace.impl()->audit().bounds();
  if (!bounds) return failed_check(kAuditLogCheck, bounds.error(), "see aldis audit verify");
  return check_audit_log(bounds->head.number - bounds->anchor.number);
}

std::vector<Check> examine(const Invocation& invocation) {
  std::vector<Check> checks;
  const SteadyTime deadline = invocation.clock.steady_now() + invocation.settings.connect_timeout;
  const Result<Workspace> workspace = open_workspace(invocation);
  checks.push_back(check_store(invocation.settings, workspace));
  checks.push_back(check_clock(invocation.clock));
  checks.push_back(check_policy(invocation));
  std::vector<Check> own;
  if (is_local(invocation.settings)) {
    own = check_local_store(invocation);
  } else if (workspace) {
    own = check_redis_store(invocation, deadline);
    own.push_back(check_audit_bounds(*workspace));
  }
  std::ranges::move(own, std::back_inserter(checks));
  if (workspace) {
    checks.push_back(check_dropped_events(*workspace));
    checks.push_back(check_round_trip(*workspace, invocation.clock));
  }
  return checks;
}

std::string checks_view(const OutputStyle& style, const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    const Colour colour = check.verdict == Verdict::ok     ? Colour::green
                          : check.verdict == Verdict::warn ? Colour::yellow
                                                           : Colour::red;
    text += render_fields(style, {{paint(style, colour, fmt::format("{:<4}", to_string(check.verdict))),
                                   {fmt::format("{}: {}", check.name, check.message)}}});
    if (!check.suggestion.empty()) text += render_fields(style, {{"    ", {check.suggestion, Colour::dim}}});
  }
  return text;
}

Reply diagnose(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const std::vector<Check> checks = examine(invocation);
  JsonWriter json;
  json.begin_array();
  std::string failures;
  for (const Check& check : checks) {
    json.begin_object().text("name", check.name).text("status", to_string(check.verdict));
    json.text("message", check.message).text_or_null("suggestion", check.suggestion).end_object();
    if (check.verdict == Verdict::fail) failures += fmt::format("{}{}", failures.empty() ? "" : ", ", check.name);
  }
  Reply reply;
  if (!failures.empty())
    reply = fail_with(ExitCode::precondition, kCodeChecksFailed, "these checks failed: " + failures);
  reply.data = json.end_array().take();
  if (invocation.style.table()) reply.view = checks_view(invocation.style, checks);
  return reply;
}

constexpr ExampleSpec kExamples[] = {{"What is wrong here?", "aldis doctor"}};

}  // namespace

Check check_audit_log(std::uint64_t entries) {
  const std::string message =
      fmt::format("the audit log of approvals holds {} of at most {} entries", entries, limits::kAuditEntriesMax);
  if (entries < kAuditEntriesWarn) return {kAuditLogCheck, Verdict::ok, message, {}};
  const std::string suggestion = "aldis audit export --rotate >> FILE";
  if (entries < limits::kAuditEntriesMax) {
    return {kAuditLogCheck, Verdict::warn, message + ": when it is full, nobody can ask for an approval", suggestion};
  }
  return {kAuditLogCheck, Verdict::fail, message + ": nobody can ask for an approval any more", suggestion};
}

constinit const CommandSpec kDoctor{
    .name = "doctor",
    .summary =
        "Check that a fleet can meet here: the board and its room, or the servers; the clock; the approval policy",
    .danger = Danger::mutating,
    .output_schema = schema::kChecks,
    .examples = kExamples,
    .notes =
        "Each check is ok, warn or fail. Exit code 4 if one failed. The round trip sends one signal from and to the\n"
        "agent aldis-doctor.",
    .execute = diagnose,
};

}  // namespace aldis::cli
