#include "engines/redis/tls.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>

#include "engines/redis/command.h"
#include "engines/redis/connection.h"
#include "fakes/forked_child.h"
#include "fakes/scratch_directory.h"
#include "redis/fake_server.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Listen = RedisServerOptions::Listen;

constexpr int kForks = 200;

class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { certificates_ = new Certificates; }
  static void TearDownTestSuite() { delete certificates_; }

  static const Certificates& certificates() { return *certificates_; }
  SteadyTime soon() const { return clock_.steady_now() + 30s; }

  static ConnectionSettings settings(const TlsOptions& options) {
    auto context = TlsContext::make(options);
    EXPECT_TRUE(context) << context.error().message;
    return {.tls = context ? *context : nullptr};
  }
  static ConnectionSettings trusting() { return settings({.ca_file = certificates().authority()}); }
  static ConnectionSettings with(const Identity& identity) {
    return settings({certificates().authority(), identity.certificate, identity.key});
  }

  Result<std::unique_ptr<Connection>> open(const ConnectionSettings& settings, const Endpoint& endpoint) const {
    return Connection::open(settings, endpoint, clock_, soon());
  }
  Error refusal(const ConnectionSettings& settings, const Endpoint& endpoint) const {
    const auto connection = open(settings, endpoint);
    return connection ? Error{ErrorCode::internal, "connected"} : connection.error();
  }

  const SystemClock clock_;

 private:
  static inline const Certificates* certificates_ = nullptr;
};

Endpoint endpoint_of(const RedisServer& server, std::string host = "127.0.0.1") {
  return {.host = std::move(host), .port = server.port()};
}

// All that is done before the network is needed: it takes most of OpenSSL's locks.
bool begins_a_session(const std::string& authority) {
  const auto context = TlsContext::make({.ca_file = authority});
  if (!context) return false;
  const auto session = TlsSession::make(**context, "localhost");
  if (!session) return false;
  const auto done = (*session)->shake_hands();
  return done && !*done && !(*session)->take_output().empty();
}

Error failure(const TlsOptions& options) {
  const auto context = TlsContext::make(options);
  return context ? Error{ErrorCode::internal, "made"} : context.error();
}

TEST_F(Tls, carries_commands_and_replies_of_any_size) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto connection = open(trusting(), endpoint_of(server, host));
    ASSERT_TRUE(connection) << connection.error().message;
    EXPECT_TRUE((*connection)->is_quiet()) << "session tickets are not the server's words";
    const std::string text(3'000'000, 'x');
    const auto replies =
        (*connection)
            ->exchange(format_command({"SET", "a", text}) + format_command({"GET", "a"}) + format_command({"PING"}), 3,
                       soon());
    ASSERT_TRUE(replies) << replies.error().message;
    EXPECT_EQ((*replies)[1].text, text);
    EXPECT_EQ((*replies)[2].text, "PONG");
    EXPECT_TRUE((*connection)->is_quiet());
  }
}

TEST_F(Tls, serves_who_polls_for_himself) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  const auto connection = open(trusting(), endpoint_of(server));
  ASSERT_TRUE(connection) << connection.error().message;
  ASSERT_TRUE((*connection)->send(format_command({"PING"}), soon()));
  for (;;) {
    const auto reply = (*connection)->receive_now();
    ASSERT_TRUE(reply) << reply.error().message;
    if (*reply) break;
    pollfd watched{(*connection)->descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 30'000), 1);
  }
}

TEST_F(Tls, trusts_only_the_named_authority) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  for (const TlsOptions& options : {TlsOptions{.ca_file = certificates().foreign_authority()}, TlsOptions{}}) {
    const Error error = refusal(settings(options), endpoint_of(server));
    EXPECT_EQ(error.code, ErrorCode::failed_precondition);
    EXPECT_THAT(error.message, AllOf(HasSubstr("127.0.0.1"), HasSubstr("certificate"), HasSubstr("ca=")));
  }
}

TEST_F(Tls, accepts_only_a_certificate_for_the_host_in_the_url) {
  ServerTls another = certificates().tls();
  another.identity = certificates().server_of_another_name();
  const RedisServer server({.listen = Listen::on_tls, .tls = another});
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const Error error = refusal(trusting(), endpoint_of(server, host));
    EXPECT_EQ(error.code, ErrorCode::failed_precondition);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("mismatch"), HasSubstr(host + std::string(" must be in it")), Not(HasSubstr("ca="))));
  }
}

TEST_F(Tls, says_that_a_certificate_ran_out) {
  ServerTls old = certificates().tls();
  old.identity = certificates().expired_server();
  const RedisServer server({.listen = Listen::on_tls, .tls = old});
  const Error error = refusal(trusting(), endpoint_of(server));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, AllOf(HasSubstr("expired"), HasSubstr("renew it"), Not(HasSubstr("ca="))));
}

TEST_F(Tls, shows_a_client_certificate_where_one_is_asked_for) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls(true)});
  EXPECT_TRUE(open(with(certificates().client()), endpoint_of(server)));
  for (const ConnectionSettings& refused : {trusting(), with(certificates().foreign_client())}) {
    const Error error = refusal(refused, endpoint_of(server));
    EXPECT_EQ(error.code, ErrorCode::failed_precondition) << error.message;
    EXPECT_THAT(error.message, HasSubstr("does not accept our certificate"));
  }
}

