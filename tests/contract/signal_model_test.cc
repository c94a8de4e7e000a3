// Every engine against the in-memory model: random histories of calls, each answer compared. rapidcheck shrinks a
// history that differs and prints how to run it again.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

#include "contract/engines.h"
#include "contract/model_check.h"
#include "contract/signal_describe.h"
#include "ports/signal_address.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kAgents{"ann", "bob", "cat"};
const std::vector<std::string> kTypes{"task", "stop", "news"};
const std::vector<std::chrono::nanoseconds> kTtls{1s, 5s, 10s, 1h, 24h, 168h};
const std::vector<std::chrono::nanoseconds> kSteps{1ms, 1s, 4s, 10s, 90s, 1h, 23h, 24h, 72h, 217h};
const std::vector<std::optional<ProcessIdentity>> kHolders{std::nullopt, ProcessIdentity{10, 1, "boot", 7},
                                                           ProcessIdentity{11, 2, "boot", 7}};

// One call, as numbers that `History` reads as it needs: so any numbers make a valid call, and smaller ones a simpler
// one.
struct Call {
  std::uint8_t kind = 0;
  std::uint8_t agent = 0;
  std::uint8_t other = 0;
  std::uint8_t type = 0;
  std::uint8_t detail = 0;
  std::uint8_t number = 0;
};

class History {
 public:
  explicit History(EngineUnderTest& engine) : engine_(engine), store_(engine.signals()) {}

  std::string run(const Call& call) {
    switch (call.kind) {
      case 0:
      case 1:
      case 2:
        return send(call, pick(kAgents, call.other));
      case 3:
      case 4:
        return send(call, std::nullopt);
      case 5:
      case 6:
      case 7:
      case 8:
        return take(call);
      case 9:
        return show("acknowledge", store_.acknowledge(pick(kAgents, call.agent), some_id(call), some_attempt(call)));
      case 10:
        return show("hand_back", store_.hand_back(pick(kAgents, call.agent), held_));
      case 11:
        return show("clear", store_.clear(pick(kAgents, call.agent), some_type(call)));
      case 12:
        return show("pending", store_.pending(pick(kAgents, call.agent), some_type(call)));
      case 13:
        return show("receipt", store_.receipt(some_id(call)));
      case 14:
        return show("appear", store_.appear(pick(kAgents, call.agent)));
      default:
        engine_.advance(pick(kSteps, call.detail));
        return "advance\n";
    }
  }

  // What every agent and every sender can still see, without changing it.
  std::string inspect() {
    std::string seen;
    for (const std::string& agent : kAgents) seen += show("pending", store_.pending(agent, ""));
    for (const Sent& sent : sent_) seen += show("receipt", store_.receipt(sent.id));
    return seen;
  }

 private:
  template <class T>
  static const T& pick(const std::vector<T>& choices, std::size_t number) {
    return choices[number % choices.size()];
  }
  template <class T>
  static std::string show(std::string_view what, const Result<T>& answer) {
    std::ostringstream out;
    out << what << ": ";
    describe(out, answer);
    out << '\n';
    return out.str();
  }

  struct Sent {
    Id128 id;
    std::string type;
    std::optional<std::string> target;
  };

  Id128 new_id(std::optional<std::string_view> target) const {
    Id128 id;
    id.bytes[12] = static_cast<std::uint8_t>((sent_.size() + 1) >> 8);
    id.bytes[13] = static_cast<std::uint8_t>(sent_.size() + 1);
    return address_signal(id, target);
  }
  // One that was sent not long ago; none, if there are not so many.
  const Sent* some_sent(const Call& call) const {
    const std::size_t back = call.number % 8U;
    return back == 0 || back > sent_.size() ? nullptr : &sent_[sent_.size() - back];
  }
  // Mostly of one that was sent.
  Id128 some_id(const Call& call) const {
    const Sent* const sent = some_sent(call);
    return sent == nullptr ? new_id(pick(kAgents, call.other)) : sent->id;
  }
  static std::string some_type(const Call& call) { return call.detail % 2 == 0 ? "" : pick(kTypes, call.type); }
  static std::optional<std::uint32_t> some_attempt(const Call& call) {
    return call.detail % 4 == 0 ? std::nullopt : std::optional<std::uint32_t>(call.detail % 4);
  }

  std::string send(const Call& call, std::optional<std::string_view> target) {
    const std::string payload = R"({"n":)" + std::to_string(sent_.size()) + "}";
    const WallTime sent_at{std::chrono::seconds{sent_.size()}};
    const Sent* const earlier = call.number % 16 == 15 ? some_sent(call) : nullptr;
    if (earlier == nullptr) {
      sent_.push_back(
          {new_id(target), pick(kTypes, call.type), target ? std::optional<std::string>(*target) : std::nullopt});
    }
    const Sent& one = earlier == nullptr ? sent_.back() : *earlier;
    return show("send", store_.send({.id = one.id,
                                     .type = one.type,
                                     .source = pick(kAgents, call.agent),
                                     .target = one.target,
                                     .payload = payload,
                                     .sent_at = sent_at,
                                     .ttl = pick(kTtls, call.detail)}));
  }

  std::string take(const Call& call) {
    SignalFilter filter;
    if (call.detail % 4 == 1) filter.types = {pick(kTypes, call.type)};
    if (call.detail % 4 == 2) filter.types = {pick(kTypes, call.type), pick(kTypes, call.type + 1U)};
    if (call.detail % 5 == 4) filter.source = pick(kAgents, call.other);
    TakeOptions options;
    options.consume = call.number % 4 != 3;
    if (call.number % 3 == 1) options.acknowledge_within = 3s;
    if (call.number % 7 == 6) options.take_id = "take-" + std::to_string(call.other % 2);
    const auto outcome = store_.take({.agent = pick(kAgents, call.agent),
                                      .filter = filter,
                                      .options = options,
                                      .holder = pick(kHolders, call.other),
                                      .yields_to_holders = call.number % 5 == 2});
    if (outcome && std::holds_alternative<NothingTaken>(*outcome)) held_ = std::get<NothingTaken>(*outcome).reserved;
    return show("take", outcome);
  }

  EngineUnderTest& engine_;
  SignalStore& store_;
  std::vector<Sent> sent_;
  std::vector<Reservation> held_;  // as the last take saw them
};

rc::Gen<Call> any_call() {
  const auto small = [](int bound) { return rc::gen::cast<std::uint8_t>(rc::gen::inRange(0, bound)); };
  return rc::gen::build<Call>(rc::gen::set(&Call::kind, small(18)), rc::gen::set(&Call::agent, small(3)),
                              rc::gen::set(&Call::other, small(3)), rc::gen::set(&Call::type, small(3)),
                              rc::gen::set(&Call::detail, small(60)), rc::gen::set(&Call::number, small(84)));
}

std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << '{' << +call.kind << ',' << +call.agent << ',' << +call.other << ',' << +call.type << ','
             << +call.detail << ',' << +call.number << '}';
}

class SignalModelTest : public ::testing::TestWithParam<EngineKind> {};

TEST_P(SignalModelTest, every_history_has_the_same_answers_as_the_model) {
  EXPECT_TRUE(answers_like_the_model(GetParam(), any_call(), [](EngineUnderTest& engine) { return History(engine); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalModelTest, ::testing::ValuesIn(engines_but_the_model()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace aldis::testing
