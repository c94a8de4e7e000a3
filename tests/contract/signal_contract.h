#pragma once
// The fixture of the contract tests of signals: small verbs over a SignalStore. Header only.
//
// Model: a test sends, moves the clock and takes; signals are told apart by their ids, which count up. What a take
// answered other than asked for fails the test and reads as nil.

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "contract/engines.h"
#include "contract/listening.h"
#include "contract/signal_describe.h"
#include "ports/signal_address.h"

namespace aldis::testing {

using namespace std::chrono_literals;

constexpr WallTime kSentAt{std::chrono::seconds{1'790'000'000}};
inline const ProcessIdentity kProcess{4242, 77, "boot-id", 4026531836};
inline const ProcessIdentity kOtherProcess{4243, 78, "boot-id", 4026531836};

struct SendOptions {
  std::string source = "boss";
  std::string payload = "{}";
  std::chrono::nanoseconds ttl = 60s;
};

struct TakeWith {
  std::vector<std::string> types = {};
  std::string source = {};
  bool consume = true;
  std::optional<std::chrono::nanoseconds> acknowledge_within = {};
  std::string take_id = {};
  std::optional<ProcessIdentity> holder = {};
};

class SignalContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  // Both answer with the id of the signal.
  Id128 send(std::string_view target, std::string_view type = "task", const SendOptions& options = {}) {
    const Id128 id = next_id(target);
    const auto sent = try_send(id, target, type, options);
    EXPECT_TRUE(sent) << sent.error().message;
    return id;
  }
  Id128 broadcast(std::string_view type = "news", const SendOptions& options = {}) {
    const Id128 id = next_id(std::nullopt);
    const auto sent = try_send(id, std::nullopt, type, options);
    EXPECT_TRUE(sent) << sent.error().message;
    return id;
  }
  Result<void> try_send(const Id128& id, std::optional<std::string_view> target, std::string_view type = "task",
                        const SendOptions& options = {}) {
    return store().send({id, type, options.source, target, options.payload, kSentAt, options.ttl});
  }

  TakeOutcome take(std::string_view agent, const TakeWith& with = {}) {
    const SignalFilter filter{with.types, with.source};
    const TakeOptions options{with.consume, with.acknowledge_within, with.take_id};
    auto outcome = store().take({.agent = agent, .filter = filter, .options = options, .holder = with.holder});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : TakeOutcome(NothingTaken{});
  }
  CoordinationSignal taken_signal(std::string_view agent, const TakeWith& with = {}) {
    const TakeOutcome outcome = take(agent, with);
    if (const auto* delivered = std::get_if<Delivered>(&outcome)) return delivered->signal;
    ADD_FAILURE() << "expected a signal, got " << text_of(outcome);
    return {};
  }
  Expired told_expiry(std::string_view agent, const TakeWith& with = {}) {
    const TakeOutcome outcome = take(agent, with);
    if (const auto* expired = std::get_if<Expired>(&outcome)) return *expired;
    ADD_FAILURE() << "expected an expiry, got " << text_of(outcome);
    return {};
  }
  NothingTaken nothing_taken(std::string_view agent, const TakeWith& with = {}) {
    const TakeOutcome outcome = take(agent, with);
    if (const auto* nothing = std::get_if<NothingTaken>(&outcome)) return *nothing;
    ADD_FAILURE() << "expected nothing, got " << text_of(outcome);
    return {};
  }
  // The ids alone; nil: something else came.
  Id128 taken(std::string_view agent, const TakeWith& with = {}) { return id_in(taken_signal(agent, with).signal_id); }
  Id128 reserved(std::string_view agent, TakeWith with = {}) {
    if (!with.acknowledge_within) with.acknowledge_within = 10s;
    return taken(agent, with);
  }
  Id128 expired(std::string_view agent, const TakeWith& with = {}) { return id_in(told_expiry(agent, with).signal_id); }
  bool nothing(std::string_view agent, const TakeWith& with = {}) {
    return std::holds_alternative<NothingTaken>(take(agent, with));
  }

  std::vector<Id128> pending(std::string_view agent, std::string_view type = {}) {
    std::vector<Id128> ids;
    const auto signals = store().pending(agent, type);
    EXPECT_TRUE(signals) << signals.error().message;
    for (const CoordinationSignal& signal : signals.value()) ids.push_back(id_in(signal.signal_id));
    return ids;
  }
  std::uint64_t clear(std::string_view agent, std::string_view type = {}) { return store().clear(agent, type).value(); }
  Receipt receipt(const Id128& id) { return receipt_reading(id).receipt; }
  ReceiptReading receipt_reading(const Id128& id) {
    const auto found = store().receipt(id);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(ReceiptReading{});
  }
  ReceiptState state(const Id128& id) { return receipt(id).state; }

  // `ok` stands for a success.
  std::string acknowledge(std::string_view agent, const Id128& id,
                          std::optional<std::uint32_t> attempt = std::nullopt) {
    return outcome_of(store().acknowledge(agent, id, attempt));
  }
  template <class T>
  static std::string outcome_of(const Result<T>& result) {
    return result ? "ok" : std::string(to_string(result.error().code));
  }

  // Whether `call` rings for a mailbox, or for the receipt of a signal.
  template <class Call>
  bool rings(std::string_view agent, Call call) {
    return listening().rings({Topic::Kind::mailbox, agent}, call);
  }
  template <class Call>
  bool rings(const Id128& id, Call call) {
    const std::string name = format_id({}, id);
    return listening().rings({Topic::Kind::signal, name}, call);
  }
  Listening listening() { return {engine_->waker(), GetParam()}; }

  Id128 next_id(std::optional<std::string_view> target) {
    ++ids_;
    Id128 id;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[13 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return address_signal(id, target);
  }
  SignalStore& store() { return engine_->signals(); }
  void advance(std::chrono::nanoseconds by) { engine_->advance(by); }

 private:
  static Id128 id_in(std::string_view text) { return parse_id(kSignalIdPrefix, text).value_or(Id128{}); }
  static std::string text_of(const TakeOutcome& outcome) {
    std::ostringstream out;
    describe(out, outcome);
    return out.str();
  }

  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
  std::uint64_t ids_ = 0;
};

inline std::string engine_name(const ::testing::TestParamInfo<EngineKind>& info) { return info.param.name; }

}  // namespace aldis::testing
