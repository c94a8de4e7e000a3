// A tool of the tests: reports the number that is its argument, and ends with 0 once that is handed over; or answers a
// telemetry command as one JSON document.

#include <cstdio>
#include <cstdlib>

#include "aldis/telemetry.h"

namespace {

struct Numbered {
  aldis::Bounded<0, 1'000'000'000> number;

  static constexpr auto telemetry =
      aldis::telemetry_event("numbered", aldis::telemetry_field("number", &Numbered::number));
};

}  // namespace

int main(int argc, char** argv) {
  aldis::TelemetryClient<Numbered> telemetry({.tool = "reporter", .version = "1.0.0"});
  if (argc > 2) {
    const std::vector<std::string> words(argv + 2, argv + argc);
    const aldis::TelemetryAnswer answer = telemetry.telemetry_command(words);
    std::printf("{\"data\":%s}\n", answer.data.c_str());
    if (answer.error) std::fprintf(stderr, "%s\n", answer.error->message.c_str());
    return answer.exit_code;
  }
  if (argc == 2) telemetry.event(Numbered{std::strtoll(argv[1], nullptr, 10)});
  return telemetry.finish(telemetry.active() ? 0 : 1);
}
