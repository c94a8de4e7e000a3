// telemetry preview, flush

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/failure.h"
#include "core/file_descriptor.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/private_files.h"
#include "core/try.h"
#include "telemetry/command_actions.h"
#include "telemetry/courier_process.h"
#include "telemetry/pending.h"

namespace aldis::telemetry {
namespace {

// All that can wait (a spool and 8 batches) as JSON in JSON, with much to spare.
constexpr std::size_t kPreviewBytesMax = 64 * 1024 * 1024;

Result<pid_t> start(const CommandScene& scene, std::string_view argument, int stdout_descriptor) {
  ALDIS_TRY_ASSIGN(const std::string path, usable_courier(scene.environment));
  return start_courier({.path = path,
                        .places = *scene.places,
                        .arguments = {std::string(argument)},
                        .stdout_descriptor = stdout_descriptor},
                       scene.environment);
}

TelemetryAnswer refuse_start(const Error& error) {
  const bool missing = error.code == ErrorCode::not_found;
  return refuse(12, "COURIER_UNAVAILABLE", error.message,
                missing ? "install aldis-courier with Aldis, or put it beside the tool" : "");
}

std::chrono::milliseconds remaining(const Clock& clock, SteadyTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.steady_now());
  return std::max(left, std::chrono::milliseconds{0});
}

// Until the writer is gone. Nothing: it took too long or wrote too much.
std::optional<std::string> read_to_end(int descriptor, const Clock& clock, SteadyTime deadline) {
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() <= kPreviewBytesMax) {
    pollfd readable{descriptor, POLLIN, 0};
    const int ready = poll(&readable, 1, static_cast<int>(remaining(clock, deadline).count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

// What a courier prints with --preview: a JSON array.
Result<std::string> ask_for_preview(const CommandScene& scene) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot make a pipe", errno));
  }
  const FileDescriptor reading = own_descriptor(ends[0]);
  FileDescriptor writing = own_descriptor(ends[1]);
  const SteadyTime deadline = scene.clock.steady_now() + limits::kTelemetryFlushMax;
  ALDIS_TRY_ASSIGN(const pid_t courier, start(scene, "--preview", writing.get()));
  {
    const FileDescriptor closed = std::move(writing);
  }  // so that the courier's end is the end
  std::optional<std::string> text = read_to_end(reading.get(), scene.clock, deadline);
  // How it ended may be unknown (SIGCHLD is ignored), and does not matter: its last bytes say that this is all.
  [[maybe_unused]] const auto end = wait_for_courier(courier, remaining(scene.clock, deadline));
  const bool whole = text && text->starts_with('[') && text->ends_with("]\n");
  if (!whole) return fail(ErrorCode::unavailable, "aldis-courier gave no preview");
  text->pop_back();
  return *std::move(text);
}

// A gate that was renewed in between counts from zero.
std::uint64_t increase(std::uint64_t before, std::uint64_t after) { return after > before ? after - before : 0; }

struct Flushed {
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  std::uint64_t remaining = 0;
};

// Where nobody knows how the courier ended (SIGCHLD is ignored), the gate, which it has written last, must do.
bool has_sent_all(const std::expected<int, NoExitCode>& exit_code, const Flushed& flushed, LastResult last_result) {
  if (flushed.failed > 0) return false;
  if (exit_code) return *exit_code == 0;
  return exit_code.error() == NoExitCode::unknown && flushed.remaining == 0 && last_result == LastResult::sent;
}

TelemetryAnswer answer_flush(const Flushed& flushed) {
  TelemetryAnswer answer;
  JsonWriter json;
  json.begin_object().integer("sent", static_cast<std::int64_t>(flushed.sent));
  json.integer("failed", static_cast<std::int64_t>(flushed.failed));
  json.integer("remaining", static_cast<std::int64_t>(flushed.remaining));
  answer.data = json.end_object().take();
  answer.text = fmt::format("{} sent, {} failed, {} remaining\n", flushed.sent, flushed.failed, flushed.remaining);
  return answer;
}

}  // namespace

Result<std::string> usable_courier(const Environment& environment) {
  if (const std::string refusal = refusal_to_start(environment); !refusal.empty()) {
    return fail(ErrorCode::failed_precondition, "no sender can be started here: {}", refusal);
  }
  return find_courier();
}

TelemetryAnswer preview(const CommandScene& scene, const CommandOptions&) {
  TelemetryAnswer answer;
  std::string requests = "[]";
  if (scene.places && scene.facts.place_problem.empty() && count_pending(scene.places->state_directory).unsent() > 0) {
    Result<std::string> shown = ask_for_preview(scene);
    if (!shown) return refuse_start(shown.error());
    requests = *std::move(shown);
  }
  answer.text = requests == "[]" ? "nothing waits to be sent\n" : requests + "\n";
  answer.data = JsonWriter().begin_object().raw("requests", requests).end_object().take();
  return answer;
}

TelemetryAnswer flush(const CommandScene& scene, const CommandOptions&) {
  const Consent consent = decide(scene.facts);
  if (!consent.active) {
    return refuse(4, "TELEMETRY_INACTIVE", fmt::format("telemetry is not active: {} decides", consent.decided_by),
                  fmt::format("see {} telemetry explain", scene.tool));
  }
  const std::string& state = scene.places->state_directory;
  if (count_pending(state).unsent() == 0) return answer_flush({});
  const GateRecord before = look_at_gate(state);
  const Result<pid_t> courier = start(scene, "--flush", -1);
  if (!courier) return refuse_start(courier.error());
  const auto exit_code = wait_for_courier(*courier, limits::kTelemetryFlushMax);
  const GateRecord after = look_at_gate(state);
  const Flushed flushed{.sent = increase(before.sent, after.sent),
                        .failed = increase(before.failed, after.failed),
                        .remaining = count_pending(state).unsent()};
  TelemetryAnswer answer = answer_flush(flushed);
  if (has_sent_all(exit_code, flushed, after.last_result)) return answer;
  answer.exit_code = 12;
  answer.error = {.code = "TELEMETRY_UNREACHABLE",
                  .message = fmt::format("not everything could be sent to {}: {}", scene.facts.consent->endpoint,
                                         to_string(after.last_result)),
                  .suggestion = fmt::format("{} telemetry status says when it is tried again; a slow network may need "
                                            "{} telemetry enable --lifetime-ms {}",
                                            scene.tool, scene.tool, limits::kTelemetryLifetimeMax.count()),
                  .retryable = true};
  return answer;
}

}  // namespace aldis::telemetry
