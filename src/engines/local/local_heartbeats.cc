#include "engines/local/local_heartbeats.h"

#include <array>
#include <atomic>
#include <utility>

#include "core/failure.h"
#include "core/ids.h"
#include "core/try.h"
#include "engines/local/board_keys.h"
#include "engines/local/heartbeat_format.h"
#include "engines/local/reclaim.h"

namespace aldis {
namespace {

constexpr std::string_view kStatusOfStarted = "started";
constexpr std::string_view kHeartbeatPrefix{&board_key::kHeartbeat, 1};
constexpr std::string_view kAgentPrefix{&board_key::kAgent, 1};

// What to ring once the change is committed.
enum class Ring { nothing, heartbeats, agent };

struct Stamp {
  StoreTime store;
  WallTime wall;
};

std::string key_of(std::string_view prefix, std::string_view agent_id) {
  std::string key;
  key.reserve(prefix.size() + agent_id.size());
  return key.append(prefix).append(agent_id);
}

// When somebody has to look again at a record that is kept: early, because a lease moves without the index being
// written. Past its removal only its process keeps it.
StoreTime due_of(const HeartbeatPulse& pulse, StoreTime now) {
  const StoreTime early = pulse.renewed + limits::kAgentRetention;
  if (early > now) return early;
  return pulse.removal() > now ? pulse.removal() : now + limits::kAgentRetention;
}

BootTime boot_time_of(StoreTime time) { return BootTime{time.time_since_epoch()}; }
StoreTime store_time_of(BootTime time) { return StoreTime{time.time_since_epoch()}; }

std::unexpected<Error> damaged(std::string_view agent_id) {
  return fail(ErrorCode::data_loss, "the record of agent {} on the local board is damaged: start the agent again",
              agent_id);
}

// An agent that was silent for longer than records are kept, but did not finish, may still have its process: stopped,
// or on a machine that slept.
bool is_kept(BoardTransaction& transaction, std::string_view agent_id, const HeartbeatPulse& pulse, StoreTime now) {
  if (pulse.removal() > now) return true;
  const auto portrait = pulse.finished ? std::nullopt : transaction.get(key_of(kAgentPrefix, agent_id));
  HeartbeatRecord record;
  const bool readable = portrait && read_portrait(*portrait, record);
  return readable && record.start.process && transaction.process_exists(*record.start.process);
}

// The pulse of a record that is kept; none if there is no such record.
Result<std::optional<HeartbeatPulse>> find_pulse(BoardTransaction& transaction, std::string_view agent_id,
                                                 StoreTime now) {
  const auto bytes = transaction.get(key_of(kHeartbeatPrefix, agent_id));
  if (!bytes) return std::nullopt;
  const std::optional<HeartbeatPulse> pulse = read_pulse(*bytes);
  if (!pulse) return damaged(agent_id);
  if (!is_kept(transaction, agent_id, *pulse, now)) return std::nullopt;
  return pulse;
}

Result<HeartbeatPulse> find_incarnation(BoardTransaction& transaction, std::string_view agent_id,
                                        const Id128& incarnation, StoreTime now) {
  ALDIS_TRY_ASSIGN(const std::optional<HeartbeatPulse> pulse, find_pulse(transaction, agent_id, now));
  if (!pulse) return fail(ErrorCode::not_found, "there is no heartbeat of agent {}: start it", agent_id);
  if (pulse->incarnation == incarnation) return *pulse;
  return fail(ErrorCode::conflict, "agent {} was taken over by {}: this incarnation must stop", agent_id,
              format_id(kIncarnationPrefix, pulse->incarnation));
}

Result<HeartbeatPulse> find_working(BoardTransaction& transaction, std::string_view agent_id, const Id128& incarnation,
                                    StoreTime now) {
  ALDIS_TRY_ASSIGN(const HeartbeatPulse pulse, find_incarnation(transaction, agent_id, incarnation, now));
  if (!pulse.finished) return pulse;
  return fail(ErrorCode::failed_precondition, "agent {} has finished ({}): start it again", agent_id, pulse.status);
}

Result<void> check_replaces(std::string_view agent_id, const std::optional<HeartbeatPulse>& there,
                            const std::optional<Id128>& replaces) {
  if (!replaces || *replaces == (there ? there->incarnation : Id128{})) return {};
  return fail(ErrorCode::conflict, "agent {} was started by somebody else meanwhile", agent_id);
}

class LocalHeartbeats final : public HeartbeatStore {
 public:
  LocalHeartbeats(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell, std::shared_ptr<const Clock> clock)
      : board_(std::move(board)), doorbell_(std::move(doorbell)), clock_(std::move(clock)) {}

