#include "engines/redis/redis_events.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "aldis/limits.h"
#include "core/try.h"
#include "engines/redis/event_answers.h"
#include "engines/redis/patience.h"
#include "engines/redis/script_arguments.h"
#include "engines/redis/scripts.h"
#include "engines/redis/stream_registry.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

static_assert(limits::kStreamIdle == std::chrono::days{90}, "scripts/event_*.lua count with it");

// So few streams are read by scripts at once; of more it is asked first where there is news.
constexpr std::size_t kFewStreams = 4;

std::string_view bytes_of(const Id128& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

StreamSlice slice_of_unknown(std::string_view type) {
  StreamSlice slice;
  slice.head.type = type;
  return slice;
}

class RedisEvents final : public EventStore {
 public:
  RedisEvents(const std::shared_ptr<RedisClient>& client, const Groups& groups,
              const std::shared_ptr<const Clock>& clock)
      : client_(client), groups_(groups), clock_(clock), registry_(client, groups, clock) {}

  Result<EventPlace> publish(const OutgoingEvent& event) override {
    const Patience patience(*clock_, event.at_most, client_->call_timeout());
    const std::string window = milliseconds_text(limits::kRedisPublicationRetention);
    std::array<std::string_view, 5> arguments{bytes_of(event.id), window, event.source, event.data, kMakeNone};
    return change<EventPlace>(kEventPublish, event.type, arguments, patience, read_place_answer);
  }

  Result<std::vector<StreamHead>> heads(std::string_view type) override {
    std::vector<StreamHead> heads;
    if (!type.empty()) {
      const StreamCursor cursor{.type = type};
      ALDIS_TRY_ASSIGN(auto slices, read_by_script({&cursor, 1}, 0));
      if (slices.front()) heads.push_back(std::move(slices.front()->head));
      return heads;
    }
    ALDIS_TRY_ASSIGN(const std::vector<std::string> types, registry_.types());
    std::vector<StreamCursor> cursors;
    cursors.reserve(types.size());
    for (const std::string& known : types) cursors.push_back({.type = known});
    ALDIS_TRY_ASSIGN(std::vector<std::optional<StreamSlice>> slices, read_known(cursors, 0));
    heads.reserve(slices.size());
    for (std::size_t i = 0; i < slices.size(); ++i) {
      StreamHead head = slices[i] ? std::move(slices[i]->head) : slice_of_unknown(types[i]).head;
      head.is_only_announced = !slices[i];
      heads.push_back(std::move(head));
    }
    return heads;
  }

  Result<std::vector<StreamSlice>> read(std::span<const StreamCursor> cursors, std::size_t count) override {
    ALDIS_TRY_ASSIGN(std::vector<std::optional<StreamSlice>> slices, read_known(cursors, count));
    std::vector<StreamSlice> all;
    all.reserve(cursors.size());
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      all.push_back(slices[i] ? std::move(*slices[i]) : slice_of_unknown(cursors[i].type));
    }
    return all;
  }

  Result<std::vector<StoredEvent>> recent(std::string_view type, std::uint64_t first, std::uint64_t last,
                                          std::size_t count) override {
    std::vector<StoredEvent> events;
    const std::string from = ordinal_text(first);
    const std::string bytes_max = std::to_string(limits::kRedisPageBytesMax);
    for (bool has_more = true; has_more && events.size() < count;) {
      const std::string to = ordinal_text(events.empty() ? last : events.back().place.ordinal - 1);
      const std::string left = std::to_string(count - events.size());
      const std::array<std::string_view, 4> arguments{from, to, left, bytes_max};
      ALDIS_TRY_ASSIGN(const Reply answer, client_->run(kEventRecent, groups_.stream(type), arguments));
      ALDIS_TRY_ASSIGN(EventPage page, read_recent_answer(answer));
      std::ranges::move(page.events, std::back_inserter(events));
      has_more = page.has_more;
    }
    return events;
  }

  Result<std::uint64_t> trim(std::string_view type, std::uint64_t max_length) override {
    const std::string stay = ordinal_text(max_length);
    const std::string call_id = short_id(make_id(WallTime{}));
    const std::string kept = milliseconds_text(operation_kept(*client_));
    const std::array<std::string_view, 3> arguments{stay, call_id, kept};
    ALDIS_TRY_ASSIGN(const Reply answer,
                     client_->run(kEventTrim, groups_.stream(type), arguments, Durability::durable));
    return read_count_answer(answer);
  }

  Result<void> configure(std::string_view type, const StreamBounds& bounds) override {
    const Patience patience(*clock_, {}, client_->call_timeout());
    const std::string length = std::to_string(bounds.max_length);
    const std::string age = std::to_string(bounds.max_age ? bounds.max_age->count() : 0);
    std::array<std::string_view, 3> arguments{length, age, kMakeNone};
    return change<void>(kEventConfigure, type, arguments, patience, read_done);
  }

  void count_dropped(std::uint64_t events) override { registry_.count_dropped(events); }
  Result<std::uint64_t> dropped() override { return registry_.dropped(); }
  void hand_on_dropped(nanoseconds at_most) override { registry_.hand_on_dropped(at_most); }
  void tidy() override {}

 private:
  static Result<void> read_done(const Reply& answer) {
    ALDIS_TRY(read_kind(answer, "done"));
    return {};
  }

  // Runs a script whose last argument says whether it makes a stream that is not there: only after that was announced.
  template <class T>
  Result<T> change(const Script& script, std::string_view type, std::span<std::string_view> arguments,
                   const Patience& patience, Result<T> (*read_answer)(const Reply&)) {
    const std::string group = groups_.stream(type);
    ALDIS_TRY_ASSIGN(Reply answer, client_->run(script, group, arguments, Durability::durable, patience.own_left()));
    const bool makes = is_unknown_stream(answer);
    // Not static: a thread that is left to itself at the end of the process may still be here.
    const std::string length = std::to_string(limits::kStreamLengthDefault);
    if (makes) {
      ALDIS_TRY(registry_.announce(type, patience.own_left()));
      arguments.back() = length;
      ALDIS_TRY_ASSIGN(answer, client_->run(script, group, arguments, Durability::durable, patience.own_left()));
    }
    Result<T> done = read_answer(answer);
    if (done && !makes) registry_.announce_again(type, patience.left());
    return done;
  }

  // Nothing for a stream that is not there.
  Result<std::vector<std::optional<StreamSlice>>> read_known(std::span<const StreamCursor> cursors, std::size_t count) {
    std::vector<std::optional<StreamSlice>> slices(cursors.size());
    std::vector<std::size_t> places;  // in `slices`, of those that a script reads
    if (cursors.size() <= kFewStreams) {
      for (std::size_t i = 0; i < cursors.size(); ++i) places.push_back(i);
    } else {
      ALDIS_TRY_ASSIGN(places, read_heads(cursors, count, slices));
    }
    std::vector<StreamCursor> asked;
    asked.reserve(places.size());
    for (const std::size_t place : places) asked.push_back(cursors[place]);
    ALDIS_TRY_ASSIGN(auto read, read_by_script(asked, count));
    for (std::size_t i = 0; i < places.size(); ++i) slices[places[i]] = std::move(read[i]);
    return slices;
  }

  // Fills in the slices of which the head says all. The places of the others.
  Result<std::vector<std::size_t>> read_heads(std::span<const StreamCursor> cursors, std::size_t count,
                                              std::vector<std::optional<StreamSlice>>& slices) {
    std::vector<ReadRequest> requests;
    requests.reserve(cursors.size());
    for (const StreamCursor& cursor : cursors) {
      const std::string group = groups_.stream(cursor.type);
      std::vector<std::string> command{"HMGET", group + ":h"};
      command.insert(command.end(), std::begin(kHeadFields), std::end(kHeadFields));
      requests.push_back({.group = group, .commands = {std::move(command)}});
    }
    ALDIS_TRY_ASSIGN(const std::vector<Reply> answers, client_->read(requests));
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      ALDIS_TRY_ASSIGN(std::optional<StreamHead> head, read_head_fields(cursors[i].type, answers[i]));
      if (!head) continue;
      const bool has_news = count > 0 && head->last.ordinal > cursors[i].after;
      if (has_news || head->bounds.max_age) {
        others.push_back(i);
      } else {
        slices[i] = StreamSlice{.head = *std::move(head), .events = {}};
      }
    }
    return others;
  }

  Result<std::vector<std::optional<StreamSlice>>> read_by_script(std::span<const StreamCursor> cursors,
                                                                 std::size_t count) {
    std::vector<std::optional<StreamSlice>> slices;
    if (cursors.empty()) return slices;
    std::vector<ReadRequest> requests;
    requests.reserve(cursors.size());
    for (const StreamCursor& cursor : cursors) {
      requests.push_back({.group = groups_.stream(cursor.type),
                          .script = &kEventRead,
                          .arguments = {ordinal_text(cursor.after), std::to_string(count),
                                        std::to_string(limits::kRedisPageBytesMax)}});
    }
    ALDIS_TRY_ASSIGN(const std::vector<Reply> answers, client_->read(requests));
    slices.reserve(cursors.size());
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      ALDIS_TRY_ASSIGN(auto slice, read_slice_answer(cursors[i], answers[i]));
      slices.push_back(std::move(slice));
    }
    return slices;
  }

  const std::shared_ptr<RedisClient> client_;
  const Groups groups_;
  const std::shared_ptr<const Clock> clock_;
  StreamRegistry registry_;
};

}  // namespace

std::shared_ptr<EventStore> make_redis_events(std::shared_ptr<RedisClient> client, const Groups& groups,
                                              std::shared_ptr<const Clock> clock) {
  return std::make_shared<RedisEvents>(client, groups, clock);
}

}  // namespace aldis
