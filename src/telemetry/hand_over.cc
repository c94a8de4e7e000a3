#include "telemetry/hand_over.h"

#include <sys/random.h>

#include <array>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "telemetry/consent_file.h"
#include "telemetry/contained.h"
#include "telemetry/courier_process.h"
#include "telemetry/gate.h"
#include "telemetry/spool.h"

namespace aldis::telemetry {
namespace {

using std::chrono::sys_seconds;

std::uint32_t count_lost(const HandOver& what) {
  return what.dropped + static_cast<std::uint32_t>(what.records.size());
}

// What could not be written.
std::uint32_t append(const HandOver& what, const InstallId& install_id, const FileDescriptor& state) {
  std::array<std::uint64_t, 2> nonces{};
  if (getrandom(nonces.data(), sizeof nonces, GRND_NONBLOCK) != sizeof nonces) return count_lost(what);
  FrameOrigin origin = what.origin;
  origin.install_id = install_id;
  const std::vector<EncodedFrame> frames = encode(origin, what.records, what.dropped, nonces[0]);
  return append_to_spool(state, origin, frames, nonces[1]).dropped;
}

bool may_start(const Gate& gate, const GateRecord& record, sys_seconds now) {
  return is_due(record, now) && !is_spool_only(record, now) && !gate.courier_runs();
}

// REQUIRES: the pen. It is kept until the start is over, so that the courier writes after us.
std::optional<pid_t> start_with_pen(Gate& gate, const HandOver& what, const CourierStart& start, sys_seconds now) {
  const GateRecord record = gate.read();
  if (gate.courier_runs()) return std::nullopt;
  std::optional<GateRecord> next = begin_start(record, now, read_boot_id());
  if (!next || !gate.write(*next) || is_spool_only(*next, now)) return std::nullopt;
  if (Result<pid_t> courier = start_courier(start, what.environment)) return *courier;
  // This start was heard of: it failed.
  --next->unfinished;
  gate.write(*next);
  return std::nullopt;
}

std::optional<pid_t> start_if_due(const HandOver& what, const FileDescriptor& state, bool updates_wanted) {
  Result<Gate> gate = Gate::open(state);
  if (!gate) return std::nullopt;
  const auto now = std::chrono::floor<std::chrono::seconds>(what.clock.wall_now());
  const GateRecord record = gate->read();
  const bool update_check = updates_wanted && is_update_check_due(record, now);
  const bool has_something = count_lost(what) > 0 || update_check;
  if (!has_something || !may_start(*gate, record, now) || !refusal_to_start(what.environment).empty()) {
    return std::nullopt;
  }
  const Result<std::string> path = find_courier();
  if (!path || !gate->take_pen(false)) return std::nullopt;
  CourierStart start{.path = *path, .places = what.places};
  if (update_check) start.arguments.emplace_back("--update-check");
  const std::optional<pid_t> courier = start_with_pen(*gate, what, start, now);
  gate->put_pen_down();
  return courier;
}

}  // namespace

HandedOver hand_over(const HandOver& what) {
  const bool has_records = count_lost(what) > 0;
  if (!has_records && !what.may_check_for_updates) return {};
  const std::optional<ConsentFile> consent = read_consent(what.places.consent_directory);
  if (!consent || !consent->enabled) return {};
  const bool updates_wanted = what.may_check_for_updates && !consent->update_url.empty() && !what.spool_only;
  if (!has_records && !updates_wanted) return {};

  const Result<FileDescriptor> state = make_own_directory(what.places.state_directory, Others::nothing);
  if (!state) return {.dropped = count_lost(what)};
  HandedOver done;
  if (has_records) done.dropped = append(what, consent->install_id, *state);
  // By itself: what was written must not count as lost because the rest went wrong.
  if (!what.spool_only) contained([&] { done.courier = start_if_due(what, *state, updates_wanted); });
  return done;
}

}  // namespace aldis::telemetry
