#pragma once
// Telemetry of a command-line tool that nobody who runs the tool ever feels: usage events, errors, update checks.
// docs/telemetry.md says what a user is promised. Implemented in src/telemetry/client.cc; events are declared with
// telemetry_schema.h; C and other languages use telemetry_c.h.
//
// Model: `event` and `error` write into memory. `finish` flushes stdout and stderr, appends what was recorded to a file
// and, at most every 5 s, starts `aldis-courier`, for which it does not wait; it returns its argument. Nothing at all
// happens unless the user has said `tool telemetry enable`, and nothing happens in CI, with NO_TELEMETRY,
// <TOOL>_NO_TELEMETRY or DO_NOT_TRACK, for --help, --version, no command, a `telemetry` command, or in a setuid
// program. That is decided once, at construction. After `finish` all calls are without effect. In a forked child
// nothing is handed over. `_exit`, abort and fatal signals hand nothing over. Threads: `event`, `error`, `active`,
// `update_available` are safe from any thread, without lock, I/O or allocation (but for update_available, which reads a
// small file); the others from one thread. Errors: none. Whatever goes wrong, the tool's output and exit code are what
// they would be without telemetry, without memory too; what is lost is counted. Bad options switch telemetry off
// (`tool telemetry explain` says why). Limits: limits.h, "Telemetry": 48 records between hand-overs; more are dropped
// and counted.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/export.h"
#include "aldis/telemetry_schema.h"
#include "aldis/tool_environment.h"

namespace aldis {

struct TelemetryOptions {
  std::string tool;     // [a-z][a-z0-9-]{0,47}: names files and variables
  std::string version;  // of the tool, semantic: 1.2.3

  // The command line without the program's name. Decides whether this run is reported at all (see above) and holds
  // --no-update-check. Options alone are no command: a tool that needs no word leaves this out. None: not a command
  // line, nothing is judged by it.
  std::optional<std::vector<std::string>> arguments = {};

  // None: the process's own, now.
  std::optional<EnvironmentSnapshot> environment = {};

  // What `telemetry enable` uses when the user names no --endpoint. Empty: the user has to.
  std::string suggested_endpoint = {};

  // Never start the courier: somebody else does, or `tool telemetry flush`.
  bool spool_only = false;
};

// What a `telemetry` command answers; the tool prints it in its own way.
struct TelemetryAnswer {
  struct Failure {
    std::string code;     // "ENDPOINT_REQUIRED"
    std::string message;  // for a human
    std::string suggestion = {};
    bool retryable = false;
  };

  int exit_code = 0;          // 0; 2 bad arguments; 4 not possible now; 12 could not be sent; 1 anything else
  std::string data = "null";  // JSON
  std::string text = {};      // the same for a terminal, lines
  std::optional<Failure> error = {};
  std::vector<std::string> warnings = {};
};

// {"ok","data","error","warnings"} and, if `meta` (a JSON object) is not empty, "meta": what a tool prints for a
// program. Implemented in src/telemetry/answer_json.cc.
ALDIS_API std::string to_json(const TelemetryAnswer& answer, std::string_view meta = {});

// Declares the enumerations of `error(code, phase)`. Both say their names as those of events do.
template <telemetry_detail::Declared Code, telemetry_detail::Declared Phase>
struct TelemetryErrors {
  Code code;
  Phase phase;

  static constexpr auto telemetry = telemetry_event("error", telemetry_field("code", &TelemetryErrors::code),
                                                    telemetry_field("phase", &TelemetryErrors::phase));
};

namespace telemetry_detail {

template <class Event>
struct IsErrors : std::false_type {};
template <class Code, class Phase>
struct IsErrors<TelemetryErrors<Code, Phase>> : std::true_type {};

}  // namespace telemetry_detail

// All of a client but its vocabulary.
class ALDIS_API TelemetryBase {
 public:
  TelemetryBase(const TelemetryBase&) = delete;
  TelemetryBase& operator=(const TelemetryBase&) = delete;

  bool active() const;

  // Last call of main: `return telemetry.finish(run(argc, argv));`. A tool that puts itself into a sandbox (seccomp)
  // calls it before: a filter that kills for openat or flock would kill here; afterwards no call makes one. While
  // another thread hands over, at an exit in the midst of it, this hands nothing over: what that thread has not written
  // by then is lost, and what it has is there once.
  int finish(int exit_code);

  // Does the same when `main` returns or `exit` is called, also if this object is gone by then. libaldis is never
  // unloaded.
  void finish_on_exit();

  // For programs that go on: hands over what was recorded until now, and reaps the courier that it started before.
  void hand_over();

  // The newer version that the last update check saw; none if there is none or the user wants none to be told (CI,
  // TOOL_NO_UPDATE, <TOOL>_NO_UPDATE, NO_UPDATE_NOTIFIER, --no-update-check). Connects to nothing.
  std::optional<std::string> update_available() const;

  // `arguments` is what follows the word "telemetry": status, explain, enable, disable, preview, flush, reset. `flush`
  // and `preview` wait for the courier (10 s at most); nothing else blocks. This client reports nothing from then on.
  TelemetryAnswer telemetry_command(std::span<const std::string> arguments);

 protected:
  struct Event {
    std::string_view name;
    std::span<const TelemetryField> fields;
    bool is_error = false;
  };
  // Copies the table.
  TelemetryBase(TelemetryOptions options, std::span<const Event> events);
  ~TelemetryBase();  // what was not handed over is gone, unless finish_on_exit was called

  void record(std::size_t event, std::span<const std::int64_t> values) noexcept;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

// REQUIRES: each event type has a member `telemetry` made by telemetry_event; one of them may be a TelemetryErrors.
template <telemetry_detail::Described... Events>
class TelemetryClient : public TelemetryBase {
  static_assert(sizeof...(Events) > 0 && sizeof...(Events) <= limits::kTelemetryEventsMax);
  static_assert(telemetry_detail::have_different_names<Events...>(), "two events have one name");

 public:
  explicit TelemetryClient(TelemetryOptions options) : TelemetryBase(std::move(options), kTable) {}

  // At most 200 ns. Another struct than those declared does not compile.
  template <class T>
    requires(std::same_as<T, Events> || ...)
  void event(const T& event) noexcept {
    record(kIndex<T>, T::telemetry.values(event));
  }

  template <class Code, class Phase>
    requires(std::same_as<TelemetryErrors<Code, Phase>, Events> || ...)
  void error(Code code, Phase phase) noexcept {
    event(TelemetryErrors<Code, Phase>{code, phase});
  }

 private:
  template <class T>
  static constexpr auto kFields = T::telemetry.fields();
  template <class T>
  static constexpr std::size_t kIndex = [] {
    std::size_t index = 0;
    static_cast<void>(((std::same_as<T, Events> ? false : (++index, true)) && ...));
    return index;
  }();
  static constexpr Event kTable[] = {
      {Events::telemetry.name, kFields<Events>, telemetry_detail::IsErrors<Events>::value}...};
};

}  // namespace aldis
