#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "aldis/telemetry.h"
#include "core/private_files.h"
#include "telemetry/commands.h"
#include "telemetry/courier_process.h"
#include "telemetry/event_table.h"
#include "telemetry/facts.h"
#include "telemetry/flush_output.h"
#include "telemetry/hand_over.h"
#include "telemetry/ring.h"
#include "telemetry/update_cache.h"

namespace aldis {
namespace {

using namespace telemetry;

Environment environment_of(std::optional<EnvironmentSnapshot> snapshot) {
  return snapshot ? Environment(*std::move(snapshot)) : Environment::from_process();
}

}  // namespace

class TelemetryBase::Core {
 public:
  Core(TelemetryOptions options, std::span<const Event> events)
      : options_(std::move(options)),
        environment_(environment_of(std::move(options_.environment))),
        identity_{options_.tool, options_.version} {
    ConsentFacts facts = gather_process_facts(options_.tool, environment_, options_.arguments);
    if (is_ruled_out(facts)) return;
    std::optional<Places> places = gather_disk_facts(identity_, facts);
    looked_ = true;
    updates_in_ = updates_directory(facts, places);
    if (!decide(facts).active || !places) return;
    std::vector<DeclaredEvent> declared;
    for (const Event& event : events) declared.push_back({event.name, event.fields, event.is_error});
    Result<EventTable> table = EventTable::make(declared);
    if (!table) return;
    recording_.emplace(*std::move(table), *std::move(places));
    active_ = true;
  }

  bool active() const { return active_.load(std::memory_order_relaxed); }

  void record(std::size_t event, std::span<const std::int64_t> values) noexcept {
    if (!active()) return;
    RingRecord record;
    if (!recording_->table.pack(event, values, record.values)) return recording_->ring.count_dropped();
    record.seconds = static_cast<std::uint32_t>(now().time_since_epoch().count());
    record.event = static_cast<std::uint8_t>(event);
    recording_->ring.push(record);
  }

  void finish() {
    flush_output();
    // What other threads record from now on comes too late.
    if (active_.exchange(false)) pass_on();
  }

  void hand_over_now() {
    std::erase_if(couriers_, reap_courier);
    if (active()) pass_on();
  }

  // True for the first who asks.
  bool claim_exit() { return !std::exchange(waits_for_exit_, true); }

  std::optional<std::string> update_available() const {
    if (!wants_updates()) return std::nullopt;
    const std::string directory = looked_ ? updates_in_ : find_updates();
    if (directory.empty()) return std::nullopt;
    const Result<FileDescriptor> state = open_own_directory(directory, Others::nothing);
    const std::optional<SeenUpdate> seen = state ? read_update(*state) : std::nullopt;
    if (!seen || compare_versions(seen->version, options_.version) <= 0) return std::nullopt;
    return seen->version;
  }

  TelemetryAnswer run(std::span<const std::string> arguments) {
    active_ = false;  // a telemetry command is never reported
    ConsentFacts facts = gather_process_facts(options_.tool, environment_, std::nullopt);
    std::optional<Places> places = gather_disk_facts(identity_, facts);
    return run_command({.tool = options_.tool,
                        .suggested_endpoint = options_.suggested_endpoint,
                        .environment = environment_,
                        .clock = clock_,
                        .places = std::move(places),
                        .facts = std::move(facts)},
                       arguments);
  }

 private:
  // What only an active client has.
  struct Recording {
    Recording(EventTable a_table, Places some_places) : table(std::move(a_table)), places(std::move(some_places)) {}

    EventTable table;
    Places places;
    Ring ring;
  };

  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(clock_.wall_now()); }

  bool wants_updates() const {
    return telemetry::wants_updates(environment_, options_.tool,
                                    options_.arguments.value_or(std::vector<std::string>()));
  }

  static std::string updates_directory(const ConsentFacts& facts, const std::optional<Places>& places) {
    const bool consented = facts.consent && facts.consent->enabled && !facts.consent->update_url.empty();
    return consented && !facts.setuid ? places->state_directory : std::string();
  }

  // NO_TELEMETRY and its like do not keep the user from being told what is known already.
  std::string find_updates() const {
    ConsentFacts facts = gather_process_facts(options_.tool, environment_, std::nullopt);
    const std::optional<Places> places = gather_disk_facts(identity_, facts);
    return updates_directory(facts, places);
  }

  void pass_on() {
    // A forked child has copies of records that the parent will hand over.
    if (getpid() != pid_) return;
    Ring::Drained drained = recording_->ring.drain();
    HandOver what{.environment = environment_,
                  .clock = clock_,
                  .places = recording_->places,
                  .origin = {.tool = options_.tool, .version = options_.version},
                  .records = {},
                  .dropped = drained.dropped + dropped_,
                  .spool_only = options_.spool_only,
                  .may_check_for_updates = wants_updates() && isatty(STDOUT_FILENO) == 1};
    for (const RingRecord& record : drained.records) {
      const std::chrono::sys_seconds time{std::chrono::seconds{record.seconds}};
      what.records.push_back(recording_->table.unpack(record.event, record.values, time));
    }
    const HandedOver done = telemetry::hand_over(what);
    dropped_ = done.dropped;
    if (done.courier) couriers_.push_back(*done.courier);
  }

  TelemetryOptions options_;
  Environment environment_;
  ToolIdentity identity_;
  SystemClock clock_;
  const pid_t pid_ = getpid();
  bool looked_ = false;     // at the disk: not if the environment or the command line rules telemetry out
  std::string updates_in_;  // the state directory, if the user has consented to update checks
  std::optional<Recording> recording_;
  std::atomic<bool> active_{false};
  bool waits_for_exit_ = false;
  std::uint32_t dropped_ = 0;    // not yet told to anybody
  std::vector<pid_t> couriers_;  // ours, not yet reaped
};

TelemetryBase::TelemetryBase(TelemetryOptions options, std::span<const Event> events)
    : core_(std::make_shared<Core>(std::move(options), events)) {}

TelemetryBase::~TelemetryBase() = default;

bool TelemetryBase::active() const { return core_->active(); }

int TelemetryBase::finish(int exit_code) {
  core_->finish();
  return exit_code;
}

void TelemetryBase::finish_on_exit() {
  if (!core_->claim_exit()) return;
  auto* const kept = new std::shared_ptr<Core>(core_);
  const auto finish_kept = [](int, void* argument) {
    const std::unique_ptr<std::shared_ptr<Core>> core(static_cast<std::shared_ptr<Core>*>(argument));
    (*core)->finish();
  };
  if (on_exit(finish_kept, kept) != 0) delete kept;
}

void TelemetryBase::hand_over() { core_->hand_over_now(); }

std::optional<std::string> TelemetryBase::update_available() const { return core_->update_available(); }

TelemetryAnswer TelemetryBase::telemetry_command(std::span<const std::string> arguments) {
  return core_->run(arguments);
}

void TelemetryBase::record(std::size_t event, std::span<const std::int64_t> values) noexcept {
  core_->record(event, values);
}

}  // namespace aldis
