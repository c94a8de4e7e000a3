#include "engines/redis/connection.h"

#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/routing.h"

namespace aldis {
namespace {

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

// Who is asked, and where a user says with which password.
struct Peer {
  std::string who;
  std::string_view missing;
  std::string_view wrong;
  std::string_view needless;
};

Peer peer_of(const std::string& name, bool is_sentinel) {
  if (is_sentinel) {
    return {.who = fmt::format("the Sentinel at {}", name),
            .missing = "name one in the store URL, by sentinel_password_file= or sentinel_password=",
            .wrong = "check sentinel_user and sentinel_password in the store URL, or its sentinel_password_file",
            .needless = "take sentinel_password or sentinel_password_file out of the store URL"};
  }
  return {.who = fmt::format("the Redis server at {}", name),
          .missing = "name one in the store URL, by password_file= or as redis://user:password@…",
          .wrong = "check them in the store URL, or in its password_file",
          .needless = "take it (or the password_file) out of the store URL"};
}

// Refusals that any command can meet.
Error refusal(const Peer& peer, const Reply& reply) {
  const std::string_view word = first_word(reply.text);
  if (word == "NOAUTH") {
    return make_error(ErrorCode::permission_denied, "{} asks for a password: {}", peer.who, peer.missing);
  }
  if (word == "DENIED") {
    return make_error(ErrorCode::permission_denied,
                      "{} is in protected mode: set a password there, or bind it to the loopback", peer.who);
  }
  if (word == "LOADING") return make_error(ErrorCode::unavailable, "{} is still loading its data", peer.who);
  if (reply.text.starts_with("ERR max number of clients")) {
    return make_error(ErrorCode::unavailable, "{} has as many clients as it may have: raise maxclients there",
                      peer.who);
  }
  if (word == "NOPERM") {
    return make_error(ErrorCode::permission_denied, "{} does not let this user in: {}", peer.who,
                      quote_reply(reply.text));
  }
  return make_error(ErrorCode::unavailable, "{} does not let us in: {}", peer.who, quote_reply(reply.text));
}

// Never repeats what the server says: where it does not know AUTH, it repeats the password.
Error auth_refusal(const Peer& peer, const Reply& reply) {
  const std::string_view word = first_word(reply.text);
  if (word == "WRONGPASS") {
    return make_error(ErrorCode::permission_denied, "{} does not accept the user and password: {}", peer.who,
                      peer.wrong);
  }
  if (reply.text.starts_with("ERR AUTH <password> called without any password")) {
    return make_error(ErrorCode::failed_precondition, "{} has no password: {}, or set one there", peer.who,
                      peer.needless);
  }
  if (reply.text.starts_with("ERR max number of clients") || word != "ERR") {
    return refusal(peer, {.kind = Reply::Kind::error, .text = std::string(word == "ERR" ? reply.text : word)});
  }
  return make_error(ErrorCode::failed_precondition, "{} does not understand AUTH", peer.who);
}

Error select_refusal(const Peer& peer, unsigned database, const Reply& reply) {
  if (first_word(reply.text) != "ERR" || reply.text.starts_with("ERR max number of clients")) {
    return refusal(peer, reply);
  }
  return make_error(ErrorCode::invalid_argument, "{} has no database {}: {}", peer.who, database,
                    quote_reply(reply.text));
}

std::string auth_command(const Credentials& credentials) {
  if (credentials.user.empty()) return format_command({"AUTH", credentials.password});
  return format_command({"AUTH", credentials.user, credentials.password});
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, const Endpoint& endpoint)
    : transport_(std::move(transport)), name_(endpoint.to_text()) {}

Result<std::unique_ptr<Connection>> Connection::open(const ConnectionSettings& settings, const Endpoint& endpoint,
                                                     const Clock& clock, SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(auto transport, Transport::connect(endpoint, settings.tls.get(), clock, deadline));
  std::unique_ptr<Connection> connection(new Connection(std::move(transport), endpoint));
  ALDIS_TRY(connection->log_in(settings, deadline));
  return connection;
}

Result<void> Connection::log_in(const ConnectionSettings& settings, SteadyTime deadline) {
  const bool has_password = !settings.credentials.password.empty();
  const bool has_database = settings.database != 0;
  const Peer peer = peer_of(name_, settings.to_sentinel);
  std::string commands;
  if (has_password) commands += auth_command(settings.credentials);
  if (has_database) commands += format_command({"SELECT", std::to_string(settings.database)});
  commands += format_command({"CLIENT", "SETNAME", "aldis"});

  // A server that turns us away says why and closes, maybe before it has read anything: its answer counts.
  Result<void> sent = transport_->send(commands, deadline);
  if (has_password) {
    ALDIS_TRY_ASSIGN(const Reply reply, receive(deadline));
    if (reply.is_error()) return std::unexpected(give_up(auth_refusal(peer, reply)));
  }
  if (has_database) {
    ALDIS_TRY_ASSIGN(const Reply reply, receive(deadline));
    if (reply.is_error()) return std::unexpected(give_up(select_refusal(peer, settings.database, reply)));
  }
  ALDIS_TRY_ASSIGN(const Reply named, receive(deadline));
  const bool is_open = !named.is_error() || (first_word(named.text) != "NOAUTH" && first_word(named.text) != "DENIED" &&
                                             !named.text.starts_with("ERR max number of clients"));
  if (!is_open) return std::unexpected(give_up(refusal(peer, named)));  // other errors: it goes without a name
  return sent;
}

Error Connection::give_up(Error error) {
  usable_ = false;
  return error;
}

Result<void> Connection::send(std::string_view commands, SteadyTime deadline) {
  Result<void> sent = transport_->send(commands, deadline);
  if (!sent) usable_ = false;
  return sent;
}

Result<Reply> Connection::receive(SteadyTime deadline) {
  std::string bytes;
  for (;;) {
    ALDIS_TRY_ASSIGN(std::optional<Reply> reply, next_reply());
    if (reply) return *std::move(reply);
    bytes.clear();
    if (auto received = transport_->receive(bytes, deadline); !received) {
      return std::unexpected(give_up(std::move(received).error()));
    }
    reader_.feed(bytes);
  }
}

Result<std::vector<Reply>> Connection::exchange(std::string_view commands, std::size_t replies, SteadyTime deadline) {
  ALDIS_TRY(send(commands, deadline));
  std::vector<Reply> received;
  received.reserve(replies);
  while (received.size() < replies) {
    ALDIS_TRY_ASSIGN(Reply reply, receive(deadline));
    received.push_back(std::move(reply));
  }
  return received;
}

Result<std::optional<Reply>> Connection::receive_now() {
  std::string bytes;
  for (;;) {
    ALDIS_TRY_ASSIGN(std::optional<Reply> reply, next_reply());
    if (reply) return reply;
    bytes.clear();
    const Result<bool> received = transport_->receive_now(bytes);
    if (!received) return std::unexpected(give_up(received.error()));
    if (!*received) return std::nullopt;
    reader_.feed(bytes);
  }
}

Result<std::optional<Reply>> Connection::next_reply() {
  Result<std::optional<Reply>> reply = reader_.next();
  if (reply) return reply;
  Error error = std::move(reply).error();
  error.message = fmt::format("the server at {} {}", name_, error.message);
  return std::unexpected(give_up(std::move(error)));
}

bool Connection::is_quiet() {
  std::string bytes;
  if (usable_) {
    const Result<bool> received = transport_->receive_now(bytes);
    usable_ = received && !*received && reader_.is_at_rest();
  }
  return usable_;
}

}  // namespace aldis
