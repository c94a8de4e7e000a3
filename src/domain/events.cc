#include "aldis/events.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "core/failure.h"
#include "core/ids.h"
#include "core/names.h"
#include "core/try.h"
#include "domain/event_following.h"
#include "domain/event_member.h"
#include "domain/event_position.h"
#include "domain/event_reader.h"
#include "domain/event_wait.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::string_view kTypeArgument = "event type";
constexpr std::string_view kGroupArgument = "group";
constexpr std::size_t kEventsAtOnce = 64;  // of several streams, that are in memory together

double in_seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

Result<void> check_types(const std::vector<std::string>& types) {
  if (types.size() > limits::kConsumeTypesMax) {
    return fail(ErrorCode::invalid_argument, "{} event types in one read: at most {} are allowed; none means all types",
                types.size(), limits::kConsumeTypesMax);
  }
  for (const std::string& type : types) ALDIS_TRY(check_name(kTypeArgument, type));
  return {};
}

Result<void> check_count(std::size_t count) {
  if (count >= 1 && count <= limits::kConsumeCountMax) return {};
  return fail(ErrorCode::invalid_argument, "a count of {} is out of bounds: it must be between 1 and {}", count,
              limits::kConsumeCountMax);
}

Result<void> check_membership(const ConsumeOptions& options) {
  if (options.group.empty() && options.consumer.empty()) return {};
  if (options.group.empty() || options.consumer.empty()) {
    return fail(ErrorCode::invalid_argument,
                "group and consumer go together: give the name of the group and the name of this member of it");
  }
  ALDIS_TRY(check_name(kGroupArgument, options.group));
  ALDIS_TRY(check_name("consumer", options.consumer));
  if (options.take_over_after > nanoseconds::zero() && options.take_over_after <= limits::kTakeOverAfterMax) return {};
  return fail(ErrorCode::invalid_argument,
              "take_over_after of {} s is out of bounds: it must be longer than 0 and at most {} s (7 days)",
              in_seconds(options.take_over_after), in_seconds(limits::kTakeOverAfterMax));
}

Result<std::optional<nanoseconds>> finalize_block(const ConsumeOptions& options) {
  if (!options.block_ms) return std::nullopt;
  if (*options.block_ms < milliseconds::zero()) {
    return fail(ErrorCode::invalid_argument, "block_ms of {} is negative: leave it out to read without waiting",
                options.block_ms->count());
  }
  // In milliseconds: long waits have more nanoseconds than can be counted.
  return std::min(*options.block_ms, std::chrono::duration_cast<milliseconds>(limits::kWaitMax));
}

Result<void> check_bounds(const StreamBounds& bounds) {
  if (bounds.max_length < 1 || bounds.max_length > limits::kStreamLengthMax) {
    return fail(ErrorCode::invalid_argument, "max_length of {} is out of bounds: it must be between 1 and {}",
                bounds.max_length, limits::kStreamLengthMax);
  }
  if (!bounds.max_age) return {};
  if (*bounds.max_age > milliseconds::zero() && *bounds.max_age <= limits::kStreamAgeMax) return {};
  return fail(ErrorCode::invalid_argument,
              "max_age of {} ms is out of bounds: it must be longer than 0 and at most {} ms (365 days)",
              bounds.max_age->count(), limits::kStreamAgeMax.count());
}

std::vector<std::string> in_order(std::vector<std::string> types) {
  std::ranges::sort(types);
  const auto repeated = std::ranges::unique(types);
  types.erase(repeated.begin(), repeated.end());
  return types;
}

