// One tool that compiles, and ways in which it does not: run.cmake compiles this file once for each case.

#include <filesystem>
#include <string>

#include "aldis/telemetry.h"

enum class Command { list, fail };
consteval auto telemetry_names(Command) { return aldis::telemetry_values("list", "fail"); }

enum class Code { not_found, internal };
consteval auto telemetry_names(Code) { return aldis::telemetry_values("not_found", "internal"); }
enum class Phase { parse, run };
consteval auto telemetry_names(Phase) { return aldis::telemetry_values("parse", "run"); }

enum class Undeclared { secret };

struct CommandRun {
  Command command;
  aldis::Bounded<0, 10'000> rows;
  bool json;

  static constexpr auto telemetry = aldis::telemetry_event(
      "command_run", aldis::telemetry_field("command", &CommandRun::command),
      aldis::telemetry_field("rows", &CommandRun::rows), aldis::telemetry_field("json", &CommandRun::json));
};

using Client = aldis::TelemetryClient<CommandRun, aldis::TelemetryErrors<Code, Phase>>;

// A struct of one member of type T, as a tool might try to report it.
#define ALDIS_REPORT(...)                                                                      \
  struct Attempt {                                                                             \
    __VA_ARGS__ member;                                                                        \
    static constexpr auto telemetry =                                                          \
        aldis::telemetry_event("attempt", aldis::telemetry_field("member", &Attempt::member)); \
  }

#if defined(CASE_string_member)
ALDIS_REPORT(std::string);
#elif defined(CASE_string_view_member)
ALDIS_REPORT(std::string_view);
#elif defined(CASE_text_pointer_member)
ALDIS_REPORT(const char*);
#elif defined(CASE_text_array_member)
ALDIS_REPORT(std::array<char, 16>);
#elif defined(CASE_path_member)
ALDIS_REPORT(std::filesystem::path);
#elif defined(CASE_unbounded_integer_member)
ALDIS_REPORT(int);
#elif defined(CASE_undeclared_enumeration_member)
ALDIS_REPORT(Undeclared);
#elif defined(CASE_wrong_member_name)
struct Attempt {
  bool json;
  static constexpr auto telemetry = aldis::telemetry_event("attempt", aldis::telemetry_field("json", &Attempt::jsn));
};
#elif defined(CASE_member_of_another_event)
struct Attempt {
  bool json;
  static constexpr auto telemetry = aldis::telemetry_event("attempt", aldis::telemetry_field("json", &Attempt::json),
                                                           aldis::telemetry_field("rows", &CommandRun::rows));
};
#elif defined(CASE_name_with_capitals)
struct Attempt {
  bool json;
  static constexpr auto telemetry = aldis::telemetry_event("attempt", aldis::telemetry_field("Json", &Attempt::json));
};
#elif defined(CASE_value_with_a_slash)
enum class Place { home };
consteval auto telemetry_names(Place) { return aldis::telemetry_values("/home/ann"); }
ALDIS_REPORT(Place);
#elif defined(CASE_value_with_a_slash_in_an_array)
enum class Place { home };
consteval auto telemetry_names(Place) { return std::array<std::string_view, 1>{"/home/ann"}; }
ALDIS_REPORT(Place);
#elif defined(CASE_enumeration_without_values)
enum class Place { home };
consteval auto telemetry_names(Place) { return aldis::telemetry_values(); }
ALDIS_REPORT(Place);
#elif defined(CASE_two_values_of_one_name)
enum class Place { home, office };
consteval auto telemetry_names(Place) { return aldis::telemetry_values("home", "home"); }
ALDIS_REPORT(Place);
#elif defined(CASE_name_that_is_made_at_run_time)
aldis::TelemetryMember<CommandRun, bool> attempt(const std::string& name) {
  return aldis::telemetry_field(name, &CommandRun::json);
}
#elif defined(CASE_two_fields_of_one_name)
struct Attempt {
  bool json;
  bool table;
  static constexpr auto telemetry = aldis::telemetry_event("attempt", aldis::telemetry_field("json", &Attempt::json),
                                                           aldis::telemetry_field("json", &Attempt::table));
};
#elif defined(CASE_too_many_fields)
struct Attempt {
  bool a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
  static constexpr auto telemetry =
      aldis::telemetry_event("attempt", aldis::telemetry_field("a", &Attempt::a),
                             aldis::telemetry_field("b", &Attempt::b), aldis::telemetry_field("c", &Attempt::c),
                             aldis::telemetry_field("d", &Attempt::d), aldis::telemetry_field("e", &Attempt::e),
                             aldis::telemetry_field("f", &Attempt::f), aldis::telemetry_field("g", &Attempt::g),
                             aldis::telemetry_field("h", &Attempt::h), aldis::telemetry_field("i", &Attempt::i),
                             aldis::telemetry_field("j", &Attempt::j), aldis::telemetry_field("k", &Attempt::k),
                             aldis::telemetry_field("l", &Attempt::l), aldis::telemetry_field("m", &Attempt::m),
                             aldis::telemetry_field("n", &Attempt::n), aldis::telemetry_field("o", &Attempt::o),
                             aldis::telemetry_field("p", &Attempt::p), aldis::telemetry_field("q", &Attempt::q));
};
#elif defined(CASE_event_that_does_not_fit)
struct Attempt {
  aldis::Bounded<0, INT64_MAX> a, b, c, d, e, f, g;
  static constexpr auto telemetry =
      aldis::telemetry_event("attempt", aldis::telemetry_field("a", &Attempt::a),
                             aldis::telemetry_field("b", &Attempt::b), aldis::telemetry_field("c", &Attempt::c),
                             aldis::telemetry_field("d", &Attempt::d), aldis::telemetry_field("e", &Attempt::e),
                             aldis::telemetry_field("f", &Attempt::f), aldis::telemetry_field("g", &Attempt::g));
};
#elif defined(CASE_two_events_of_one_name)
ALDIS_REPORT(bool);
struct Again {
  bool member;
  static constexpr auto telemetry = aldis::telemetry_event("attempt", aldis::telemetry_field("member", &Again::member));
};
using Wrong = aldis::TelemetryClient<Attempt, Again>;
void attempt(Wrong& client) { client.event(Attempt{}); }
#elif defined(CASE_schema_of_another_struct)
struct Attempt {
  static constexpr auto telemetry = CommandRun::telemetry;
};
using Wrong = aldis::TelemetryClient<Attempt>;
void attempt(Wrong& client) { client.event(Attempt{}); }
#elif defined(CASE_client_of_a_struct_without_schema)
struct Attempt {
  bool json;
};
using Wrong = aldis::TelemetryClient<Attempt>;
void attempt(Wrong& client) { client.event(Attempt{}); }
#endif

