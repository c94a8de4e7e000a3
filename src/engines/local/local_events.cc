#include "engines/local/local_events.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/event_rows.h"

namespace aldis {
namespace {

struct Published {
  EventPlace place;
  bool is_new = true;
  bool made_stream = false;
};

Result<Published> publish_in(LedgerTransaction& transaction, const OutgoingEvent& event) {
  std::optional<StreamRow> stream = find_stream(transaction, event.type);
  Published published;
  if (!stream) {
    ALDIS_TRY_ASSIGN(stream, make_stream(transaction, event.type));
    published.made_stream = true;
  } else if (stream->last.ordinal != 0 && stream->newest == event.id) {
    return Published{.place = stream->last, .is_new = false};
  }
  if (stream->last.ordinal == kOrdinalMax) {
    return fail(ErrorCode::resource_exhausted, "the stream {} has no ordinals left: publish under another type",
                event.type);
  }
  append_event(transaction, *stream, event);
  remove_after_publish(transaction, *stream);
  published.place = stream->last;
  return published;
}

StreamSlice slice_of(LedgerTransaction& transaction, const StreamCursor& cursor, std::size_t count) {
  const std::optional<StreamRow> stream = find_stream(transaction, cursor.type);
  if (!stream) return {.head = head_of(cursor.type, StreamRow{}, 1), .events = {}};
  const std::uint64_t first = first_visible(transaction, *stream);
  const std::uint64_t last = stream->last.ordinal;
  StreamSlice slice{.head = head_of(cursor.type, *stream, first), .events = {}};
  if (cursor.after < last && first <= last) {
    slice.events = oldest_events(transaction, stream->id, std::max(first, cursor.after + 1), last, count);
  }
  return slice;
}

// Answers how many events `change` hid that a reader saw before: it is given the stream as it is seen.
template <class Change>
std::uint64_t hide(LedgerTransaction& transaction, StreamRow& stream, Change change) {
  const std::uint64_t first = first_visible(transaction, stream);
  stream.hidden_below = first;
  change(stream);
  stream.hidden_below = first_visible(transaction, stream);
  transaction.run("UPDATE streams SET hidden_below = ?, max_length = ?, max_age_ms = ? WHERE id = ?",
                  stream.hidden_below, stream.bounds.max_length,
                  stream.bounds.max_age ? std::optional(stream.bounds.max_age->count()) : std::nullopt, stream.id);
  return stream.hidden_below - first;
}

class LocalEvents final : public EventStore {
 public:
  LocalEvents(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell, std::shared_ptr<DropCounter> drops)
      : ledger_(std::move(ledger)), doorbell_(std::move(doorbell)), drops_(std::move(drops)) {}

  Result<EventPlace> publish(const OutgoingEvent& event) override {
    ALDIS_TRY_ASSIGN(
        const Published published,
        ledger_->write(
            LedgerSync::normal, [&event](LedgerTransaction& transaction) { return publish_in(transaction, event); },
            event.at_most));
    if (published.is_new) doorbell_->ring({Topic::Kind::stream, event.type});
    if (published.made_stream) doorbell_->ring({Topic::Kind::streams, {}});
    return published.place;
  }

  Result<std::vector<StreamHead>> heads(std::string_view type) override {
    return ledger_->read([type](LedgerTransaction& transaction) -> Result<std::vector<StreamHead>> {
      if (type.empty()) return all_heads(transaction);
      std::vector<StreamHead> heads;
      if (const auto stream = find_stream(transaction, type)) {
        heads.push_back(head_of(type, *stream, first_visible(transaction, *stream)));
      }
      return heads;
    });
  }

  Result<std::vector<StreamSlice>> read(std::span<const StreamCursor> cursors, std::size_t count) override {
    return ledger_->read([cursors, count](LedgerTransaction& transaction) -> Result<std::vector<StreamSlice>> {
      std::vector<StreamSlice> slices;
      for (const StreamCursor& cursor : cursors) slices.push_back(slice_of(transaction, cursor, count));
      return slices;
    });
  }

  Result<std::vector<StoredEvent>> recent(std::string_view type, std::uint64_t first, std::uint64_t last,
                                          std::size_t count) override {
    return ledger_->read([&](LedgerTransaction& transaction) -> Result<std::vector<StoredEvent>> {
      const std::optional<StreamRow> stream = find_stream(transaction, type);
      if (!stream) return std::vector<StoredEvent>{};
      const std::uint64_t from = std::max(first, first_visible(transaction, *stream));
      const std::uint64_t to = std::min(last, stream->last.ordinal);
      if (from > to) return std::vector<StoredEvent>{};
      return newest_events(transaction, stream->id, from, to, count);
    });
  }

  Result<std::uint64_t> trim(std::string_view type, std::uint64_t max_length) override {
    ALDIS_TRY_ASSIGN(const std::uint64_t hidden,
                     ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<std::uint64_t> {
                       std::optional<StreamRow> stream = find_stream(transaction, type);
                       if (!stream) return 0;
                       return hide(transaction, *stream, [max_length](StreamRow& seen) {
                         const std::uint64_t end = seen.last.ordinal + 1;
                         if (max_length < end) seen.hidden_below = std::max(seen.hidden_below, end - max_length);
                       });
                     }));
    remove_what_is_hidden(type);
    return hidden;
  }

  Result<void> configure(std::string_view type, const StreamBounds& bounds) override {
    ALDIS_TRY_ASSIGN(const bool made_stream,
                     ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<bool> {
                       std::optional<StreamRow> stream = find_stream(transaction, type);
                       const bool is_new = !stream;
                       if (is_new) {
                         ALDIS_TRY_ASSIGN(stream, make_stream(transaction, type));
                       }
                       hide(transaction, *stream, [&bounds](StreamRow& seen) { seen.bounds = bounds; });
                       note_configured(transaction, *stream);
                       return is_new;
                     }));
    if (made_stream) doorbell_->ring({Topic::Kind::streams, {}});
    remove_what_is_hidden(type);
    return {};
  }

  void count_dropped(std::uint64_t events) override { drops_->add(events); }
  Result<std::uint64_t> dropped() override { return drops_->total(); }
  void hand_on_dropped(std::chrono::nanoseconds /*at_most*/) override {}  // counting told them
  void tidy() override { ledger_->tidy(); }

 private:
  // Nobody sees it any more, so it does not matter if this fails.
  void remove_what_is_hidden(std::string_view type) {
    for (bool more = true; more;) {
      more = ledger_
                 ->write(LedgerSync::normal,
                         [type](LedgerTransaction& transaction) -> Result<bool> {
                           const std::optional<StreamRow> stream = find_stream(transaction, type);
                           return stream && remove_hidden(transaction, *stream);
                         })
                 .value_or(false);
    }
  }

  const std::shared_ptr<Ledger> ledger_;
  const std::shared_ptr<Doorbell> doorbell_;
  const std::shared_ptr<DropCounter> drops_;
};

}  // namespace

std::shared_ptr<EventStore> make_local_events(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell,
                                              std::shared_ptr<DropCounter> drops) {
  return std::make_shared<LocalEvents>(std::move(ledger), std::move(doorbell), std::move(drops));
}

}  // namespace aldis
