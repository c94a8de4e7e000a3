// kill -9 at random instants: nothing is lost, and nothing is sent twice but under the same key.

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <map>
#include <random>
#include <set>

#include "core/clock.h"
#include "courier/courier_program.h"
#include "courier/http_server.h"

namespace aldis::testing {
namespace {

constexpr int kRounds = 100;
constexpr int kKillsARound = 3;  // fewer than a batch has attempts
constexpr std::int64_t kRecordsARun = 3;

// Lets the courier live for so long, or until it ends by itself. Whether it was killed.
bool kill_after(std::chrono::nanoseconds delay, const CourierPlace& place) {
  Running running({courier()}, place.environment());
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, running.pid(), 0)));
  pollfd watched{process.get(), POLLIN, 0};
  const timespec patience{0, static_cast<long>(delay.count())};
  ppoll(&watched, 1, &patience, nullptr);
  running.signal(SIGKILL);
  return running.wait_for_end() == -SIGKILL;
}

class Killing {
 public:
  void round() {
    for (int i = 0; i < kKillsARound; ++i) {
      record();
      kills_ += kill_after(std::chrono::nanoseconds{random_() % static_cast<std::uint64_t>(whole_.count())}, place_);
    }
    record();
    finish();
  }

  // Until nothing is left; takes the time of it, so that the next kills fall into what a courier does.
  void finish() {
    const SteadyTime start = clock_.steady_now();
    EXPECT_EQ(place_.run().exit_code, 0);
    whole_ = std::min<std::chrono::nanoseconds>(clock_.steady_now() - start, std::chrono::milliseconds{900});
    EXPECT_THAT(place_.batches(), ::testing::IsEmpty());
  }

  void check() const {
    std::map<std::string, std::string> bodies;  // by key
    for (const Received& request : server_.received()) {
      const auto [body, is_new] = bodies.emplace(request.headers.at("idempotency-key"), request.body);
      EXPECT_EQ(body->second, request.body) << "a key came with two bodies";
    }
    std::multiset<std::int64_t> numbers;
    for (const auto& [key, body] : bodies) {
      const BodyContent content = content_of(body);
      numbers.insert(content.numbers.begin(), content.numbers.end());
      EXPECT_EQ(content.dropped, 0);
    }
    std::multiset<std::int64_t> expected;
    for (std::int64_t number = 1; number <= recorded_; ++number) expected.insert(number);
    EXPECT_EQ(numbers, expected);
    EXPECT_GE(kills_, kRounds) << "most of the kills came too late to show anything";
    EXPECT_GE(server_.received().size(), static_cast<std::size_t>(kRounds));
    EXPECT_EQ(place_.gate().failed, 0U);
  }

 private:
  void record() {
    place_.record(recorded_ + 1, recorded_ + kRecordsARun);
    recorded_ += kRecordsARun;
  }

  HttpServer server_;
  CourierPlace place_{server_.url()};
  SystemClock clock_;
  std::mt19937_64 random_{20261122};
  std::chrono::nanoseconds whole_ = std::chrono::milliseconds{20};
  std::int64_t recorded_ = 0;
  int kills_ = 0;
};

TEST(KilledCouriers, lose_nothing_and_repeat_nothing_but_under_its_key) {
  Killing killing;
  killing.finish();
  for (int round = 0; round < kRounds; ++round) killing.round();
  killing.check();
}

// The instant that matters most: the receiver has it, the courier has not heard so.
TEST(KilledCouriers, send_again_under_the_same_key_what_may_have_arrived) {
  std::promise<pid_t> victim;
  auto pid = victim.get_future().share();
  HttpServer server([pid](const Received&) {
    kill(pid.get(), SIGKILL);
    return Reply{"", Reply::Then::stay_silent};
  });
  const CourierPlace place(server.url());
  place.record(1, 2);
  Running running({courier()}, place.environment());
  victim.set_value(running.pid());
  EXPECT_EQ(running.wait().exit_code, -SIGKILL);
  EXPECT_EQ(place.gate().failures, 1U);

  server.answer_with(json_reply());
  EXPECT_EQ(place.run().exit_code, 0);
  const auto received = server.received();
  ASSERT_THAT(received, ::testing::SizeIs(2));
  EXPECT_EQ(received[1].headers.at("idempotency-key"), received[0].headers.at("idempotency-key"));
  EXPECT_EQ(received[1].body, received[0].body);
  EXPECT_EQ(received[1].headers.at("x-telemetry-attempt"), "2");
}

}  // namespace
}  // namespace aldis::testing
