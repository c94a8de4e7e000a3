// telemetry enable, disable, reset

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "aldis/json.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/private_files.h"
#include "telemetry/command_actions.h"
#include "telemetry/endpoint.h"
#include "telemetry/gate.h"
#include "telemetry/pending.h"

namespace aldis::telemetry {
namespace {

// In --update-url: none from now on.
constexpr std::string_view kNoUrl = "-";

TelemetryAnswer refuse_by(const Error& error) {
  const bool precondition = error.code == ErrorCode::permission_denied || error.code == ErrorCode::failed_precondition;
  return refuse(precondition ? 4 : 1, precondition ? "FAILED_PRECONDITION" : "CONSENT_NOT_WRITTEN", error.message,
                "see that the directory is yours, can be written to and has room");
}

std::optional<std::chrono::milliseconds> parse_lifetime(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const std::chrono::milliseconds lifetime{count};
  if (lifetime < limits::kTelemetryLifetimeMin || lifetime > limits::kTelemetryLifetimeMax) return std::nullopt;
  return lifetime;
}

// What was wanted before, with what is named now; what is wrong with that goes to `problems`.
ConsentFile wanted_consent(const CommandScene& scene, const CommandOptions& options,
                           std::vector<std::string>& problems) {
  ConsentFile wanted = scene.facts.consent.value_or(ConsentFile{});
  wanted.enabled = true;
  const auto check = [&](std::string_view option, const std::string& url) {
    const Result<void> checked = check_endpoint(url, options.has("--allow-http"));
    if (!checked) problems.push_back(fmt::format("{}: {}", option, checked.error().message));
  };
  if (const auto endpoint = options.get("--endpoint")) {
    check("--endpoint", *endpoint);
    wanted.endpoint = *endpoint;
  } else if (wanted.endpoint.empty() && !scene.suggested_endpoint.empty()) {
    check("the tool's own endpoint", scene.suggested_endpoint);
    wanted.endpoint = scene.suggested_endpoint;
  }
  if (const auto format = options.get("--format")) {
    const std::optional<BodyFormat> known = parse_body_format(*format);
    if (!known) problems.push_back(fmt::format("--format must be otlp or jsonl, not {}", json_quote(*format)));
    wanted.format = known.value_or(wanted.format);
  }
  if (const auto lifetime = options.get("--lifetime-ms")) {
    const auto known = parse_lifetime(*lifetime);
    if (!known)
      problems.push_back(fmt::format("--lifetime-ms needs a number from 100 to 10000, not {}", json_quote(*lifetime)));
    wanted.lifetime = known.value_or(wanted.lifetime);
  }
  if (const auto url = options.get("--update-url")) {
    if (*url != kNoUrl) check("--update-url", *url);
    wanted.update_url = *url == kNoUrl ? std::string() : *url;
  }
  return wanted;
}

// The consent as a file that nothing will read again, whatever it says. Also out of a directory of ours that others may
// write to, which is not trusted: it would say yes again as soon as that is mended.
Result<void> forget_consent(const std::string& directory) {
  Result<void> removed = remove_consent(directory);
  if (removed) return removed;
  const FileDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!opened.is_open() || fstat(opened.get(), &status) != 0 || status.st_uid != geteuid()) return removed;
  if (unlinkat(opened.get(), std::string(kConsentName).c_str(), 0) == 0 || errno == ENOENT) return {};
  return removed;
}

// Counts are since `enable`, and a pause that another endpoint or lifetime earned is over. Whoever enables wants to try
// again what is said to be dangerous here.
void renew_gate(const std::string& state_directory, bool starts_anew, bool ends_pause) {
  const Result<FileDescriptor> state = open_own_directory(state_directory, Others::nothing);
  if (!state) return;
  Result<Gate> gate = Gate::open_existing(*state);
  if (!gate || !gate->take_pen(false)) return;
  GateRecord record = starts_anew ? GateRecord{} : gate->read();
  record.unfinished = 0;
  record.spool_only_until = {};
  if (ends_pause) {
    record.next_attempt_at = {};
    record.failures = 0;
    record.last_result = LastResult::none;
  }
  static_cast<void>(gate->write(record));
  gate->put_pen_down();
}

TelemetryAnswer answer_consent(const CommandScene& scene, std::optional<ConsentFile> consent) {
  ConsentFacts facts = scene.facts;
  facts.consent = std::move(consent);
  const Consent decided = decide(facts);
  const std::string endpoint = facts.consent ? facts.consent->endpoint : std::string();
  TelemetryAnswer answer;
  JsonWriter json;
  json.begin_object().boolean("enabled", decided.enabled).boolean("active", decided.active);
  json.text("decided_by", decided.decided_by).text_or_null("endpoint", endpoint);
  answer.data = json.end_object().take();
  answer.text = decided.enabled ? fmt::format("telemetry is enabled: {}\n", endpoint) : "telemetry is off\n";
  if (decided.enabled && !decided.active) {
    answer.warnings.push_back(fmt::format("enabled, but not active here: {} decides; see {} telemetry explain",
                                          decided.decided_by, scene.tool));
  }
  return answer;
}

TelemetryAnswer refuse_place(const CommandScene& scene) {
  return refuse(4, "FAILED_PRECONDITION",
                fmt::format("telemetry has no place for its files: {}", scene.facts.place_problem),
                fmt::format("set HOME, or XDG_CONFIG_HOME and {}_STATE_DIR, to directories that are yours alone and on "
                            "a disk of this machine",
                            variable_prefix(scene.tool)));
}

}  // namespace

