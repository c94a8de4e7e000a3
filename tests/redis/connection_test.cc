#include "engines/redis/connection.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <optional>

#include "engines/redis/command.h"
#include "fakes/scratch_directory.h"
#include "redis/fake_server.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kNamed = "SETNAME\r\n$5\r\naldis\r\n";  // how a log-in ends

const SystemClock& clock_of_tests() {
  static const SystemClock clock;
  return clock;
}

SteadyTime in(std::chrono::nanoseconds time) { return clock_of_tests().steady_now() + time; }

Result<std::unique_ptr<Connection>> open(const Endpoint& endpoint, const ConnectionSettings& settings = {},
                                         std::chrono::nanoseconds at_most = 30s) {
  return Connection::open(settings, endpoint, clock_of_tests(), in(at_most));
}

Error refusal(const Endpoint& endpoint, const ConnectionSettings& settings = {},
              std::chrono::nanoseconds at_most = 30s) {
  const auto connection = open(endpoint, settings, at_most);
  return connection ? Error{ErrorCode::internal, "connected"} : connection.error();
}

Endpoint endpoint_of(const RedisServer& server) { return {.host = "127.0.0.1", .port = server.port()}; }

std::string text_of(const Result<Reply>& reply) { return reply ? reply->text : reply.error().message; }

// A server that lets everybody in and then does `what`.
FakeServer::Behaviour after_log_in(FakeServer::Behaviour what) {
  return [what = std::move(what)](int connection) {
    if (read_until(connection, kNamed) && write_all(connection, "+OK\r\n")) what(connection);
  };
}

// A server that answers the log-in with `bytes`, and hangs up.
FakeServer::Behaviour answering(std::string bytes) {
  return [bytes = std::move(bytes)](int connection) {
    if (read_until(connection, kNamed)) write_all(connection, bytes);
  };
}

