// The executable `aldis-courier`: sends what a tool's telemetry has written, and dies when its time is over, whatever
// the network does. docs/telemetry-format.md, "Starting a courier".

#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/limits.h"
#include "courier/delivery.h"
#include "telemetry/consent_file.h"

namespace {

using namespace std::chrono_literals;
using aldis::courier::Errand;

constexpr int kUsage = 2;

void arm_timer(std::chrono::microseconds after) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(after);
  const timeval time{.tv_sec = seconds.count(), .tv_usec = (after - seconds).count()};
  const itimerval timer{.it_interval = time, .it_value = time};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void let_the_timer_kill() {
  std::signal(SIGALRM, SIG_DFL);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
}

void say(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int complain(const std::string& problem) {
  say(STDERR_FILENO, "aldis-courier: " + problem + ". Tools start this program; see docs/telemetry-format.md.\n");
  return kUsage;
}

struct Options {
  bool flush = false;
  bool preview = false;
  bool update_check = false;
  bool version = false;
  std::string unknown;
};

Options read_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--flush") {
      options.flush = true;
    } else if (argument == "--preview") {
      options.preview = true;
    } else if (argument == "--update-check") {
      options.update_check = true;
    } else if (argument == "--version") {
      options.version = true;
    } else {
      options.unknown = argument;
    }
  }
  return options;
}

// None: a variable is missing or wrong.
std::optional<aldis::telemetry::Places> read_places(const aldis::Environment& environment) {
  const std::string state = environment.get("ALDIS_COURIER_STATE").value_or("");
  const std::string consent = environment.get("ALDIS_COURIER_CONSENT").value_or("");
  const std::string name = "/" + std::string(aldis::telemetry::kConsentName);
  if (!state.starts_with('/') || !consent.starts_with('/') || !consent.ends_with(name)) return std::nullopt;
  return aldis::telemetry::Places{consent.substr(0, std::max<std::size_t>(1, consent.size() - name.size())), state};
}

}  // namespace

int main(int argc, char** argv) {
  arm_timer(aldis::limits::kTelemetryLifetimeDefault);
  let_the_timer_kill();
  const aldis::SystemClock clock;
  const aldis::SteadyTime start = clock.steady_now();
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_DUMPABLE, 0);  // what is in here is the user's: no core dumps

  const Options options = read_options(argc, argv);
  if (!options.unknown.empty()) return complain("\"" + options.unknown + "\" is no argument");
  if (options.version) {
    say(STDOUT_FILENO, "aldis-courier " ALDIS_VERSION "\n");
    return 0;
  }
  const aldis::Environment environment = aldis::Environment::from_process();
  const auto places = read_places(environment);
  if (!places) return complain("ALDIS_COURIER_STATE and ALDIS_COURIER_CONSENT must be absolute paths");

  const Errand errand{environment, clock, *places, options.flush, options.update_check};
  if (options.preview) {
    arm_timer(aldis::limits::kTelemetryFlushMax);  // a person waits
    say(STDOUT_FILENO, aldis::courier::preview(errand) + "\n");
    return 0;
  }
  const auto consent = aldis::telemetry::read_consent(places->consent_directory);
  const auto lifetime = consent ? consent->lifetime : aldis::limits::kTelemetryLifetimeDefault;
  const auto left = lifetime - (clock.steady_now() - start);
  arm_timer(std::max<std::chrono::microseconds>(1ms, std::chrono::floor<std::chrono::microseconds>(left)));
  return aldis::courier::deliver(errand);
}
