#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "aldis/telemetry.h"
#include "core/private_files.h"
#include "telemetry/commands.h"
#include "telemetry/contained.h"
#include "telemetry/courier_process.h"
#include "telemetry/event_table.h"
#include "telemetry/facts.h"
#include "telemetry/flush_output.h"
#include "telemetry/hand_over.h"
#include "telemetry/process_mark.h"
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
    // What other threads record from now on comes too late.
    if (active_.exchange(false)) pass_on(Occasion::last);
  }

  void hand_over_now() {
    if (active()) pass_on(Occasion::one_of_many);
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
    ProcessMark process;
    std::atomic_flag is_handing_over = ATOMIC_FLAG_INIT;
    std::uint32_t dropped = 0;             // not yet told to anybody
    std::vector<FileDescriptor> couriers;  // ours, not yet reaped
  };
  enum class Occasion { one_of_many, last };

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
    if (facts.setuid) return {};
    const std::optional<Places> places = gather_disk_facts(identity_, facts);
    return updates_directory(facts, places);
  }

  void pass_on(Occasion occasion) {
    // A forked child has copies of records that the parent will hand over, and of couriers that are not its children.
    if (recording_->process.in_child() || recording_->is_handing_over.test_and_set()) return;
    contained([&] {
      std::erase_if(recording_->couriers, reap_courier);
      hand_over_drained(occasion);
    });
    recording_->is_handing_over.clear();
  }

  void hand_over_drained(Occasion occasion) {
    Ring::Drained drained = recording_->ring.drain();
    const std::uint32_t left = occasion == Occasion::last ? recording_->ring.count_left() : 0;
    const std::uint32_t dropped = recording_->dropped + drained.dropped + left;
    // Until it is done, for memory may run out.
    recording_->dropped = dropped + static_cast<std::uint32_t>(drained.records.size());
    HandOver what{.environment = environment_,
                  .clock = clock_,
                  .places = recording_->places,
                  .origin = {.tool = options_.tool, .version = options_.version},
                  .records = {},
                  .dropped = dropped,
                  .spool_only = options_.spool_only,
                  .may_check_for_updates = wants_updates() && isatty(STDOUT_FILENO) == 1};
    for (const RingRecord& record : drained.records) {
      const std::chrono::sys_seconds time{std::chrono::seconds{record.seconds}};
      what.records.push_back(recording_->table.unpack(record.event, record.values, time));
    }
    const HandedOver done = telemetry::hand_over(what);
    recording_->dropped = done.dropped;
    if (done.courier) recording_->couriers.push_back(watch_courier(*done.courier));
  }

  TelemetryOptions options_;
  Environment environment_;
  ToolIdentity identity_;
  SystemClock clock_;
  bool looked_ = false;     // at the disk: not if the environment or the command line rules telemetry out
  std::string updates_in_;  // the state directory, if the user has consented to update checks
  std::optional<Recording> recording_;
  std::atomic<bool> active_{false};
  bool waits_for_exit_ = false;
};

TelemetryBase::TelemetryBase(TelemetryOptions options, std::span<const Event> events) {
  contained([&] { core_ = std::make_shared<Core>(std::move(options), events); });
}

TelemetryBase::~TelemetryBase() = default;

bool TelemetryBase::active() const { return core_ && core_->active(); }

int TelemetryBase::finish(int exit_code) {
  flush_output();
  if (core_) core_->finish();
  return exit_code;
}

void TelemetryBase::finish_on_exit() {
  if (!core_ || !core_->claim_exit()) return;
  contained([&] {
    auto* const kept = new std::shared_ptr<Core>(core_);
    const auto finish_kept = [](int, void* argument) {
      const std::unique_ptr<std::shared_ptr<Core>> core(static_cast<std::shared_ptr<Core>*>(argument));
      flush_output();
      (*core)->finish();
    };
    if (on_exit(finish_kept, kept) != 0) delete kept;
  });
}

void TelemetryBase::hand_over() {
  if (core_) core_->hand_over_now();
}

std::optional<std::string> TelemetryBase::update_available() const {
  std::optional<std::string> newer;
  if (core_) contained([&] { newer = core_->update_available(); });
  return newer;
}

TelemetryAnswer TelemetryBase::telemetry_command(std::span<const std::string> arguments) {
  TelemetryAnswer answer;
  if (core_ && contained([&] { answer = core_->run(arguments); })) return answer;
  // Texts that are short enough to need no memory.
  return {.exit_code = 1, .error = TelemetryAnswer::Failure{.code = "OUT_OF_MEMORY", .message = "out of memory"}};
}

void TelemetryBase::record(std::size_t event, std::span<const std::int64_t> values) noexcept {
  if (core_) core_->record(event, values);
}

}  // namespace aldis