void use(Client& client, [[maybe_unused]] const std::string& text) {
  client.event(CommandRun{.command = Command::list, .rows = 7, .json = true});
  client.error(Code::not_found, Phase::run);
#if defined(CASE_event_of_an_undeclared_struct)
  struct Other {
    bool json;
  };
  client.event(Other{true});
#elif defined(CASE_event_of_free_text)
  client.event(text);
#elif defined(CASE_event_of_literal_text)
  client.event("list /home/ann");
#elif defined(CASE_text_for_a_choice)
  client.event(CommandRun{.command = text, .rows = 7, .json = true});
#elif defined(CASE_text_for_a_number)
  client.event(CommandRun{.command = Command::list, .rows = text, .json = true});
#elif defined(CASE_error_of_text)
  client.error(text, Phase::run);
#elif defined(CASE_error_of_a_message)
  client.error(Code::not_found, "no file /home/ann");
#elif defined(CASE_error_of_undeclared_enumerations)
  client.error(Undeclared::secret, Phase::run);
#elif defined(CASE_error_of_another_events_enumeration)
  client.error(Command::list, Phase::run);
#elif defined(CASE_error_the_wrong_way_round)
  client.error(Phase::run, Code::not_found);
#endif
}

// A client that declares no errors.
void use_without_errors([[maybe_unused]] aldis::TelemetryClient<CommandRun>& client) {
#if defined(CASE_error_that_was_not_declared)
  client.error(Code::not_found, Phase::run);
#endif
}