TelemetryAnswer enable(const CommandScene& scene, const CommandOptions& options) {
  std::vector<std::string> problems = options.problems;
  ConsentFile wanted = wanted_consent(scene, options, problems);
  if (!problems.empty()) return refuse_options(scene.tool, options.command, problems);
  if (!scene.places || !scene.facts.place_problem.empty()) return refuse_place(scene);
  if (wanted.endpoint.empty()) {
    return refuse(4, "ENDPOINT_REQUIRED", "nobody has said where telemetry is to be sent",
                  fmt::format("name the receiver: {} telemetry enable --endpoint https://HOST/v1/logs", scene.tool));
  }
  const ConsentFile before = scene.facts.consent.value_or(ConsentFile{});
  const bool starts_anew = !before.enabled || before.install_id == InstallId{};
  if (starts_anew) {
    wanted.install_id = make_install_id();
    // What a tool that ended during the last `disable` may have left behind is not part of this consent.
    remove_pending(scene.places->state_directory);
  }
  const Result<void> written = write_consent(scene.places->consent_directory, wanted);
  if (!written) return refuse_by(written.error());
  const bool ends_pause = before.endpoint != wanted.endpoint || before.lifetime != wanted.lifetime;
  renew_gate(scene.places->state_directory, starts_anew, ends_pause);
  return answer_consent(scene, wanted);
}

TelemetryAnswer disable(const CommandScene& scene, const CommandOptions&) {
  if (!scene.places) return refuse_place(scene);
  const std::string& directory = scene.places->consent_directory;
  std::optional<ConsentFile> consent = read_consent(directory);
  bool revoked = false;
  if (consent) {
    consent->enabled = false;
    consent->install_id = {};
    consent->update_url.clear();
    revoked = write_consent(directory, *consent).has_value();
  }
  if (!revoked) {
    // Not to be read, or no room for a "no": then nothing at all, which means the same.
    if (const Result<void> gone = forget_consent(directory); !gone) return refuse_by(gone.error());
  }
  remove_pending(scene.places->state_directory);
  return answer_consent(scene, consent);
}

TelemetryAnswer reset(const CommandScene& scene, const CommandOptions&) {
  if (!scene.places) return refuse_place(scene);
  if (const Result<void> gone = forget_consent(scene.places->consent_directory); !gone) return refuse_by(gone.error());
  remove_state(scene.places->state_directory);
  TelemetryAnswer answer = answer_consent(scene, std::nullopt);
  answer.text = "telemetry is off, and nothing of it is left\n";
  return answer;
}

}  // namespace aldis::telemetry
