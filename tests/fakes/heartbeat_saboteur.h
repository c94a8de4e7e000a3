#pragma once
// A heartbeat store in which things happen at the worst moment: calls fail, and strangers act between two calls.
//
// Model: `before_read` and `before_start` run once, ahead of the next read or listing, or the next start. While
// `failure` is set every call answers with it and reaches nothing. Threads: `renewals` may be waited for from any
// thread; the hooks are one thread's.

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"
#include "ports/heartbeat_store.h"

namespace aldis::testing {

class HeartbeatSaboteur final : public HeartbeatStore {
 public:
  explicit HeartbeatSaboteur(std::shared_ptr<HeartbeatStore> store) : store_(std::move(store)) {}

  std::optional<Error> failure;
  std::function<void()> after_read;
  std::function<void()> before_start;
  int listings = 0;

  // Waits until `count` renewals were asked for in all.
  void wait_for_renewals(int count) {
    const MutexLock lock(mutex_);
    renewed_.wait(mutex_, [&]() ALDIS_REQUIRES(mutex_) { return renewals_ >= count; });
  }
  void fail_renewals(int count) {
    const MutexLock lock(mutex_);
    failing_renewals_ = count;
  }
  int renewals() const {
    const MutexLock lock(mutex_);
    return renewals_;
  }

  Result<void> start(const AgentStart& start, std::optional<Id128> replaces) override {
    run_once(before_start);
    return guard([&] { return store_->start(start, replaces); });
  }
  Result<void> beat(const BeatUpdate& update) override {
    return guard([&] { return store_->beat(update); });
  }
  Result<void> renew(std::string_view agent_id, const Id128& incarnation) override {
    Result<void> answer =
        next_renewal_fails() ? fail(ErrorCode::unavailable, "the store is away") : store_->renew(agent_id, incarnation);
    const MutexLock lock(mutex_);
    ++renewals_;
    renewed_.notify_all();
    return answer;
  }
  Result<void> finish(std::string_view agent_id, const Id128& incarnation, std::string_view final_status) override {
    return guard([&] { return store_->finish(agent_id, incarnation, final_status); });
  }
  Result<std::optional<HeartbeatReading>> read(std::string_view agent_id) override {
    auto answer = guard([&] { return store_->read(agent_id); });
    run_once(after_read);
    return answer;
  }
  Result<HeartbeatListing> list() override {
    ++listings;
    auto answer = guard([&] { return store_->list(); });
    run_once(after_read);
    return answer;
  }
  Result<bool> publish_state(std::string_view agent_id, const Id128& incarnation, AgentState expected,
                             AgentState next) override {
    return guard([&] { return store_->publish_state(agent_id, incarnation, expected, next); });
  }

 private:
  bool next_renewal_fails() {
    const MutexLock lock(mutex_);
    return failing_renewals_ > 0 && failing_renewals_-- > 0;
  }
  static void run_once(std::function<void()>& hook) {
    if (hook) std::exchange(hook, {})();
  }
  template <class Call>
  auto guard(const Call& call) -> decltype(call()) {
    if (failure) return std::unexpected(*failure);
    return call();
  }

  const std::shared_ptr<HeartbeatStore> store_;
  mutable Mutex mutex_;
  ConditionVariable renewed_;
  int renewals_ ALDIS_GUARDED_BY(mutex_) = 0;
  int failing_renewals_ ALDIS_GUARDED_BY(mutex_) = 0;
};

}  // namespace aldis::testing