// Of each of these streams what there is to say without its groups.
Result<std::vector<StreamInfo>> describe(EventStore& store, std::span<const StreamHead> streams) {
  std::vector<StreamCursor> cursors;
  for (const StreamHead& stream : streams) cursors.push_back({.type = stream.type});
  ALDIS_TRY_ASSIGN(const std::vector<StreamSlice> slices, store.read(cursors, 1));
  std::vector<StreamInfo> infos;
  for (const auto& [head, events] : slices) {
    StreamInfo info;
    info.event_type = head.type;
    info.length = head.last.ordinal + 1 - head.first;
    info.bounds = head.bounds;
    if (!events.empty()) info.first_id = format_event_id(events.front().place);
    if (head.last.ordinal > 0) info.last_id = format_event_id(head.last);
    infos.push_back(std::move(info));
  }
  return infos;
}

// REQUIRES: `start` fits the types.
Result<std::unique_ptr<StreamReading>> begin(Workspace::Impl& workspace, const std::vector<std::string>& types,
                                             ReadStart start, const ConsumeOptions& options) {
  if (options.group.empty()) {
    ALDIS_TRY_ASSIGN(EventReader reader, EventReader::begin(workspace.events(), types, start, options.count));
    return std::make_unique<EventReader>(std::move(reader));
  }
  ALDIS_TRY_ASSIGN(EventMember member, EventMember::begin(workspace, types, std::move(start),
                                                          {.group = options.group,
                                                           .consumer = options.consumer,
                                                           .take_over_after = options.take_over_after,
                                                           .count = options.count}));
  return std::make_unique<EventMember>(std::move(member));
}

}  // namespace

EventStreamer::EventStreamer(Workspace workspace)
    : workspace_(std::move(workspace)), following_(std::make_unique<Following>()) {}
EventStreamer::~EventStreamer() = default;
EventStreamer::EventStreamer(EventStreamer&&) noexcept = default;
EventStreamer& EventStreamer::operator=(EventStreamer&&) noexcept = default;