TEST(Connection, carries_commands_and_replies) {
  const RedisServer server;
  const auto connection = open(endpoint_of(server));
  ASSERT_TRUE(connection) << connection.error().message;
  const std::string commands = format_command({"SET", "a", std::string(300'000, 'x')}) +
                               format_command({"STRLEN", "a"}) + format_command({"LPUSH", "a", "1"}) +
                               format_command({"CLIENT", "GETNAME"});
  const auto replies = (*connection)->exchange(commands, 4, in(30s));
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ((*replies)[0].text, "OK");
  EXPECT_EQ((*replies)[1].integer, 300'000);
  EXPECT_TRUE((*replies)[2].is_error()) << "a refused command is an answer";
  EXPECT_EQ((*replies)[3].text, "aldis");
  EXPECT_TRUE((*connection)->usable());
  EXPECT_TRUE((*connection)->is_quiet());
}

TEST(Connection, reaches_a_server_by_name_by_address_and_by_socket) {
  const RedisServer server;
  const std::string socket = server.socket_url().substr(std::string_view("redis+unix://").size());
  for (const Endpoint& endpoint :
       {Endpoint{.host = "localhost", .port = server.port()}, endpoint_of(server), Endpoint{.unix_path = socket}}) {
    const auto connection = open(endpoint);
    ASSERT_TRUE(connection) << endpoint.to_text() << connection.error().message;
    EXPECT_EQ(text_of((*connection)->exchange(format_command({"PING"}), 1, in(30s))->front()), "PONG");
  }
}

TEST(Connection, logs_in_with_a_password_or_as_a_user) {
  const RedisServer with_password({.password = "secret"});
  EXPECT_TRUE(open(endpoint_of(with_password), {.credentials = {.password = "secret"}}));
  const RedisServer with_user({.acl = "user default off\nuser alice on >secret ~* +ping +auth\n"});
  const auto connection = open(endpoint_of(with_user), {.credentials = {"alice", "secret"}});
  EXPECT_TRUE(connection) << "also without the right to CLIENT SETNAME: " << connection.error().message;
}

TEST(Connection, says_where_a_missing_or_wrong_password_belongs) {
  const RedisServer server({.password = "secret"});
  for (const ConnectionSettings& settings :
       {ConnectionSettings{}, ConnectionSettings{.credentials = {.password = "hunter2"}},
        ConnectionSettings{.credentials = {"alice", "hunter2"}}, ConnectionSettings{.database = 1}}) {
    const Error error = refusal(endpoint_of(server), settings);
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << error.message;
    EXPECT_THAT(error.message, AllOf(HasSubstr("password_file"), HasSubstr("store URL"), Not(HasSubstr("hunter2"))));
  }
}

TEST(Connection, to_a_sentinel_names_the_options_of_its_password) {
  const RedisServer server({.password = "secret"});
  for (const Credentials& credentials : {Credentials{}, Credentials{.password = "hunter2"}}) {
    const Error error = refusal(endpoint_of(server), {.credentials = credentials, .to_sentinel = true});
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << error.message;
    EXPECT_THAT(error.message, AllOf(HasSubstr("the Sentinel at"), HasSubstr("sentinel_password_file"),
                                     HasSubstr("sentinel_password"), Not(HasSubstr("hunter2"))));
  }
  const RedisServer open_to_all;
  const Error error = refusal(endpoint_of(open_to_all), {.credentials = {.password = "hunter2"}, .to_sentinel = true});
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("take sentinel_password"));
}

TEST(Connection, says_when_the_server_has_no_password) {
  const RedisServer server;
  const Error error = refusal(endpoint_of(server), {.credentials = {.password = "hunter2"}});
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, AllOf(HasSubstr("has no password"), Not(HasSubstr("hunter2"))));
}

TEST(Connection, never_repeats_what_a_server_says_about_a_password) {
  const FakeServer server(answering("-ERR unknown command `AUTH`, with args beginning with: `hunter2`, \r\n+OK\r\n"));
  EXPECT_THAT(refusal(server.endpoint(), {.credentials = {.password = "hunter2"}}).message,
              AllOf(HasSubstr("does not understand AUTH"), Not(HasSubstr("hunter2"))));
  const FakeServer other(answering("-OOPS hunter2\r\n+OK\r\n"));
  EXPECT_THAT(refusal(other.endpoint(), {.credentials = {.password = "hunter2"}}).message, Not(HasSubstr("hunter2")));
}

TEST(Connection, chooses_a_database_that_exists) {
  const RedisServer server;
  const auto connection = open(endpoint_of(server), {.database = 3});
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_THAT(text_of((*connection)->exchange(format_command({"CLIENT", "INFO"}), 1, in(30s))->front()),
              HasSubstr(" db=3 "));
  const Error error = refusal(endpoint_of(server), {.database = 16});
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr("no database 16"));
}

TEST(Connection, to_a_server_that_turns_everybody_away_says_why) {
  const RedisServer server({.lines = {"maxclients 1"}});
  const auto first = open(endpoint_of(server));
  ASSERT_TRUE(first) << first.error().message;
  for (const ConnectionSettings& settings : {ConnectionSettings{}, ConnectionSettings{.credentials = {.password = "x"}},
                                             ConnectionSettings{.database = 1}}) {
    const Error error = refusal(endpoint_of(server), settings);
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_TRUE(error.retryable);
    EXPECT_THAT(error.message, HasSubstr("maxclients"));
  }
  const FakeServer guarded(answering("-DENIED Redis is running in protected mode because…\r\n"));
  EXPECT_EQ(refusal(guarded.endpoint()).code, ErrorCode::permission_denied);
}

TEST(Connection, to_a_server_that_still_loads_can_be_tried_again) {
  const std::string loading = "-LOADING Redis is loading the dataset in memory\r\n";
  const FakeServer server(answering(loading + loading + "+OK\r\n"));
  for (const ConnectionSettings& settings :
       {ConnectionSettings{.credentials = {.password = "x"}, .database = 1}, ConnectionSettings{.database = 1}}) {
    const Error error = refusal(server.endpoint(), settings);
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_TRUE(error.retryable);
    EXPECT_THAT(error.message, HasSubstr("loading"));
  }
}

TEST(Connection, refused_is_unavailable_at_once) {
  const LoopbackPort nobody;
  const Error error = refusal({.host = "127.0.0.1", .port = nobody.number()});
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr(std::to_string(nobody.number())), HasSubstr("refused")));

  const ScratchDirectory scratch;
  const Error no_socket = refusal({.unix_path = scratch.file("none")});
  EXPECT_EQ(no_socket.code, ErrorCode::unavailable) << "what a server that was stopped leaves behind";
  EXPECT_THAT(no_socket.message, HasSubstr("is the server running"));
  EXPECT_EQ(refusal({.unix_path = scratch.file(std::string(200, 'a'))}).code, ErrorCode::invalid_argument);
}

