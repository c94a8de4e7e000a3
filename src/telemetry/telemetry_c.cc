#include "aldis/telemetry_c.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>

#include "aldis/telemetry.h"
#include "core/failure.h"
#include "core/try.h"
#include "telemetry/contained.h"
#include "telemetry/event_table.h"
#include "telemetry/facts.h"
#include "telemetry/flush_output.h"

namespace aldis {
namespace {

using telemetry::DeclaredEvent;
using telemetry::EventTable;

// No more than one character beyond what is allowed: a text that somebody forgot to end is refused for its length.
std::string_view bounded_text(const char* text, std::size_t bytes_max) { return {text, strnlen(text, bytes_max + 1)}; }

std::string_view name_of(const char* text) { return bounded_text(text, limits::kTelemetryNameBytesMax); }

// The table as the library knows tables. Points into the caller's texts: the client copies them.
class CTable {
 public:
  static Result<CTable> read(const aldis_telemetry_options& options) {
    CTable table;
    if (options.event_count > 0 && options.events == nullptr) {
      return fail(ErrorCode::invalid_argument, "events is NULL, but event_count is {}", options.event_count);
    }
    if (options.event_count > limits::kTelemetryEventsMax) {
      return fail(ErrorCode::invalid_argument, "{} events are more than {}", options.event_count,
                  limits::kTelemetryEventsMax);
    }
    for (std::size_t i = 0; i < options.event_count; ++i) ALDIS_TRY(table.add_event(options.events[i], i));
    ALDIS_TRY(table.add_errors(options));
    ALDIS_TRY(EventTable::make(table.events_));
    return table;
  }

  const std::vector<DeclaredEvent>& events() const { return events_; }
  bool has_errors() const { return !events_.empty() && events_.back().is_error; }

 private:
  Result<void> add_event(const aldis_telemetry_event_type& event, std::size_t index) {
    if (event.name == nullptr) return fail(ErrorCode::invalid_argument, "event {} has no name", index);
    const std::string_view name = name_of(event.name);
    if (event.field_count > 0 && event.fields == nullptr) {
      return fail(ErrorCode::invalid_argument, "event {}: fields is NULL, but field_count is {}", name,
                  event.field_count);
    }
    if (event.field_count > limits::kTelemetryFieldsMax) {
      return fail(ErrorCode::invalid_argument, "event {}: {} fields are more than {}", name, event.field_count,
                  limits::kTelemetryFieldsMax);
    }
    std::vector<TelemetryField> fields;
    for (std::size_t i = 0; i < event.field_count; ++i) {
      ALDIS_TRY_ASSIGN(const TelemetryField field, read_field(event.fields[i], name, i));
      fields.push_back(field);
    }
    add(name, std::move(fields), false);
    return {};
  }

  Result<TelemetryField> read_field(const aldis_telemetry_field& field, std::string_view event, std::size_t index) {
    if (field.name == nullptr) return fail(ErrorCode::invalid_argument, "event {}: field {} has no name", event, index);
    const std::string_view name = name_of(field.name);
    switch (field.kind) {
      case ALDIS_TELEMETRY_BOOLEAN:
        return TelemetryField{.name = name};
      case ALDIS_TELEMETRY_INTEGER:
        if (field.least > field.most) {
          return fail(ErrorCode::invalid_argument, "event {}, field {}: least is more than most", event, name);
        }
        return TelemetryField{
            .name = name, .kind = TelemetryField::Kind::integer, .least = field.least, .most = field.most};
      case ALDIS_TELEMETRY_CHOICE:
        return read_choice(event, name, field.values, field.value_count);
      default:
        return fail(ErrorCode::invalid_argument, "event {}, field {}: there is no kind {}", event, name, field.kind);
    }
  }

