#pragma once
// The fixture of the contract tests of heartbeats: small verbs over a HeartbeatStore. Header only.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "contract/engines.h"
#include "contract/listening.h"
#include "ports/heartbeat_store.h"

namespace aldis::testing {

using namespace std::chrono_literals;

inline Id128 incarnation(std::uint8_t number) {
  Id128 id;
  id.bytes.back() = number;
  return id;
}
inline const Id128 kFirst = incarnation(1);
inline const Id128 kSecond = incarnation(2);
constexpr Id128 kNil;

inline AgentStart start_of(std::string agent, const Id128& id, std::chrono::nanoseconds ttl = 30s) {
  AgentStart start;
  start.agent_id = std::move(agent);
  start.incarnation = id;
  start.display_name = "The Worker";
  start.metadata = Json::trusted(R"({"team":"red"})");
  start.host = "castor";
  start.process = ProcessIdentity{4242, 77, "boot-id", 4026531836};
  start.ttl = ttl;
  return start;
}

class HeartbeatStoreContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  void start(const std::string& agent, const Id128& id, std::chrono::nanoseconds ttl = 30s) {
    const auto started = store().start(start_of(agent, id, ttl), std::nullopt);
    ASSERT_TRUE(started) << started.error().message;
  }
  Result<void> beat(const std::string& agent, const Id128& id, std::string_view status = "running",
                    std::optional<double> progress = {}, std::optional<std::string_view> task = {}) {
    return store().beat({agent, id, status, progress, task});
  }
  std::optional<HeartbeatReading> reading(std::string_view agent) {
    auto read = store().read(agent);
    EXPECT_TRUE(read) << read.error().message;
    return read ? *std::move(read) : std::nullopt;
  }
  HeartbeatRecord record(std::string_view agent) {
    auto found = reading(agent);
    EXPECT_TRUE(found) << "no record of " << agent;
    return found ? std::move(found->record) : HeartbeatRecord{};
  }
  std::vector<std::string> listed() {
    std::vector<std::string> ids;
    const HeartbeatListing listing = store().list().value();
    for (const HeartbeatRecord& entry : listing.records) ids.push_back(entry.start.agent_id);
    return ids;
  }

  template <class Call>
  bool rings(const Topic& topic, Call call) {
    return listening().rings(topic, [&] { EXPECT_TRUE(call()); });
  }
  template <class Call>
  bool is_silent(const Topic& topic, Call call) {
    return listening().is_silent(topic, [&] { EXPECT_TRUE(call()); });
  }
  Listening listening() { return {engine_->waker(), GetParam()}; }

  HeartbeatStore& store() { return engine_->heartbeats(); }
  FakeProcessTable& processes() { return engine_->processes(); }
  void advance(std::chrono::nanoseconds by) { engine_->advance(by); }

 private:
  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "it succeeded";
  return ErrorCode::internal;
}

inline std::string name_of_engine(const ::testing::TestParamInfo<EngineKind>& test) { return test.param.name; }

}  // namespace aldis::testing