TEST(Connection, to_a_silent_server_ends_at_the_deadline) {
  const FakeServer server(read_for_ever);
  const Error error = refusal(server.endpoint(), {}, 50ms);
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, HasSubstr("did not answer in time"));
}

// A server that never accepts: its backlog fills, and then connecting itself does not end.
TEST(Connection, to_a_full_backlog_ends_at_the_deadline) {
  const ScratchDirectory scratch;
  const FakeServer server(read_for_ever, scratch.file("socket"));
  std::vector<std::unique_ptr<Transport>> waiting;
  for (;;) {
    auto transport = Transport::connect(server.endpoint(), nullptr, clock_of_tests(), in(200ms));
    if (!transport) {
      EXPECT_EQ(transport.error().code, ErrorCode::unavailable) << transport.error().message;
      break;
    }
    waiting.push_back(*std::move(transport));
    ASSERT_LT(waiting.size(), 1000U);
  }
}

TEST(Connection, that_trickles_ends_at_the_deadline) {
  const FakeServer server(after_log_in([](int connection) {
    while (write_all(connection, ":")) {
    }
  }));
  const auto connection = open(server.endpoint());
  ASSERT_TRUE(connection);
  EXPECT_FALSE((*connection)->receive(in(30s))) << "nobody waits for a number without end";

  const FakeServer slow(after_log_in([](int peer) {
    pollfd gone{peer, POLLIN, 0};
    write_all(peer, "$60000\r\n");
    while (::poll(&gone, 1, 1) == 0 && write_all(peer, "x")) {
    }
  }));
  const auto trickling = open(slow.endpoint());
  ASSERT_TRUE(trickling);
  EXPECT_THAT(text_of((*trickling)->receive(in(50ms))), HasSubstr("did not answer in time"));
}

TEST(Connection, to_a_server_that_does_not_read_ends_at_the_deadline) {
  const FakeServer server(after_log_in([](int connection) {
    pollfd gone{connection, 0, 0};
    ::poll(&gone, 1, -1);
  }));
  const auto connection = open(server.endpoint());
  ASSERT_TRUE(connection);
  const auto sent = (*connection)->send(std::string(64 * 1024 * 1024, 'x'), in(100ms));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::unavailable);
  EXPECT_FALSE((*connection)->usable());
}

TEST(Connection, that_broke_is_not_usable_any_more) {
  const FakeServer server(after_log_in([](int connection) { read_until(connection, "PING\r\n"); }));
  const auto connection = open(server.endpoint());
  ASSERT_TRUE(connection);
  const auto replies = (*connection)->exchange(format_command({"PING"}), 1, in(30s));
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::unavailable);
  EXPECT_FALSE((*connection)->usable());
  EXPECT_FALSE((*connection)->is_quiet());
}

