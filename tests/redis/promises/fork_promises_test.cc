// fork with a Redis store in use: the child is refused, may join anew, and disturbs nobody.

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>

#include "fakes/forked_child.h"
#include "redis/certificates.h"
#include "redis/eventually.h"
#include "redis/promises/agents.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

// Far above what a starved machine needs.
constexpr std::chrono::seconds kPatience = 30s;

enum class Line { clear, tls };

class RedisFork : public ::testing::TestWithParam<Line> {
 protected:
  RedisFork() {
    if (GetParam() == Line::tls) certificates_ = std::make_unique<Certificates>();
    server_ = certificates_ == nullptr
                  ? std::make_unique<RedisServer>()
                  : std::make_unique<RedisServer>(
                        RedisServerOptions{.listen = RedisServerOptions::Listen::on_tls, .tls = certificates_->tls()});
    workspace_ = join(url(), kPatience);
    alice_ = act_as("alice", *workspace_);
    heart_.emplace(*workspace_);
  }

  std::string url() const {
    return certificates_ == nullptr ? server_->url() : server_->url() + "?ca=" + certificates_->authority();
  }
  // What keeps threads and connections busy in the parent.
  void begin_everything() {
    ASSERT_TRUE(heart_->start_heartbeat("alice"));
    ASSERT_TRUE(heart_->keep_alive(50ms));
    ASSERT_TRUE(alice_->on_signal({"question"}, {}, [this](const SignalNews&) { send(*alice_, "bob", "answer"); }, {}));
  }
  // How many calls on what was inherited are answered by anything but failed_precondition.
  std::string inherited_calls_that_are_not_refused() {
    const std::string id = "sig_00000000000000000000000000";
    const std::vector<std::string> codes{code_of(CoordinationSignals::open(*workspace_, "carol")),
                                         code_of(alice_->signal("work", "bob")),
                                         code_of(alice_->broadcast("work")),
                                         code_of(alice_->check_signal({})),
                                         code_of(alice_->wait_for_signal({}, {}, 1s)),
                                         code_of(alice_->on_signal({}, {}, [](const SignalNews&) {}, {})),
                                         code_of(alice_->get_pending_signals()),
                                         code_of(alice_->clear_signals()),
                                         code_of(alice_->acknowledge(id)),
                                         code_of(alice_->receipt(id)),
                                         code_of(alice_->wait_for_receipt(id, 1s)),
                                         code_of(heart_->start_heartbeat("alice")),
                                         code_of(heart_->beat()),
                                         code_of(heart_->keep_alive()),
                                         code_of(heart_->stop_heartbeat()),
                                         code_of(heart_->list()),
                                         code_of(heart_->get_agent_status("alice")),
                                         code_of(heart_->is_agent_alive("alice")),
                                         code_of(heart_->watch([](const StateChange&) { return false; }, {}))};
    return std::to_string(std::ranges::count_if(codes, [](const auto& code) { return code != "failed_precondition"; }));
  }

  // "joined", or what failed.
  std::string words_of_a_child_that_joins_anew() {
    auto own = Workspace::open(workspace_->options());
    if (!own) return "open: " + own.error().message;
    HeartbeatCoordinator heart(*own);
    if (const auto started = heart.start_heartbeat("child"); !started) return "start: " + started.error().message;
    if (const auto kept = heart.keep_alive(50ms); !kept) return "keep alive: " + kept.error().message;
    if (const auto beaten = heart.beat(); !beaten) return "beat: " + beaten.error().message;
    auto child = CoordinationSignals::open(*own, "child");
    if (!child) return "signals: " + child.error().message;
    if (const auto sent = child->signal("question", "alice"); !sent) return "to alice: " + sent.error().message;
    if (const auto sent = child->signal("from-the-child", "bob"); !sent) return "to bob: " + sent.error().message;
    return "joined";
  }

  std::unique_ptr<Certificates> certificates_;
  std::unique_ptr<RedisServer> server_;
  std::optional<Workspace> workspace_;
  std::optional<CoordinationSignals> alice_;
  std::optional<HeartbeatCoordinator> heart_;
};

TEST_P(RedisFork, every_inherited_call_is_refused_in_the_child) {
  begin_everything();
  EXPECT_EQ(in_a_child([&] { return inherited_calls_that_are_not_refused(); }), "0");
}

TEST_P(RedisFork, the_child_may_let_go_of_everything_and_the_parent_is_still_woken) {
  begin_everything();
  auto bob = act_as("bob", *workspace_);
  for (int i = 0; i < 5; ++i) {
    auto waiting = std::async(std::launch::async, [&] { return bob.wait_for_signal({"answer"}, "alice", kPatience); });
    EXPECT_EQ(in_a_child([&] {
                heart_.reset();
                alice_.reset();
                workspace_.reset();
                return std::string("let go");
              }),
              "let go");
    send(*alice_, "alice", "question");
    const auto outcome = waiting.get();
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(std::holds_alternative<Delivered>(*outcome));
  }
  EXPECT_EQ(code_of(heart_->beat()), "ok");
}

TEST_P(RedisFork, the_child_may_join_anew) {
  begin_everything();
  EXPECT_EQ(in_a_child([&] { return words_of_a_child_that_joins_anew(); }), "joined");
  auto bob = act_as("bob", *workspace_);
  const auto outcome = bob.wait_for_signal({"from-the-child"}, "child", kPatience);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(std::holds_alternative<Delivered>(*outcome));
  EXPECT_EQ(code_of(heart_->beat()), "ok");
}

INSTANTIATE_TEST_SUITE_P(Lines, RedisFork, ::testing::Values(Line::clear, Line::tls),
                         [](const auto& chosen) { return chosen.param == Line::clear ? "clear" : "tls"; });

}  // namespace
}  // namespace aldis::testing