  Result<TelemetryField> read_choice(std::string_view event, std::string_view name, const char* const* values,
                                     std::size_t count) {
    if (values == nullptr || count == 0 || count > limits::kTelemetryValuesMax) {
      return fail(ErrorCode::invalid_argument, "event {}, field {}: a choice has 1 to {} values", event, name,
                  limits::kTelemetryValuesMax);
    }
    if (std::find(values, values + count, nullptr) != values + count) {
      return fail(ErrorCode::invalid_argument, "event {}, field {}: one of its values is NULL", event, name);
    }
    std::vector<std::string_view>& kept = values_.emplace_back();
    for (std::size_t i = 0; i < count; ++i) kept.push_back(name_of(values[i]));
    return TelemetryField{.name = name,
                          .kind = TelemetryField::Kind::choice,
                          .most = static_cast<std::int64_t>(count) - 1,
                          .values = kept.data()};
  }

  Result<void> add_errors(const aldis_telemetry_options& options) {
    if (options.error_code_count == 0 && options.error_phase_count == 0) return {};
    ALDIS_TRY_ASSIGN(const TelemetryField code,
                     read_choice("error", "code", options.error_codes, options.error_code_count));
    ALDIS_TRY_ASSIGN(const TelemetryField phase,
                     read_choice("error", "phase", options.error_phases, options.error_phase_count));
    add("error", {code, phase}, true);
    return {};
  }

  void add(std::string_view name, std::vector<TelemetryField> fields, bool is_error) {
    const std::vector<TelemetryField>& kept = fields_.emplace_back(std::move(fields));
    events_.push_back({name, kept, is_error});
  }

  std::deque<std::vector<std::string_view>> values_;
  std::deque<std::vector<TelemetryField>> fields_;
  std::vector<DeclaredEvent> events_;
};

// The end of the last member that lies within `size` as a whole.
std::size_t end_of_members(std::size_t size) {
  constexpr std::size_t kEnds[] = {offsetof(aldis_telemetry_options, error_codes),
                                   offsetof(aldis_telemetry_options, error_code_count),
                                   offsetof(aldis_telemetry_options, error_phases),
                                   offsetof(aldis_telemetry_options, error_phase_count),
                                   offsetof(aldis_telemetry_options, suggested_endpoint),
                                   offsetof(aldis_telemetry_options, spool_only),
                                   offsetof(aldis_telemetry_options, spool_only) + sizeof(int)};
  return *(std::ranges::upper_bound(kEnds, size) - 1);
}

telemetry::ToolIdentity identity_of(const aldis_telemetry_options& options) {
  return {.tool = std::string(name_of(options.tool)),
          .version = std::string(bounded_text(options.version, telemetry::kVersionBytesMax))};
}

// What an older caller does not know of is zero.
Result<aldis_telemetry_options> read_options(const aldis_telemetry_options* given) {
  constexpr std::size_t kLeast = offsetof(aldis_telemetry_options, error_codes);
  aldis_telemetry_options options{};
  if (given == nullptr) return fail(ErrorCode::invalid_argument, "options is NULL");
  if (given->size < kLeast) {
    return fail(ErrorCode::invalid_argument, "size is {}: set it to sizeof(aldis_telemetry_options)", given->size);
  }
  std::memcpy(&options, given, end_of_members(given->size));
  if (options.tool == nullptr) return fail(ErrorCode::invalid_argument, "tool is NULL");
  if (options.version == nullptr) return fail(ErrorCode::invalid_argument, "version is NULL");
  if (std::string problem = telemetry::identity_problem(identity_of(options)); !problem.empty()) {
    return fail(ErrorCode::invalid_argument, "{}", problem);
  }
  return options;
}

std::vector<std::string> words_of(int argc, const char* const* argv, int first) {
  std::vector<std::string> words;
  for (int i = first; argv != nullptr && i < argc && argv[i] != nullptr; ++i) words.emplace_back(argv[i]);
  return words;
}

TelemetryOptions client_options(const aldis_telemetry_options& options) {
  const telemetry::ToolIdentity identity = identity_of(options);
  TelemetryOptions made{.tool = identity.tool, .version = identity.version};
  if (options.argv != nullptr) made.arguments = words_of(options.argc, options.argv, 1);
  if (options.suggested_endpoint != nullptr)
    made.suggested_endpoint = bounded_text(options.suggested_endpoint, limits::kTelemetryEndpointBytesMax);
  made.spool_only = options.spool_only != 0;
  return made;
}

// Cut to fit, NUL at the end.
void copy_text(std::string_view text, char* out, std::size_t size) {
  if (out == nullptr || size == 0) return;
  out[text.copy(out, size - 1)] = '\0';
}

constexpr std::size_t kNoEvent = std::numeric_limits<std::size_t>::max();

}  // namespace
}  // namespace aldis