Result<StreamEvent> EventStreamer::publish_event(std::string_view type, Json data, std::string_view source) {
  Workspace::Impl& workspace = *workspace_.impl();
  ALDIS_TRY(workspace.usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  ALDIS_TRY(check_text("source", source, limits::kSourceBytesMax));
  const Id128 id = make_id(workspace.clock().wall_now());
  ALDIS_TRY_ASSIGN(const EventPlace place,
                   workspace.events().publish({.id = id, .type = type, .data = data.text(), .source = source}));
  return to_stream_event(type, {.place = place, .data = data.text(), .source = std::string(source)});
}

Result<EventBatch> EventStreamer::consume_events(const std::vector<std::string>& types, const ConsumeOptions& options,
                                                 std::stop_token stop) {
  Workspace::Impl& workspace = *workspace_.impl();
  ALDIS_TRY(workspace.usable());
  ALDIS_TRY(check_types(types));
  ALDIS_TRY(check_count(options.count));
  ALDIS_TRY(check_membership(options));
  ALDIS_TRY_ASSIGN(const std::optional<nanoseconds> block, finalize_block(options));
  ALDIS_TRY_ASSIGN(ReadStart start, parse_start(options.start));
  std::vector<std::string> wanted = in_order(types);
  ALDIS_TRY(check_start(start, wanted));
  std::unique_ptr<Following::Read> read = block ? following_->take(wanted, options) : nullptr;
  if (!read) {
    ALDIS_TRY_ASSIGN(std::unique_ptr<StreamReading> reading, begin(workspace, wanted, std::move(start), options));
    read.reset(new Following::Read{.workspace = workspace_,
                                   .types = std::move(wanted),
                                   .options = options,
                                   .wait = EventWait(workspace, std::move(reading), types.empty())});
  }
  ALDIS_TRY_ASSIGN(std::vector<StreamItem> items, block ? read->wait.read(*block, stop) : read->wait.read_now());
  EventBatch batch{.items = std::move(items), .position = read->wait.position()};
  if (!block) return batch;
  if (options.group.empty()) read->options.start = batch.position;
  following_->keep(std::move(read));
  return batch;
}

Result<std::uint64_t> EventStreamer::acknowledge(std::string_view type, std::string_view group,
                                                 const std::vector<std::string>& event_ids) {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  ALDIS_TRY(check_name(kGroupArgument, group));
  if (event_ids.size() > limits::kConsumeCountMax) {
    return fail(ErrorCode::invalid_argument, "{} event ids in one call: at most {} are allowed; make several calls",
                event_ids.size(), limits::kConsumeCountMax);
  }
  std::vector<EventPlace> places;
  places.reserve(event_ids.size());
  for (const std::string& event_id : event_ids) {
    ALDIS_TRY_ASSIGN(const EventPlace place, parse_event_id(event_id));
    places.push_back(place);
  }
  return workspace_.impl()->event_groups().acknowledge(type, group, places);
}

Result<std::vector<PendingEvent>> EventStreamer::get_pending_events(std::string_view type,
                                                                    std::string_view group) const {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  ALDIS_TRY(check_name(kGroupArgument, group));
  return workspace_.impl()->event_groups().pending(type, group, limits::kConsumeCountMax);
}

Result<std::vector<StreamEvent>> EventStreamer::get_recent_events(std::string_view type, std::size_t count,
                                                                  std::string_view start, std::string_view end) const {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  ALDIS_TRY(check_count(count));
  EventPlace first{.ordinal = 1};
  EventPlace last{.ordinal = kEventNumberMax};
  if (!start.empty()) {
    ALDIS_TRY_ASSIGN(first, parse_event_id(start));
  }
  if (!end.empty()) {
    ALDIS_TRY_ASSIGN(last, parse_event_id(end));
  }
  std::vector<StreamEvent> events;
  if (first.ordinal > last.ordinal) return events;
  ALDIS_TRY_ASSIGN(std::vector<StoredEvent> stored,
                   workspace_.impl()->events().recent(type, first.ordinal, last.ordinal, count));
  for (StoredEvent& event : stored) events.push_back(to_stream_event(type, std::move(event)));
  return events;
}

Result<StreamInfo> EventStreamer::get_stream_info(std::string_view type) const {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  EventStore& store = workspace_.impl()->events();
  ALDIS_TRY_ASSIGN(const std::vector<StreamHead> heads, store.heads(type));
  if (heads.empty()) {
    return fail(ErrorCode::not_found, "there is no stream {}: nothing was ever published or configured there", type);
  }
  ALDIS_TRY_ASSIGN(std::vector<StreamInfo> infos, describe(store, heads));
  ALDIS_TRY_ASSIGN(infos.front().groups, workspace_.impl()->event_groups().groups(type));
  return std::move(infos.front());
}

Result<std::vector<StreamInfo>> EventStreamer::list_streams() const {
  ALDIS_TRY(workspace_.impl()->usable());
  EventStore& store = workspace_.impl()->events();
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> heads, user_streams(store));
  std::erase_if(heads, &StreamHead::is_only_announced);
  std::vector<StreamInfo> infos;
  infos.reserve(heads.size());
  // A part at a time: to know its id, the first event of each is read.
  for (std::size_t at = 0; at < heads.size(); at += kEventsAtOnce) {
    ALDIS_TRY_ASSIGN(std::vector<StreamInfo> part,
                     describe(store, std::span(heads).subspan(at).first(std::min(kEventsAtOnce, heads.size() - at))));
    std::ranges::move(part, std::back_inserter(infos));
  }
  return infos;
}

Result<std::uint64_t> EventStreamer::trim_stream(std::string_view type, std::uint64_t max_length) {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  return workspace_.impl()->events().trim(type, std::min(max_length, limits::kStreamLengthMax));
}

Result<std::uint64_t> EventStreamer::delete_stream(std::string_view type) { return trim_stream(type, 0); }

Result<void> EventStreamer::configure_stream(std::string_view type, const StreamBounds& bounds) {
  ALDIS_TRY(workspace_.impl()->usable());
  ALDIS_TRY(check_name(kTypeArgument, type));
  ALDIS_TRY(check_bounds(bounds));
  return workspace_.impl()->events().configure(type, bounds);
}

}  // namespace aldis