  Result<void> start(const AgentStart& start, std::optional<Id128> replaces) override {
    return change(start.agent_id, [&](BoardTransaction& transaction, const Stamp& now) -> Result<Ring> {
      const auto found = find_pulse(transaction, start.agent_id, now.store);
      // A damaged record is as good as none: starting anew is what mends it.
      ALDIS_TRY(check_replaces(start.agent_id, found ? *found : std::nullopt, replaces));
      HeartbeatPulse pulse;
      pulse.incarnation = start.incarnation;
      pulse.ttl = start.ttl;
      pulse.renewed = now.store;
      pulse.renewed_at = now.wall;
      pulse.status = kStatusOfStarted;
      const std::string key = key_of(kHeartbeatPrefix, start.agent_id);
      // A record that is there, even one past its retention, has its one entry in the due index.
      if (!transaction.get(key)) set_due(transaction, boot_time_of(due_of(pulse, now.store)), key);
      transaction.put(key, write_pulse(pulse));
      transaction.put(key_of(kAgentPrefix, start.agent_id), write_portrait(start, now.store, now.wall));
      return Ring::agent;
    });
  }

  Result<void> beat(const BeatUpdate& update) override {
    return change(update.agent_id, [&](BoardTransaction& transaction, const Stamp& now) -> Result<Ring> {
      ALDIS_TRY_ASSIGN(HeartbeatPulse pulse, find_working(transaction, update.agent_id, update.incarnation, now.store));
      if (pulse.beats > 0) pulse.rhythm.add(std::chrono::duration<double>(now.store - pulse.last_beat).count());
      ++pulse.beats;
      pulse.last_beat = pulse.renewed = now.store;
      pulse.last_beat_at = pulse.renewed_at = now.wall;
      pulse.status = update.status;
      if (update.progress) pulse.progress = update.progress;
      if (update.current_task) pulse.current_task = *update.current_task;
      transaction.put(key_of(kHeartbeatPrefix, update.agent_id), write_pulse(pulse));
      return pulse.published == AgentState::alive ? Ring::nothing : Ring::heartbeats;
    });
  }

  Result<void> renew(std::string_view agent_id, const Id128& incarnation) override {
    return change(agent_id, [&](BoardTransaction& transaction, const Stamp& now) -> Result<Ring> {
      ALDIS_TRY_ASSIGN(HeartbeatPulse pulse, find_working(transaction, agent_id, incarnation, now.store));
      pulse.renewed = now.store;
      pulse.renewed_at = now.wall;
      transaction.put(key_of(kHeartbeatPrefix, agent_id), write_pulse(pulse));
      return pulse.published == AgentState::dead ? Ring::heartbeats : Ring::nothing;
    });
  }

  Result<void> finish(std::string_view agent_id, const Id128& incarnation, std::string_view final_status) override {
    return change(agent_id, [&](BoardTransaction& transaction, const Stamp& now) -> Result<Ring> {
      ALDIS_TRY_ASSIGN(HeartbeatPulse pulse, find_incarnation(transaction, agent_id, incarnation, now.store));
      if (pulse.finished && pulse.status == final_status) return Ring::nothing;
      if (pulse.finished) {
        return fail(ErrorCode::failed_precondition, "agent {} has finished already, as {}", agent_id, pulse.status);
      }
      pulse.finished = now.store;
      pulse.status = final_status;
      transaction.put(key_of(kHeartbeatPrefix, agent_id), write_pulse(pulse));
      return Ring::agent;
    });
  }

  Result<std::optional<HeartbeatReading>> read(std::string_view agent_id) override {
    return board_->read([&](BoardTransaction& transaction) -> Result<std::optional<HeartbeatReading>> {
      HeartbeatReading reading;
      reading.now = store_time_of(clock_->boot_now());
      ALDIS_TRY_ASSIGN(const auto pulse, find_pulse(transaction, agent_id, reading.now));
      if (!pulse) return std::nullopt;
      apply_pulse(*pulse, reading.record);
      const auto portrait = transaction.get(key_of(kAgentPrefix, agent_id));
      if (!portrait || !read_portrait(*portrait, reading.record)) return damaged(agent_id);
      reading.record.start.agent_id = agent_id;
      return reading;
    });
  }

