// Every engine against the in-memory model: random histories of calls, each answer compared, and at the end every
// record and the whole audit log. rapidcheck shrinks a history that differs and prints how to run it again.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

#include "contract/approval_describe.h"
#include "contract/engines.h"
#include "contract/model_check.h"
#include "core/sha256.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kAgents{"ann", "bob", "cat"};
const std::vector<std::string> kTypes{"deploy", "delete"};
const std::vector<std::string> kKeys{"", "", "", "once", "twice"};
const std::vector<std::string> kReasons{"", "so", "no\n'quote'"};
const std::vector<std::optional<std::chrono::nanoseconds>> kTimeouts{5s, std::nullopt, 1us, 5s, 1h, 720h, 8760h};
const std::vector<std::chrono::nanoseconds> kSteps{1us, 1s, 4s, 5s, 1h, 24h, 360h, 720h, 721h};
const std::vector<std::vector<ApprovalState>> kStates{
    {},
    {ApprovalState::pending},
    {ApprovalState::timed_out},
    {ApprovalState::approved, ApprovalState::rejected, ApprovalState::cancelled}};
const std::vector<ApprovalState> kEnds{ApprovalState::approved, ApprovalState::rejected, ApprovalState::cancelled};

// One call, as numbers that `History` reads as it needs: so any numbers make a valid call, and smaller ones a simpler
// one.
struct Call {
  std::uint8_t kind = 0;
  std::uint8_t agent = 0;
  std::uint8_t type = 0;
  std::uint8_t detail = 0;
  std::uint8_t number = 0;
};

class History {
 public:
  History(EngineUnderTest& engine, bool steps_wall)
      : engine_(engine), store_(engine.approvals()), audit_(engine.audit()), steps_wall_(steps_wall) {}

  std::string run(const Call& call) {
    switch (call.kind) {
      case 0:
      case 1:
      case 2:
        return show("open", store_.open(some_subject(call)));
      case 3:
      case 4:
      case 5:
      case 6:
        return change(call);
      case 7:
        return show("read", store_.read(some_id(call)));
      case 8:
        return show("list", store_.list(some_page(call)));
      case 9:
        return show("remove_timed_out", store_.remove_timed_out(pick(kSteps, call.detail)));
      case 10:
        return show("entries", audit_.entries(call.detail, call.number % 5U));
      case 11:
        return rotate(call);
      case 12:
        if (steps_wall_) engine_.step_wall(call.detail % 2 == 0 ? 1h : -1h);
        return "step\n";
      default:
        engine_.advance(pick(kSteps, call.detail));
        return "advance\n";
    }
  }

  // Everything there is.
  std::string inspect() {
    return show("list", store_.list({.count = 1'000})) + show("bounds", audit_.bounds()) +
           show("entries", audit_.entries(0, 1'000));
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

  static Id128 id_of(std::size_t number) {
    Id128 id;
    id.bytes[12] = static_cast<std::uint8_t>(number >> 8);
    id.bytes[13] = static_cast<std::uint8_t>(number);
    return id;
  }
  // Mostly one that was asked not long ago.
  Id128 some_id(const Call& call) const {
    const std::size_t back = call.number % 8U;
    return id_of(back >= asked_ ? asked_ : asked_ - back);
  }

  ApprovalSubject some_subject(const Call& call) {
    const bool repeated = call.number % 16 == 15;
    if (!repeated) ++asked_;
    const std::string context = R"({"n":)" + std::to_string(asked_) + "}";
    return {.id = repeated ? some_id(call) : id_of(asked_),
            .type = pick(kTypes, call.type),
            .agent = pick(kAgents, call.agent),
            .key = pick(kKeys, call.number),
            .context = context,
            .context_hash = sha256_hex(context),
            .timeout = pick(kTimeouts, call.detail),
            .policy_hash = call.detail % 2 == 0 ? "" : sha256_hex("policy"),
            .quorum = call.detail % 3 + 1U};
  }

  ApprovalPage some_page(const Call& call) const {
    ApprovalPage page;
    if (call.detail % 3 == 1) page.type = pick(kTypes, call.type);
    if (call.detail % 5 == 1) page.agent = pick(kAgents, call.agent);
    page.states = pick(kStates, call.detail);
    if (call.detail % 7 == 1) page.after = some_id(call);
    page.count = call.number % 6 == 0 ? 100 : call.number % 6U;
    return page;
  }

  // Mostly of the version that is there, under a new id.
  std::string change(const Call& call) {
    const Id128 id = some_id(call);
    const bool repeated = call.number % 6 == 5;
    if (!repeated) ++changes_;
    ApprovalChange change{.id = id_of(changes_ - (repeated && changes_ > 3 ? call.detail % 3U : 0U)),
                          .seen_version = 1U + call.detail % 3U};
    const auto reading = store_.read(id);
    if (reading && *reading && call.detail % 4 != 3) change.seen_version = (*reading)->record.version;
    const bool decides = call.detail % 3 == 0;
    if (!decides || call.type == 0) {
      const bool is_signed = call.detail % 5 == 0;
      change.vote = StoredVote{.responder = pick(kAgents, call.agent),
                               .approved = call.number % 2 == 0,
                               .reason = pick(kReasons, call.number),
                               .time = WallTime{std::chrono::microseconds{call.detail}},
                               .key_id = is_signed ? "0123456789abcdef" : "",
                               .signature = is_signed ? std::string(64, static_cast<char>(call.number)) : ""};
    }
    if (decides) {
      change.state = pick(kEnds, call.number);
      change.responder = pick(kAgents, call.agent);
      change.reason = pick(kReasons, call.detail);
    }
    return show("change", store_.change(id, change));
  }

  std::string rotate(const Call& call) {
    const auto some = audit_.entries(call.detail, 1);
    if (!some || some->empty()) return show("rotate", audit_.rotate({}, "ann"));
    const AuditEntry& entry = some->front();
    return show("rotate",
                audit_.rotate({entry.number + (call.number % 4 == 3 ? 1 : 0), entry.hash}, pick(kAgents, call.agent)));
  }

  EngineUnderTest& engine_;
  ApprovalStore& store_;
  AuditStore& audit_;
  const bool steps_wall_;
  std::size_t asked_ = 0;
  std::size_t changes_ = 0;
};

rc::Gen<Call> any_call() {
  const auto small = [](int bound) { return rc::gen::cast<std::uint8_t>(rc::gen::inRange(0, bound)); };
  return rc::gen::build<Call>(rc::gen::set(&Call::kind, small(16)), rc::gen::set(&Call::agent, small(3)),
                              rc::gen::set(&Call::type, small(2)), rc::gen::set(&Call::detail, small(60)),
                              rc::gen::set(&Call::number, small(84)));
}

std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << '{' << +call.kind << ',' << +call.agent << ',' << +call.type << ',' << +call.detail << ','
             << +call.number << '}';
}

class ApprovalModelTest : public ::testing::TestWithParam<EngineKind> {};

TEST_P(ApprovalModelTest, every_history_has_the_same_answers_as_the_model) {
  EXPECT_TRUE(answers_like_the_model(
      GetParam(), any_call(), [](EngineUnderTest& engine) { return History(engine, GetParam().has_wall_clock); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, ApprovalModelTest, ::testing::ValuesIn(engines_but_the_model()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace aldis::testing