TEST_F(Tls, shows_a_client_certificate_in_tls_1_2_too) {
  const RedisServer server(
      {.listen = Listen::on_tls, .tls = certificates().tls(true), .lines = {"tls-protocols TLSv1.2"}});
  EXPECT_TRUE(open(with(certificates().client()), endpoint_of(server)));
  const Error error = refusal(trusting(), endpoint_of(server));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition) << error.message;
}

TEST_F(Tls, with_a_server_that_speaks_none_says_so) {
  const RedisServer server;
  const auto silent = Connection::open(trusting(), endpoint_of(server), clock_, clock_.steady_now() + 50ms);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::unavailable);
  EXPECT_THAT(silent.error().message, AllOf(HasSubstr("is this the port that speaks TLS?"), HasSubstr("redis://")));
  const FakeServer web([](int connection) { write_all(connection, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  EXPECT_THAT(refusal(trusting(), web.endpoint()).message, HasSubstr("does not speak TLS"));
}

TEST_F(Tls, at_the_port_of_a_server_that_speaks_it_clear_text_is_unavailable) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  const Error error = refusal({}, endpoint_of(server));
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, HasSubstr("use rediss://"));
}

TEST_F(Tls, notices_that_the_server_is_gone) {
  RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  const auto connection = open(trusting(), endpoint_of(server));
  ASSERT_TRUE(connection) << connection.error().message;
  server.kill();
  EXPECT_FALSE((*connection)->exchange(format_command({"PING"}), 1, soon()));
  EXPECT_FALSE((*connection)->usable());
}

TEST_F(Tls, outlives_a_forked_child_that_forgets_its_copy) {
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates().tls()});
  auto connection = open(trusting(), endpoint_of(server));
  ASSERT_TRUE(connection) << connection.error().message;
  const pid_t child = ::fork();
  if (child == 0) {
    connection->reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto replies = (*connection)->exchange(format_command({"PING"}), 1, soon());
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ(replies->front().text, "PONG");
}

// OpenSSL's locks used to be copied as they were: a child that was forked while another thread was in OpenSSL waited
// for ever. Short-lived threads meet more of them: what a thread begins with, and what it gives back at its end.
TEST_F(Tls, begins_anew_in_a_forked_child_whatever_other_threads_are_at) {
  std::vector<std::jthread> busy;
  for (int i = 0; i < 4; ++i) {
    busy.emplace_back([](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const std::jthread brief([] { EXPECT_TRUE(begins_a_session(certificates().authority())); });
      }
    });
  }
  for (int i = 0; i < kForks; ++i) {
    ASSERT_EQ(
        in_a_child([] { return std::string(begins_a_session(certificates().authority()) ? "begun" : "refused"); }),
        "begun")
        << "child " << i;
  }
}

TEST_F(Tls, names_the_file_that_is_wrong) {
  const ScratchDirectory scratch;
  const std::string empty = scratch.file("empty.pem");
  std::ofstream(empty) << "nothing";
  const Identity client = certificates().client();
  const std::string authority = certificates().authority();

  const std::string missing = scratch.file("missing.pem");
  for (const TlsOptions& options : {TlsOptions{missing, "", ""}, TlsOptions{authority, missing, client.key},
                                    TlsOptions{authority, client.certificate, missing}}) {
    EXPECT_EQ(failure(options).code, ErrorCode::failed_precondition);
    EXPECT_THAT(failure(options).message, HasSubstr(missing));
  }
  for (const TlsOptions& options : {TlsOptions{empty, "", ""}, TlsOptions{authority, empty, client.key},
                                    TlsOptions{authority, client.certificate, empty}}) {
    EXPECT_EQ(failure(options).code, ErrorCode::invalid_argument);
    EXPECT_THAT(failure(options).message, HasSubstr(empty));
  }
  const TlsOptions mixed{authority, client.certificate, certificates().server().key};
  EXPECT_EQ(failure(mixed).code, ErrorCode::invalid_argument);
  EXPECT_THAT(failure(mixed).message, HasSubstr(mixed.key_file));
}

// Any byte of the handshake and of what follows may come out wrong: an error, or nothing at all.
TEST_F(Tls, bears_bytes_that_a_network_spoiled) {
  const auto context = TlsContext::make({.ca_file = certificates().authority()});
  ASSERT_TRUE(context);
  const std::string records[] = {std::string("\x15\x03\x03\x00\x02\x02\x28", 7), std::string("\x16\x03\x03\x40\x00", 5),
                                 std::string("\x16\x03\x03\x00\x04\x02\x00\x00\x00", 9), std::string(5, '\xff'),
                                 std::string(20'000, '\0')};
  for (const std::string& record : records) {
    auto session = TlsSession::make(**context, "localhost");
    ASSERT_TRUE(session);
    ASSERT_EQ((*session)->shake_hands(), false);
    EXPECT_FALSE((*session)->take_output().empty());
    for (const char byte : record) {
      (*session)->receive({&byte, 1});
      const auto done = (*session)->shake_hands();
      if (!done) break;
      EXPECT_FALSE(*done);
    }
  }
}

}  // namespace
}  // namespace aldis::testing
