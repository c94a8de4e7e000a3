// TakeRequest::yields_to_holders, on every engine: nothing is taken from behind somebody whose life was not checked.

#include <gmock/gmock.h>

#include "contract/engines.h"
#include "ports/signal_address.h"
#include "ports/signal_store.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr WallTime kSent{std::chrono::microseconds{1'790'000'000'000'000}};

class SignalYield : public ::testing::TestWithParam<EngineKind> {
 protected:
  Id128 send(std::string_view type, std::optional<std::string_view> target, std::chrono::nanoseconds ttl = 1h) {
    const Id128 id = address_signal(make_id(kSent), target);
    EXPECT_TRUE(store().send({id, type, "alice", target, "{}", kSent, ttl}));
    return id;
  }
  TakeOutcome take(bool yields, const TakeOptions& options = {}, const std::optional<ProcessIdentity>& holder = {}) {
    const SignalFilter any;
    auto outcome = store().take({"bob", any, options, holder, yields});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return *std::move(outcome);
  }
  void reserve(const std::optional<ProcessIdentity>& holder) {
    TakeOptions options;
    options.acknowledge_within = 10min;
    EXPECT_TRUE(std::holds_alternative<Delivered>(take(false, options, holder)));
  }
  // Ids of what a yielding take met; none if it took something.
  std::vector<Id128> met() {
    const TakeOutcome outcome = take(true);
    std::vector<Id128> ids;
    if (const auto* nothing = std::get_if<NothingTaken>(&outcome)) {
      for (const Reservation& one : nothing->reserved) ids.push_back(one.signal_id);
    }
    return ids;
  }
  std::string taken(bool yields) {
    const TakeOutcome outcome = take(yields);
    if (const auto* delivered = std::get_if<Delivered>(&outcome)) return delivered->signal.signal_id;
    return std::holds_alternative<Expired>(outcome) ? "an expiry" : "nothing";
  }
  static std::string text(const Id128& id) { return format_id(kSignalIdPrefix, id); }
  SignalStore& store() { return engine_->signals(); }

  const ProcessIdentity process_{4242, 77, "boot-id", 4026531836};
  std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
};

TEST_P(SignalYield, a_take_takes_nothing_from_behind_a_holder) {
  const Id128 held = send("go", "bob");
  const Id128 free = send("go", "bob");
  reserve(process_);
  EXPECT_THAT(met(), ElementsAre(held));
  EXPECT_THAT(met(), ElementsAre(held)) << "it changed nothing";
  EXPECT_EQ(taken(false), text(free)) << "without yielding it passes over";
}

TEST_P(SignalYield, what_was_handed_back_is_taken_in_its_place) {
  const Id128 held = send("go", "bob");
  const Id128 free = send("go", "bob");
  reserve(process_);
  EXPECT_EQ(store().hand_back("bob", {{held, 1, process_}}), 1u);
  EXPECT_EQ(taken(true), text(held));
  EXPECT_EQ(taken(true), text(free));
}

TEST_P(SignalYield, a_holder_that_nobody_can_check_is_passed_over) {
  send("go", "bob");
  const Id128 free = send("go", "bob");
  reserve(std::nullopt);
  EXPECT_EQ(taken(true), text(free));
}

TEST_P(SignalYield, what_stands_before_the_holder_is_taken) {
  const Id128 first = send("go", "bob");
  const Id128 second = send("go", "bob");
  reserve(process_);
  reserve(process_);
  EXPECT_EQ(store().hand_back("bob", {{first, 1, process_}}), 1u);
  EXPECT_EQ(taken(true), text(first));
  EXPECT_THAT(met(), ElementsAre(second));
}

TEST_P(SignalYield, broadcasts_and_expiries_stand_behind_targeted_signals) {
  send("old", "bob", 1s);
  engine_->advance(1s);
  const Id128 broadcast = send("all", std::nullopt);
  const Id128 held = send("go", "bob");
  reserve(process_);
  EXPECT_THAT(met(), ElementsAre(held));
  EXPECT_EQ(taken(false), text(broadcast));
  EXPECT_THAT(met(), ElementsAre(held));
  EXPECT_EQ(taken(false), "an expiry");
}

TEST_P(SignalYield, what_another_process_holds_of_a_broadcast_counts_too) {
  send("old", "bob", 1s);
  engine_->advance(1s);
  const Id128 broadcast = send("all", std::nullopt);
  reserve(process_);
  EXPECT_THAT(met(), ElementsAre(broadcast));
  EXPECT_EQ(taken(false), "an expiry");
}

TEST_P(SignalYield, held_targeted_signals_are_told_before_held_broadcasts_each_the_oldest_first) {
  const Id128 news = send("all", std::nullopt);
  const Id128 more_news = send("more", std::nullopt);
  reserve(process_);
  reserve(process_);
  const Id128 zeta = send("zeta", "bob");
  const Id128 alpha = send("alpha", "bob");
  reserve(process_);
  reserve(process_);
  EXPECT_THAT(met(), ElementsAre(zeta, alpha, news, more_news));
}

TEST_P(SignalYield, a_lapsed_reservation_is_nobodys) {
  const Id128 held = send("go", "bob");
  reserve(process_);
  engine_->advance(10min);
  EXPECT_EQ(taken(true), text(held));
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalYield, ::testing::ValuesIn(all_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace aldis::testing
