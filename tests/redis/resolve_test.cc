// A program of its own: its getaddrinfo takes the place of the system's, which no test can make slow.

#include "engines/redis/resolve.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <netdb.h>
#include <netinet/in.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "engines/redis/transport.h"
#include "fakes/forked_child.h"
#include "redis/eventually.h"
#include "redis/fake_server.h"

namespace {

std::atomic<std::latch*> name_servers_answer = nullptr;  // null: at once
std::atomic<int> names_asked = 0;
std::atomic<int> names_answered = 0;

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto kReal = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if ((hints->ai_flags & AI_NUMERICHOST) != 0) return kReal(host, service, hints, found);
  ++names_asked;
  std::latch* answer = name_servers_answer;
  if (answer != nullptr) answer->wait();
  addrinfo numeric = *hints;
  numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  const int failure =
      std::string_view(host) == "known.example" ? kReal("127.0.0.1", service, &numeric, found) : EAI_NONAME;
  ++names_answered;
  return failure;
}

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const SystemClock& clock_of_tests() {
  static const SystemClock clock;
  return clock;
}

Result<std::vector<SocketAddress>> resolved(const std::string& host, std::chrono::nanoseconds at_most = 30s) {
  return resolve(host, 6379, clock_of_tests(), clock_of_tests().steady_now() + at_most);
}

TEST(Resolve, asks_nobody_about_addresses_and_localhost) {
  const int before = names_asked;
  ASSERT_TRUE(resolved("127.0.0.1"));
  EXPECT_EQ(resolved("127.0.0.1")->front().bytes.ss_family, AF_INET);
  EXPECT_EQ(resolved("::1")->front().bytes.ss_family, AF_INET6);
  const auto local = resolved("localhost");
  ASSERT_TRUE(local);
  for (const SocketAddress& address : *local) {
    if (address.bytes.ss_family != AF_INET) continue;
    EXPECT_EQ(reinterpret_cast<const sockaddr_in*>(&address.bytes)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    EXPECT_EQ(reinterpret_cast<const sockaddr_in*>(&address.bytes)->sin_port, htons(6379));
  }
  EXPECT_EQ(names_asked, before);
}

// glibc's lock on what it knows of the network used to be copied as it was, and the child waited for it for ever.
TEST(Resolve, finds_localhost_in_a_forked_child_whatever_other_threads_are_at) {
  std::vector<std::jthread> busy;
  for (int i = 0; i < 2; ++i) {
    busy.emplace_back([](const std::stop_token& stop) {
      while (!stop.stop_requested()) EXPECT_TRUE(resolved("localhost"));
    });
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(in_a_child([] { return std::string(resolved("localhost") ? "found" : "not found"); }), "found");
  }
}

TEST(Resolve, asks_about_names) {
  const auto known = resolved("known.example");
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->front().bytes.ss_family, AF_INET);

  const auto unknown = resolved("unknown.example");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::unavailable);
  EXPECT_THAT(unknown.error().message, HasSubstr("unknown.example"));
}

TEST(Resolve, waits_for_no_name_server_beyond_the_deadline) {
  const auto answer = std::make_unique<std::latch>(1);
  name_servers_answer = answer.get();
  const int before = names_answered;
  const auto late = resolved("known.example", 20ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::unavailable);
  EXPECT_THAT(late.error().message, HasSubstr("in time"));
  EXPECT_EQ(names_answered, before);

  name_servers_answer = nullptr;
  EXPECT_TRUE(resolved("known.example")) << "the next call is served while the first still hangs";
  answer->count_down();
  EXPECT_TRUE(eventually([&] { return names_answered == before + 2; })) << "the thread left behind ends";
}

TEST(Transport, tries_every_address_of_a_name) {
  const FakeServer server(read_for_ever);  // on 127.0.0.1 only: with IPv6, ::1 comes first and refuses
  const Endpoint endpoint{.host = "localhost", .port = server.endpoint().port};
  const auto transport = Transport::connect(endpoint, nullptr, clock_of_tests(), clock_of_tests().steady_now() + 30s);
  EXPECT_TRUE(transport) << transport.error().message;
}

}  // namespace
}  // namespace aldis::testing
