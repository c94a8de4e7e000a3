#include "telemetry/event_table.h"

#include <gtest/gtest.h>

#include <limits>

namespace aldis::telemetry {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using Kind = TelemetryField::Kind;
using Values = std::vector<std::int64_t>;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
const std::string_view kCommands[] = {"list", "fail", "wait"};

TelemetryField boolean(std::string_view name) { return {.name = name}; }
TelemetryField integer(std::string_view name, std::int64_t least, std::int64_t most) {
  return {.name = name, .kind = Kind::integer, .least = least, .most = most};
}
TelemetryField choice(std::string_view name, std::int64_t count = 3, const std::string_view* values = kCommands) {
  const auto most = static_cast<std::int64_t>(static_cast<std::uint64_t>(count) - 1);
  return {.name = name, .kind = Kind::choice, .most = most, .values = values};
}

EventTable table_of(const std::vector<TelemetryField>& fields, bool is_error = false) {
  const DeclaredEvent event{.name = "event", .fields = fields, .is_error = is_error};
  auto table = EventTable::make(std::span(&event, 1));
  EXPECT_TRUE(table) << table.error().message;
  return *std::move(table);
}

std::vector<Attribute> through(const EventTable& table, const Values& values) {
  PackedValues packed{};
  EXPECT_TRUE(table.pack(0, values, packed));
  return table.unpack(0, packed, {}).attributes;
}

bool packs(const EventTable& table, const Values& values, std::size_t event = 0) {
  PackedValues packed{};
  return table.pack(event, values, packed);
}

std::string refusal(const std::vector<TelemetryField>& fields, std::string_view name = "event") {
  const DeclaredEvent event{.name = name, .fields = fields};
  const auto table = EventTable::make(std::span(&event, 1));
  if (table) return "taken";
  EXPECT_EQ(table.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(table.error().message.contains(name)) << table.error().message;
  return table.error().message;
}

TEST(EventTable, what_is_packed_unpacks_to_a_record) {
  const EventTable table = table_of({choice("command"), integer("rows", 0, 10'000), boolean("json")});
  PackedValues packed{};
  ASSERT_TRUE(table.pack(0, Values{2, 1234, 1}, packed));
  const EventRecord record = table.unpack(0, packed, sys_seconds(seconds(99)));
  EXPECT_EQ(
      record,
      (EventRecord{.time = sys_seconds(seconds(99)),
                   .severity = Severity::information,
                   .name = "event",
                   .attributes = {{"command", std::string("wait")}, {"rows", std::int64_t{1234}}, {"json", true}}}));
}

TEST(EventTable, an_error_event_has_the_severity_of_an_error) {
  const EventTable table = table_of({}, true);
  EXPECT_EQ(table.unpack(0, {}, {}).severity, Severity::error);
}

TEST(EventTable, is_a_copy) {
  std::string name = "rows";
  std::string value = "list";
  std::string_view values[] = {value};
  const EventTable table = table_of({integer(name, 0, 9), choice("command", 1, values)});
  name = "gone";
  value = "gone";
  values[0] = {};
  EXPECT_EQ(through(table, {5, 0}),
            (std::vector<Attribute>{{"rows", std::int64_t{5}}, {"command", std::string("list")}}));
}

TEST(EventTable, integers_of_every_width_keep_their_value) {
  struct Bounds {
    std::int64_t least;
    std::int64_t most;
  };
  for (const auto& [least, most] :
       {Bounds{0, 255}, Bounds{-1, 254}, Bounds{0, 256}, Bounds{-32'768, 32'767}, Bounds{0, 65'536},
        Bounds{-2'147'483'648, 2'147'483'647}, Bounds{0, 4'294'967'296}, Bounds{kLeast, kMost}, Bounds{7, 7},
        Bounds{kMost, kMost}, Bounds{kLeast, kLeast}}) {
    const EventTable table = table_of({integer("a", least, most), boolean("b")});
    const auto middle = static_cast<std::int64_t>(
        static_cast<std::uint64_t>(least) + (static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least)) / 2);
    for (const std::int64_t value : {least, middle, most})
      EXPECT_EQ(through(table, {value, 1}), (std::vector<Attribute>{{"a", value}, {"b", true}}));
  }
}

TEST(EventTable, integers_are_cut_to_their_bounds) {
  const EventTable table = table_of({integer("a", -5, 1000)});
  EXPECT_EQ(through(table, {-6}), (std::vector<Attribute>{{"a", std::int64_t{-5}}}));
  EXPECT_EQ(through(table, {kLeast}), (std::vector<Attribute>{{"a", std::int64_t{-5}}}));
  EXPECT_EQ(through(table, {1001}), (std::vector<Attribute>{{"a", std::int64_t{1000}}}));
  EXPECT_EQ(through(table, {kMost}), (std::vector<Attribute>{{"a", std::int64_t{1000}}}));
}

TEST(EventTable, a_choice_or_boolean_out_of_bounds_packs_to_nothing) {
  const EventTable table = table_of({choice("command"), boolean("json")});
  EXPECT_TRUE(packs(table, {2, 1}));
  for (const Values& values : {Values{3, 1}, Values{-1, 1}, Values{kMost, 0}, Values{0, 2}, Values{0, -1}})
    EXPECT_FALSE(packs(table, values));
}

TEST(EventTable, a_wrong_count_or_event_packs_to_nothing) {
  const EventTable table = table_of({choice("command"), boolean("json")});
  for (const Values& values : {Values{}, Values{0}, Values{0, 0, 0}}) EXPECT_FALSE(packs(table, values));
  EXPECT_FALSE(packs(table, {0, 0}, 1));
  EXPECT_FALSE(packs(table, {0, 0}, std::numeric_limits<std::size_t>::max()));
}

TEST(EventTable, keeps_events_apart_by_their_number) {
  const std::vector<TelemetryField> fields = {boolean("json")};
  const DeclaredEvent events[] = {{.name = "first", .fields = {}}, {.name = "second", .fields = fields}};
  const auto table = EventTable::make(events);
  ASSERT_TRUE(table);
  PackedValues packed{};
  EXPECT_TRUE(table->pack(1, Values{1}, packed));
  EXPECT_EQ(table->unpack(1, packed, {}).name, "second");
  EXPECT_EQ(table->unpack(0, packed, {}).name, "first");
}

TEST(EventTable, takes_as_much_as_the_limits_say) {
  std::vector<std::string> names;
  for (int i = 0; i < 257; ++i) names.push_back("name_" + std::to_string(i));
  const std::vector<std::string_view> values(names.begin(), names.end());
  std::vector<TelemetryField> fields;
  for (int i = 0; i < 15; ++i) fields.push_back(choice(values[static_cast<std::size_t>(i)], 256, values.data()));
  fields.push_back(integer(values[15], kLeast, kMost));
  const EventTable table = table_of(fields);
  Values most(15, 255);
  most.push_back(kMost);
  const auto attributes = through(table, most);
  EXPECT_EQ(std::get<std::string>(attributes[14].value), "name_255");
  EXPECT_EQ(std::get<std::int64_t>(attributes[15].value), kMost);

  fields.push_back(boolean(values[16]));
  EXPECT_TRUE(refusal(fields).contains("more than 16 fields"));
  EXPECT_TRUE(refusal({choice("command", 257, values.data())}).contains("1 to 256 values"));

  const std::vector<DeclaredEvent> events(limits::kTelemetryEventsMax + 1, {.name = "event", .fields = {}});
  EXPECT_TRUE(EventTable::make(std::span(events).first(limits::kTelemetryEventsMax)));
  EXPECT_FALSE(EventTable::make(events));
}

TEST(EventTable, refuses_values_that_do_not_fit_into_one_record) {
  std::vector<TelemetryField> fields;
  const std::string_view names[] = {"a", "b", "c", "d", "e", "f"};
  for (const std::string_view name : names) fields.push_back(integer(name, kLeast, kMost));
  EXPECT_EQ(refusal(fields), "taken") << "48 bytes";
  fields.push_back(boolean("g"));
  EXPECT_TRUE(refusal(fields).contains("49 bytes"));
}

TEST(EventTable, refuses_what_is_no_name) {
  for (const std::string_view wrong :
       {"", "Name", "na-me", "_name", "1name", "name ", "/etc/passwd", "n\xc3\xa4me", "nam\ne"}) {
    EXPECT_TRUE(refusal({}, wrong).contains("a name is")) << wrong;
    EXPECT_TRUE(refusal({boolean(wrong)}).contains("a name is")) << wrong;
    EXPECT_TRUE(refusal({choice("command", 1, &wrong)}).contains("a value is")) << wrong;
  }
  EXPECT_EQ(refusal({boolean(std::string(48, 'a'))}), "taken");
  EXPECT_NE(refusal({boolean(std::string(49, 'a'))}), "taken");
}

TEST(EventTable, refuses_fields_that_make_no_sense) {
  EXPECT_TRUE(refusal({integer("rows", 1, 0)}).contains("\"rows\""));
  EXPECT_TRUE(refusal({choice("command", 0)}).contains("1 to 256 values"));
  EXPECT_TRUE(refusal({choice("command", kLeast)}).contains("1 to 256 values"));
  EXPECT_TRUE(refusal({choice("command", 3, nullptr)}).contains("1 to 256 values"));
  EXPECT_TRUE(refusal({{.name = "json", .most = 2}}).contains("0 or 1"));
  EXPECT_TRUE(refusal({{.name = "text", .kind = static_cast<Kind>(9)}}).contains("kind"));
  EXPECT_TRUE(refusal({boolean("json"), boolean("json")}).contains("two fields"));
}

}  // namespace
}  // namespace aldis::telemetry