struct aldis_telemetry : aldis::TelemetryBase {
  aldis_telemetry(const aldis_telemetry_options& options, const aldis::CTable& table)
      : TelemetryBase(aldis::client_options(options), events_of(table)),
        error_event_(table.has_errors() ? table.events().size() - 1 : aldis::kNoEvent),
        event_count_(options.event_count) {}

  void event(std::size_t index, std::span<const std::int64_t> values) noexcept {
    record(index < event_count_ ? index : aldis::kNoEvent, values);
  }
  void error(std::size_t code, std::size_t phase) noexcept {
    const std::int64_t values[] = {static_cast<std::int64_t>(code), static_cast<std::int64_t>(phase)};
    record(error_event_, values);
  }

 private:
  static std::vector<Event> events_of(const aldis::CTable& table) {
    std::vector<Event> events;
    for (const auto& declared : table.events()) events.push_back({declared.name, declared.fields, declared.is_error});
    return events;
  }

  std::size_t error_event_;
  std::size_t event_count_;
};

namespace aldis {
namespace {

Result<aldis_telemetry*> open(const aldis_telemetry_options* options) {
  ALDIS_TRY_ASSIGN(const aldis_telemetry_options given, read_options(options));
  ALDIS_TRY_ASSIGN(const CTable table, CTable::read(given));
  return new aldis_telemetry(given, table);
}

}  // namespace
}  // namespace aldis

aldis_telemetry* aldis_telemetry_open(const aldis_telemetry_options* options, char* problem, size_t problem_size) {
  aldis::copy_text("", problem, problem_size);
  aldis_telemetry* opened = nullptr;
  aldis::telemetry::contained([&] {
    auto made = aldis::open(options);
    if (made) {
      opened = *made;
    } else {
      aldis::copy_text(made.error().message, problem, problem_size);
    }
  });
  return opened;
}

int aldis_telemetry_active(const aldis_telemetry* telemetry) {
  return telemetry != nullptr && telemetry->active() ? 1 : 0;
}

void aldis_telemetry_event(aldis_telemetry* telemetry, size_t event, const int64_t* values, size_t value_count) {
  if (telemetry == nullptr) return;
  telemetry->event(event, {values, values == nullptr ? 0 : value_count});
}

void aldis_telemetry_error(aldis_telemetry* telemetry, size_t code, size_t phase) {
  if (telemetry != nullptr) telemetry->error(code, phase);
}

int aldis_telemetry_finish(aldis_telemetry* telemetry, int exit_code) {
  if (telemetry != nullptr) return telemetry->finish(exit_code);
  aldis::telemetry::flush_output();
  return exit_code;
}

void aldis_telemetry_finish_on_exit(aldis_telemetry* telemetry) {
  if (telemetry != nullptr) telemetry->finish_on_exit();
}

void aldis_telemetry_hand_over(aldis_telemetry* telemetry) {
  if (telemetry != nullptr) telemetry->hand_over();
}

int aldis_telemetry_update_available(const aldis_telemetry* telemetry, char* version, size_t version_size) {
  const std::optional<std::string> newer = telemetry == nullptr ? std::nullopt : telemetry->update_available();
  aldis::copy_text(newer.value_or(""), version, version_size);
  return newer ? 1 : 0;
}

int aldis_telemetry_command(aldis_telemetry* telemetry, int argc, char* const* argv, char** json) {
  if (json != nullptr) *json = nullptr;
  if (telemetry == nullptr) return 1;
  int exit_code = 1;
  aldis::telemetry::contained([&] {
    const aldis::TelemetryAnswer answer = telemetry->telemetry_command(aldis::words_of(argc, argv, 0));
    exit_code = answer.exit_code;
    if (json != nullptr) *json = strdup(aldis::to_json(answer).c_str());
  });
  return exit_code;
}

void aldis_telemetry_free(char* json) { std::free(json); }

void aldis_telemetry_close(aldis_telemetry* telemetry) { delete telemetry; }
