// Every engine against the in-memory model: random histories of publications, reads and groups, each answer compared.
// rapidcheck shrinks a history that differs and prints how to run it again.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <sstream>

#include "contract/engines.h"
#include "contract/event_describe.h"
#include "contract/model_check.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kTypes{"deploy", "build"};
const std::vector<std::string> kGroups{"workers", "auditors"};
const std::vector<std::string> kMembers{"ann", "bob", "cat"};
const std::vector<std::chrono::nanoseconds> kSteps{1ms, 1s, 4s, 5s, 10s, 90s, 1h};
const std::vector<StreamBounds> kBounds{{.max_length = 1},
                                        {.max_length = 3},
                                        {.max_length = 10, .max_age = 5s},
                                        {.max_length = 100, .max_age = 90s},
                                        {.max_length = 5, .max_age = 1ms},
                                        {}};

// One call, as numbers that `History` reads as it needs: so any numbers make a valid call, and smaller ones a simpler
// one.
struct Call {
  std::uint8_t kind = 0;
  std::uint8_t type = 0;
  std::uint8_t group = 0;
  std::uint8_t member = 0;
  std::uint8_t detail = 0;
  std::uint8_t number = 0;
};

class History {
 public:
  explicit History(EngineUnderTest& engine)
      : engine_(engine), store_(engine.events()), groups_(engine.event_groups()) {}

  std::string run(const Call& call) {
    const std::string& type = pick(kTypes, call.type);
    const std::string& group = pick(kGroups, call.group);
    switch (call.kind) {
      case 0:
        return publish_many(call);
      case 1:
      case 2:
      case 3:
        return publish(type, call.number % 8 == 7);
      case 4:
      case 5:
      case 6:
        return group_read(call);
      case 7:
      case 8:
        return show("acknowledge", groups_.acknowledge(type, group, some_events(type, call)));
      case 9:
        return show("trim", store_.trim(type, call.number % 5U));
      case 10:
        return show("configure", store_.configure(type, pick(kBounds, call.detail)));
      case 11:
        return show("read", read(type, call.number, call.detail % 9U));
      case 12:
        return show("recent", store_.recent(type, call.number, call.number + call.detail, call.member + 1U));
      default:
        engine_.advance(pick(kSteps, call.detail));
        return "advance\n";
    }
  }

  // All that can be seen.
  std::string inspect() {
    std::string seen = show("heads", store_.heads());
    for (const std::string& type : kTypes) {
      seen += show("read", read(type, 0, 1000));
      seen += show("groups", groups_.groups(type));
      for (const std::string& group : kGroups) seen += show("pending", groups_.pending(type, group, 1000));
    }
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

  // Or the newest of the type again.
  std::string publish(const std::string& type, bool again) {
    auto& newest = newest_[type];
    if (!again || newest == 0) newest = ++published_;
    Id128 id;
    id.bytes[14] = static_cast<std::uint8_t>(newest >> 8U);
    id.bytes[15] = static_cast<std::uint8_t>(newest);
    const std::string data = R"({"n":)" + std::to_string(published_) + "}";
    const auto place = store_.publish({.id = id, .type = type, .data = data, .source = "boss"});
    if (place) ms_[type][place->ordinal] = place->ms;
    return show("publish", place);
  }
  std::string publish_many(const Call& call) {
    std::string log;
    for (unsigned i = 0; i < call.number; ++i) log += publish(pick(kTypes, call.type), false);
    return log;
  }
  Result<std::vector<StreamSlice>> read(const std::string& type, std::uint64_t after, std::size_t count) {
    const StreamCursor cursor{type, after};
    return store_.read({&cursor, 1}, count + 1);
  }
  std::string group_read(const Call& call) {
    GroupRead read{
        .type = pick(kTypes, call.type), .group = pick(kGroups, call.group), .consumer = pick(kMembers, call.member)};
    if (call.detail % 4 != 3) read.start_after = call.number % 16U;
    read.count = call.number % 7U + 1;
    read.take_over_after = pick(kSteps, call.detail);
    return show("group read", groups_.read(read));
  }
  std::vector<EventPlace> some_events(const std::string& type, const Call& call) {
    const std::uint64_t first = call.number;
    std::vector<EventPlace> events;
    for (const std::uint64_t ordinal : {first, first + 1, first + call.detail % 4U, first + call.detail}) {
      events.push_back({ms_[type][ordinal], ordinal});
    }
    return events;
  }

  EngineUnderTest& engine_;
  EventStore& store_;
  EventGroupStore& groups_;
  std::map<std::string, std::uint64_t> newest_;                       // the number of the newest publication of a type
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> ms_;  // of each event, by type and ordinal
  std::uint64_t published_ = 0;
};

rc::Gen<Call> any_call() {
  const auto small = [](int bound) { return rc::gen::cast<std::uint8_t>(rc::gen::inRange(0, bound)); };
  return rc::gen::build<Call>(rc::gen::set(&Call::kind, small(16)), rc::gen::set(&Call::type, small(2)),
                              rc::gen::set(&Call::group, small(2)), rc::gen::set(&Call::member, small(3)),
                              rc::gen::set(&Call::detail, small(42)), rc::gen::set(&Call::number, small(40)));
}

std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << '{' << +call.kind << ',' << +call.type << ',' << +call.group << ',' << +call.member << ','
             << +call.detail << ',' << +call.number << '}';
}

class EventModelTest : public ::testing::TestWithParam<EngineKind> {};

TEST_P(EventModelTest, every_history_has_the_same_answers_as_the_model) {
  EXPECT_TRUE(answers_like_the_model(GetParam(), any_call(), [](EngineUnderTest& engine) { return History(engine); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, EventModelTest, ::testing::ValuesIn(engines_but_the_model()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace aldis::testing
