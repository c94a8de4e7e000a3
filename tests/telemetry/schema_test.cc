// How a tool declares its events; what must not compile is in refusals/schema.cc.

#include <gtest/gtest.h>

#include <limits>

#include "aldis/telemetry.h"
#include "aldis/telemetry_schema.h"
#include "telemetry/event_table.h"

namespace aldis {
namespace {

enum class Command { list, fail, wait };
consteval auto telemetry_names(Command) { return telemetry_values("list", "fail", "wait"); }
enum class Code { not_found, internal };
consteval auto telemetry_names(Code) { return telemetry_values("not_found", "internal"); }
enum class Phase { parse, run };
consteval auto telemetry_names(Phase) { return telemetry_values("parse", "run"); }

struct CommandRun {
  Command command = Command::list;
  Bounded<-10, 10'000> rows = 0;
  bool json = false;

  static constexpr auto telemetry =
      telemetry_event("command_run", telemetry_field("command", &CommandRun::command),
                      telemetry_field("rows", &CommandRun::rows), telemetry_field("json", &CommandRun::json));
};

struct Started {
  static constexpr auto telemetry = telemetry_event<Started>("started");
};

using Errors = TelemetryErrors<Code, Phase>;

// What TelemetryClient does with the declarations of a tool.
template <class Event>
std::vector<telemetry::EventRecord> through_table(const std::vector<Event>& events, bool is_error = false) {
  const auto fields = Event::telemetry.fields();
  const telemetry::DeclaredEvent declared{.name = Event::telemetry.name, .fields = fields, .is_error = is_error};
  const auto table = telemetry::EventTable::make(std::span(&declared, 1));
  std::vector<telemetry::EventRecord> records;
  for (const Event& event : events) {
    telemetry::PackedValues packed{};
    const bool fits = table && table->pack(0, Event::telemetry.values(event), packed);
    EXPECT_TRUE(fits);
    if (fits) records.push_back(table->unpack(0, packed, {}));
  }
  return records;
}

TEST(Bounded, keeps_what_lies_between_its_bounds) {
  for (const int value : {-10, -1, 0, 10'000}) EXPECT_EQ((Bounded<-10, 10'000>(value).value()), value);
}

TEST(Bounded, is_cut_to_its_bounds) {
  using Rows = Bounded<-10, 10'000>;
  EXPECT_EQ(Rows(-11).value(), -10);
  EXPECT_EQ(Rows(10'001).value(), 10'000);
  EXPECT_EQ(Rows(std::numeric_limits<std::int64_t>::min()).value(), -10);
  EXPECT_EQ(Rows(std::numeric_limits<std::uint64_t>::max()).value(), 10'000) << "not -1";
  EXPECT_EQ((Bounded<0, 5>(std::int8_t{-1}).value()), 0);
  EXPECT_EQ((Bounded<0, 5>(std::size_t{6}).value()), 5);
}

TEST(Bounded, begins_at_its_least) { EXPECT_EQ((Bounded<3, 5>().value()), 3); }

TEST(Schema, fields_stand_in_the_order_of_their_declaration) {
  const auto fields = CommandRun::telemetry.fields();
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].name, "command");
  EXPECT_EQ(fields[0].kind, TelemetryField::Kind::choice);
  EXPECT_EQ(fields[0].least, 0);
  EXPECT_EQ(fields[0].most, 2);
  EXPECT_EQ(fields[0].values[0], "list");
  EXPECT_EQ(fields[0].values[2], "wait");
  EXPECT_EQ(fields[1].name, "rows");
  EXPECT_EQ(fields[1].kind, TelemetryField::Kind::integer);
  EXPECT_EQ(fields[1].least, -10);
  EXPECT_EQ(fields[1].most, 10'000);
  EXPECT_EQ(fields[2].name, "json");
  EXPECT_EQ(fields[2].kind, TelemetryField::Kind::boolean);
}

TEST(Schema, values_stand_in_the_order_of_the_fields) {
  const CommandRun run{.command = Command::wait, .rows = 20'000, .json = true};
  EXPECT_EQ(CommandRun::telemetry.values(run), (std::array<std::int64_t, 3>{2, 10'000, 1}));
}

TEST(Schema, is_a_constant) {
  static_assert(CommandRun::telemetry.name == "command_run");
  static_assert(CommandRun::telemetry.fields().size() == 3);
  static_assert(CommandRun::telemetry.values(CommandRun{.rows = 7})[1] == 7);
  static_assert(Started::telemetry.fields().empty());
}

TEST(Schema, every_enumerator_is_reported_by_its_name) {
  const auto records =
      through_table<CommandRun>({{.command = Command::list}, {.command = Command::fail, .rows = -99, .json = true}});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].name, "command_run");
  EXPECT_EQ(records[0].attributes, (std::vector<telemetry::Attribute>{
                                       {"command", std::string("list")}, {"rows", std::int64_t{0}}, {"json", false}}));
  EXPECT_EQ(records[1].attributes, (std::vector<telemetry::Attribute>{
                                       {"command", std::string("fail")}, {"rows", std::int64_t{-10}}, {"json", true}}));
}

TEST(Schema, an_event_without_fields_is_one) {
  const auto records = through_table<Started>({{}});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].name, "started");
  EXPECT_TRUE(records[0].attributes.empty());
}

TEST(Schema, errors_are_an_event_of_code_and_phase) {
  static_assert(telemetry_detail::IsErrors<Errors>::value);
  static_assert(!telemetry_detail::IsErrors<CommandRun>::value);
  const auto records = through_table<Errors>({{Code::internal, Phase::run}}, true);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].name, "error");
  EXPECT_EQ(records[0].severity, telemetry::Severity::error);
  EXPECT_EQ(records[0].attributes,
            (std::vector<telemetry::Attribute>{{"code", std::string("internal")}, {"phase", std::string("run")}}));
}

TEST(Schema, a_width_is_the_least_that_holds_the_distance) {
  using telemetry_detail::width_of;
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  static_assert(width_of(0, 0) == 1 && width_of(0, 255) == 1 && width_of(-1, 254) == 1 && width_of(0, 256) == 2);
  static_assert(width_of(0, 65'535) == 2 && width_of(0, 65'536) == 4 && width_of(0, 4'294'967'295) == 4);
  static_assert(width_of(0, 4'294'967'296) == 8 && width_of(kLeast, kMost) == 8 && width_of(kMost, kMost) == 1);
}

}  // namespace
}  // namespace aldis