  Result<HeartbeatListing> list() override {
    return board_->read([&](BoardTransaction& transaction) -> Result<HeartbeatListing> {
      HeartbeatListing listing;
      listing.records.reserve(listed_before_);
      listing.now = store_time_of(clock_->boot_now());
      ALDIS_TRY(list_pulses(transaction, listing));
      ALDIS_TRY(add_portraits(transaction, listing));
      listed_before_ = listing.records.size();
      return listing;
    });
  }

  Result<bool> publish_state(std::string_view agent_id, const Id128& incarnation, AgentState expected,
                             AgentState next) override {
    return board_->write([&](BoardTransaction& transaction) -> Result<bool> {
      ALDIS_TRY_ASSIGN(auto pulse, find_pulse(transaction, agent_id, store_time_of(clock_->boot_now())));
      if (!pulse || pulse->incarnation != incarnation || pulse->published != expected || expected == next) return false;
      pulse->published = next;
      transaction.put(key_of(kHeartbeatPrefix, agent_id), write_pulse(*pulse));
      return true;
    });
  }

 private:
  // One write: clears away a little of what is due, runs `body`, and rings what it answers once that is committed. The
  // clock is read under the lock, so stamps follow the order of commits.
  template <class Body>
  Result<void> change(std::string_view agent_id, const Body& body) {
    ALDIS_TRY_ASSIGN(const Ring ring, board_->write([&](BoardTransaction& transaction) -> Result<Ring> {
      const BootTime boot = clock_->boot_now();
      reclaim_due(transaction, boot);
      return body(transaction, Stamp{store_time_of(boot), clock_->wall_now()});
    }));
    const std::array topics{Topic{Topic::Kind::heartbeats, {}}, Topic{Topic::Kind::agent, agent_id}};
    if (ring == Ring::heartbeats) doorbell_->ring(topics.front());
    if (ring == Ring::agent) doorbell_->ring(topics);
    return {};
  }

  static Result<void> list_pulses(BoardTransaction& transaction, HeartbeatListing& listing) {
    for (auto entry = transaction.seek(kHeartbeatPrefix, kHeartbeatPrefix); entry; entry = transaction.next()) {
      const std::string_view agent_id = entry->key.substr(kHeartbeatPrefix.size());
      const std::optional<HeartbeatPulse> pulse = read_pulse(entry->value);
      if (!pulse) return damaged(agent_id);
      if (!is_kept(transaction, agent_id, *pulse, listing.now)) continue;
      HeartbeatRecord& record = listing.records.emplace_back();
      record.start.agent_id = agent_id;
      apply_pulse(*pulse, record);
    }
    return {};
  }

  // Pulses and portraits have the same ids in the same order.
  static Result<void> add_portraits(BoardTransaction& transaction, HeartbeatListing& listing) {
    auto entry = transaction.seek(kAgentPrefix, kAgentPrefix);
    for (HeartbeatRecord& record : listing.records) {
      const auto is_before = [&] { return entry && entry->key.substr(kAgentPrefix.size()) < record.start.agent_id; };
      while (is_before()) entry = transaction.next();
      const bool is_there = entry && entry->key.substr(kAgentPrefix.size()) == record.start.agent_id;
      if (!is_there || !read_portrait(entry->value, record)) return damaged(record.start.agent_id);
    }
    return {};
  }

  const std::shared_ptr<Board> board_;
  const std::shared_ptr<Doorbell> doorbell_;
  const std::shared_ptr<const Clock> clock_;
  std::atomic<std::size_t> listed_before_{0};  // how much room the next listing will likely need
};

}  // namespace

std::shared_ptr<HeartbeatStore> make_local_heartbeats(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell,
                                                      std::shared_ptr<const Clock> clock) {
  return std::make_shared<LocalHeartbeats>(std::move(board), std::move(doorbell), std::move(clock));
}

void reclaim_heartbeat(BoardTransaction& transaction, std::string_view key, BootTime now) {
  const std::string pulse_key(key);  // `key` may point into the board
  const std::string_view agent_id = std::string_view(pulse_key).substr(kHeartbeatPrefix.size());
  const auto bytes = transaction.get(pulse_key);
  if (!bytes) return;
  const std::optional<HeartbeatPulse> pulse = read_pulse(*bytes);
  if (pulse && is_kept(transaction, agent_id, *pulse, store_time_of(now))) {
    set_due(transaction, boot_time_of(due_of(*pulse, store_time_of(now))), pulse_key);
    return;
  }
  transaction.erase(pulse_key);
  transaction.erase(key_of(kAgentPrefix, agent_id));
}

}  // namespace aldis