TEST(Connection, that_ends_before_a_first_answer_may_be_to_a_port_for_tls) {
  const FakeServer server([](int connection) { read_until(connection, kNamed); });
  const Error error = refusal(server.endpoint());
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("is the server running"), HasSubstr("use rediss://")));

  const ScratchDirectory scratch;
  const FakeServer on_socket([](int connection) { read_until(connection, kNamed); }, scratch.file("socket"));
  EXPECT_THAT(refusal(on_socket.endpoint()).message, Not(HasSubstr("rediss://"))) << "no socket has TLS";

  const FakeServer answers(after_log_in([](int connection) { read_until(connection, "PING\r\n"); }));
  const auto connection = open(answers.endpoint());
  ASSERT_TRUE(connection);
  const auto replies = (*connection)->exchange(format_command({"PING"}), 1, in(30s));
  ASSERT_FALSE(replies);
  EXPECT_THAT(replies.error().message, Not(HasSubstr("rediss://")));
}

TEST(Connection, to_what_is_no_redis_says_so) {
  const FakeServer server([](int connection) { write_all(connection, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  const Error error = refusal(server.endpoint());
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.endpoint().to_text()), HasSubstr("is this a Redis server?")));
}

void wait_until_readable(const Connection& connection) {
  pollfd watched{connection.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&watched, 1, 30'000), 1);
}

TEST(Connection, is_quiet_until_the_server_says_something_or_closes) {
  const FakeServer talker(after_log_in([](int connection) {
    if (read_until(connection, "go")) write_all(connection, "+unasked\r\n");
    read_for_ever(connection);
  }));
  const auto connection = open(talker.endpoint());
  ASSERT_TRUE(connection);
  EXPECT_TRUE((*connection)->is_quiet());
  ASSERT_TRUE((*connection)->send("go", in(30s)));
  wait_until_readable(**connection);
  EXPECT_FALSE((*connection)->is_quiet());
  EXPECT_FALSE((*connection)->usable());

  const FakeServer closer(after_log_in([](int peer) { read_until(peer, "go"); }));
  const auto closed = open(closer.endpoint());
  ASSERT_TRUE(closed);
  EXPECT_TRUE((*closed)->is_quiet());
  ASSERT_TRUE((*closed)->send("go", in(30s)));
  wait_until_readable(**closed);
  EXPECT_FALSE((*closed)->is_quiet());
}

TEST(Connection, gives_what_is_there_without_waiting) {
  const RedisServer server;
  const auto connection = open(endpoint_of(server));
  ASSERT_TRUE(connection);
  const auto nothing = (*connection)->receive_now();
  EXPECT_TRUE(nothing && !*nothing);
  ASSERT_TRUE((*connection)->send(format_command({"SUBSCRIBE", "a", "b"}), in(30s)));
  std::vector<std::string> channels;
  while (channels.size() < 2) {
    wait_until_readable(**connection);
    for (auto reply = (*connection)->receive_now(); reply && *reply; reply = (*connection)->receive_now()) {
      channels.push_back((*reply)->elements.at(1).text);
    }
  }
  EXPECT_THAT(channels, ::testing::ElementsAre("a", "b"));
}

// Bytes that a bad network made are an error or wrong answers, and never more than that.
TEST(Connection, bears_any_bytes) {
  std::string answer = "*2\r\n$5\r\nhello\r\n:42\r\n+OK\r\n";
  for (std::size_t at = 0; at < answer.size(); ++at) {
    for (const char byte : {'\0', '\r', '9', '-', '*', '\xff'}) {
      std::string bytes = answer;
      bytes[at] = byte;
      const FakeServer server(after_log_in([&bytes](int connection) { write_all(connection, bytes); }));
      const auto connection = open(server.endpoint());
      ASSERT_TRUE(connection);
      const auto replies = (*connection)->exchange("", 2, in(30s));
      EXPECT_EQ(replies.has_value(), (*connection)->usable());
    }
  }
}

}  // namespace
}  // namespace aldis::testing
