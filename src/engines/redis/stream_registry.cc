#include "engines/redis/stream_registry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "aldis/limits.h"
#include "core/try.h"
#include "engines/redis/answer_reader.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/scripts.h"
#include "ports/event_store.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// A stream's keys live up to a day longer than it is idle, and it is registered a bit before its last use.
constexpr nanoseconds kRetention = limits::kStreamIdle + 48h;
static_assert(limits::kRedisStreamRegistration < 24h);

// How long the registry knows which dropped events it was told of: as long as a process may tell of them again.
constexpr nanoseconds kTellingKept = 24h;

}  // namespace

StreamRegistry::StreamRegistry(std::shared_ptr<RedisClient> client, const Groups& groups,
                               std::shared_ptr<const Clock> clock)
    : client_(std::move(client)), group_(groups.streams()), clock_(std::move(clock)) {}

Result<void> StreamRegistry::announce(std::string_view type, std::optional<nanoseconds> at_most) {
  ALDIS_TRY_ASSIGN(const Reply answer, tell(type, Durability::durable, at_most));
  ALDIS_TRY(lasting(read_kind(answer, "done")));
  const MutexLock lock(mutex_);
  went_unheard_.reset();
  note(type);
  return {};
}

void StreamRegistry::announce_again(std::string_view type, nanoseconds at_most) {
  if (at_most <= nanoseconds::zero() || !begin_again(type)) return;
  if (tell(type, Durability::fleeting, std::min(at_most, limits::kRedisRecheckPatience))) return;
  const MutexLock lock(mutex_);
  went_unheard_ = clock_->boot_now();
}

Result<std::vector<std::string>> StreamRegistry::types() {
  const std::array<ReadRequest, 1> request{ReadRequest{group_, {{"ZRANGE", group_ + ":t", "0", "-1"}}}};
  ALDIS_TRY_ASSIGN(std::vector<Reply> answers, client_->read(request));
  std::vector<std::string> types;
  types.reserve(answers.front().elements.size());
  for (Reply& type : answers.front().elements) types.push_back(std::move(type.text));
  std::ranges::sort(types);
  return types;
}

void StreamRegistry::hand_on_dropped(nanoseconds at_most) {
  const std::optional<Telling> telling = begin_telling();
  if (!telling) return;
  const std::string count = std::to_string(telling->events);
  const std::string kept = milliseconds_text(kTellingKept);
  const std::string life = milliseconds_text(kRetention);
  const std::array<std::string_view, 4> arguments{count, telling->call_id, kept, life};
  if (client_->run(kEventCountDropped, group_, arguments, Durability::fleeting, at_most)) end_telling(*telling);
}

void StreamRegistry::count_dropped(std::uint64_t events) {
  const MutexLock lock(mutex_);
  dropped_ += events;
}

// What was told and not answered goes first.
std::optional<StreamRegistry::Telling> StreamRegistry::begin_telling() {
  const MutexLock lock(mutex_);
  if (!telling_ && dropped_ > 0) {
    telling_ = Telling{.call_id = short_id(make_id(WallTime{})), .events = std::exchange(dropped_, 0)};
  }
  return telling_;
}

void StreamRegistry::end_telling(const Telling& told) {
  const MutexLock lock(mutex_);
  if (telling_ && telling_->call_id == told.call_id) telling_.reset();
}

Result<std::uint64_t> StreamRegistry::dropped() {
  const std::array<ReadRequest, 1> request{ReadRequest{group_, {{"GET", group_ + ":d"}}}};
  ALDIS_TRY_ASSIGN(const std::vector<Reply> answers, client_->read(request));
  const std::string& text = answers.front().text;
  std::uint64_t total = 0;
  std::from_chars(text.data(), text.data() + text.size(), total);
  const MutexLock lock(mutex_);
  return total + dropped_ + (telling_ ? telling_->events : 0);
}

// Whether it is time. Then it is this call's business, and no other one's.
bool StreamRegistry::begin_again(std::string_view type) {
  const MutexLock lock(mutex_);
  const BootTime recent = clock_->boot_now() - limits::kRedisStreamRegistration;
  if (went_unheard_ && *went_unheard_ > recent) return false;
  const auto told = told_.find(type);
  if (told != told_.end() && told->second > recent) return false;
  note(type);
  return true;
}

void StreamRegistry::note(std::string_view type) {
  // Forgetting costs a round trip, no more.
  if (told_.size() >= limits::kStreamsMax) told_.clear();
  told_.insert_or_assign(std::string(type), clock_->boot_now());
}

Result<Reply> StreamRegistry::tell(std::string_view type, Durability durability, std::optional<nanoseconds> at_most) {
  const std::string streams_max = std::to_string(limits::kStreamsMax);
  const std::string retention = milliseconds_text(kRetention);
  std::vector<std::string_view> arguments{type, streams_max, retention};
  arguments.insert(arguments.end(), kOwnEventTypes.begin(), kOwnEventTypes.end());
  return client_->run(kEventRegister, group_, arguments, durability, at_most);
}

}  // namespace aldis
