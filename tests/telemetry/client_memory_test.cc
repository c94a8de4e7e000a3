// A client whose memory runs out, at each of its allocations.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "aldis/telemetry.h"
#include "aldis/telemetry_c.h"
#include "children.h"
#include "scarce_memory.h"
#include "telemetry/frame.h"

namespace aldis::telemetry {
namespace {

struct Ran {
  bool fine;

  static constexpr auto telemetry = telemetry_event("ran", telemetry_field("fine", &Ran::fine));
};

// Does `work` with ever more memory, until it has enough. Answers how often it had too little.
template <class Work>
int run_out(Work work) {
  for (int allocations = 0;; ++allocations) {
    set_allocations_left(allocations);
    work();
    const bool was_enough = allocations_left() > 0;
    set_allocations_left(kMemoryAbounds);
    if (was_enough) return allocations;
  }
}

class ClientMemory : public ::testing::Test {
 protected:
  ClientMemory() { home_.consent(); }
  TelemetryOptions options() const {
    return {.tool = "tool", .version = "1.2.3", .environment = home_.variables(), .spool_only = true};
  }

  ToolHome home_;
};

TEST_F(ClientMemory, that_runs_out_anywhere_neither_ends_the_host_nor_changes_its_exit_code) {
  // Not "status", which counts what this test spools, more each time.
  const std::vector<std::string> explain = {"explain"};
  for (const bool with_courier : {false, true}) {
    std::vector<TelemetryOptions> given(5000, options());  // made while there is memory
    for (TelemetryOptions& each : given) each.spool_only = !with_courier;
    std::size_t used = 0;
    const int failures = run_out([&] {
      TelemetryClient<Ran> client(std::move(given.at(used++)));
      client.finish_on_exit();
      client.event(Ran{true});
      client.hand_over();
      client.event(Ran{true});
      static_cast<void>(client.update_available());
      EXPECT_EQ(client.finish(42), 42);
      static_cast<void>(client.telemetry_command(explain));
    });
    EXPECT_GT(failures, 50);
  }
}

TEST_F(ClientMemory, that_runs_out_in_a_hand_over_costs_a_count) {
  int recorded = 0;
  TelemetryClient<Ran> client(options());
  ASSERT_TRUE(client.active());
  const int failures = run_out([&] {
    client.event(Ran{true});
    ++recorded;
    client.hand_over();
  });
  EXPECT_GT(failures, 10);
  client.hand_over();
  const DecodedSpool found = decode(read_all(home_.spool()));
  EXPECT_EQ(found.record_count() + found.dropped_count(), static_cast<std::uint64_t>(recorded));
  EXPECT_GT(found.dropped_count(), 0U);
}

TEST_F(ClientMemory, that_runs_out_is_no_trouble_for_c_either) {
  setenv("HOME", home_.path().c_str(), 1);
  const aldis_telemetry_event_type event = {"ran", nullptr, 0};
  aldis_telemetry_options given{};
  given.size = sizeof given;
  given.tool = "tool";
  given.version = "1.2.3";
  given.events = &event;
  given.event_count = 1;
  given.spool_only = 1;
  char explain[] = "explain";
  char* const words[] = {explain};
  const int failures = run_out([&] {
    std::array<char, 80> text{};
    char* json = nullptr;
    aldis_telemetry* const opened = aldis_telemetry_open(&given, text.data(), text.size());
    EXPECT_STREQ(text.data(), "");
    aldis_telemetry_event(opened, 0, nullptr, 0);
    aldis_telemetry_update_available(opened, text.data(), text.size());
    EXPECT_EQ(aldis_telemetry_finish(opened, 42), 42);
    aldis_telemetry_command(opened, 1, words, &json);
    aldis_telemetry_free(json);
    aldis_telemetry_close(opened);
  });
  EXPECT_GT(failures, 50);
}

}  // namespace
}  // namespace aldis::telemetry
