#include "redis/server.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "redis/admin.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

constexpr std::string_view kAdministrator = "the-test";

ServerCommand command_of(const RedisServerOptions& options, const ScratchDirectory& directory) {
  ServerCommand command{.words = {"redis-server", directory.file("redis.conf")},
                        .environment = {},
                        .log_file = directory.file("log"),
                        .package = "redis-server"};
  if (options.role == RedisServerOptions::Role::sentinel) command.words.push_back("--sentinel");
  if (options.clock != nullptr) command.environment = options.clock->environment();
  return command;
}

Words tls_lines(const ServerTls& tls, std::uint16_t port) {
  return {"port 0",
          "tls-port " + std::to_string(port),
          "tls-ca-cert-file " + tls.authority,
          "tls-cert-file " + tls.identity.certificate,
          "tls-key-file " + tls.identity.key,
          std::string("tls-auth-clients ") + (tls.wants_client_certificate ? "yes" : "optional"),
          "tls-replication yes"};
}

Words listen_lines(const RedisServerOptions& options, std::uint16_t port) {
  using enum RedisServerOptions::Listen;
  if (options.listen == on_tls) return tls_lines(*options.tls, port);
  return {"port " + std::to_string(options.listen == on_tcp ? port : 0)};
}

// A replica has to say who it is to its master, too.
Words store_lines(const RedisServerOptions& options) {
  Words lines = {"save \"\"", "enable-debug-command yes", "repl-diskless-sync-delay 0"};
  if (options.append_only) lines.insert(lines.end(), {"appendonly yes", "appendfsync always"});
  if (!options.password.empty()) {
    lines.insert(lines.end(), {"requirepass " + options.password, "masterauth " + options.password});
  } else if (!options.acl.empty()) {
    lines.insert(lines.end(), {"masteruser " + std::string(kAdministrator), "masterauth any"});
  }
  return lines;
}

}  // namespace

RedisServer::RedisServer(RedisServerOptions options, Begin begin)
    : options_(std::move(options)), process_(command_of(options_, directory_)) {
  write_configuration();
  if (begin == Begin::later) return;
  start();
  wait_until_ready();
}

RedisServer::~RedisServer() { kill(); }

void RedisServer::write_configuration() const {
  Words lines = {"bind 127.0.0.1", "unixsocket " + socket_path(), "dir " + directory_.path(), "tcp-backlog 128"};
  const auto add = [&lines](const Words& more) { lines.insert(lines.end(), more.begin(), more.end()); };
  add(listen_lines(options_, port()));
  if (options_.role != RedisServerOptions::Role::sentinel) add(store_lines(options_));
  if (options_.role == RedisServerOptions::Role::cluster_node) {
    add({"cluster-enabled yes", "cluster-port " + std::to_string(bus_port())});
  }
  if (!options_.acl.empty()) {
    std::ofstream(file("users.acl")) << options_.acl << "\nuser " << kAdministrator << " on nopass ~* &* +@all\n";
    lines.push_back("aclfile " + file("users.acl"));
  }
  add(options_.lines);
  std::ofstream configuration(file("redis.conf"));
  for (const std::string& line : lines) configuration << line << '\n';
}

std::string RedisServer::address() const { return "127.0.0.1:" + std::to_string(port()); }

std::string RedisServer::socket_url() const { return "redis+unix://" + socket_path(); }

std::string RedisServer::url() const {
  using enum RedisServerOptions::Listen;
  if (options_.listen == on_socket) return socket_url();
  return (options_.listen == on_tls ? "rediss://" : "redis://") + address();
}

void RedisServer::start() { process_.start(); }

void RedisServer::kill() { process_.kill(); }

void RedisServer::stop() const { process_.signal(SIGSTOP); }

void RedisServer::go_on() const { process_.signal(SIGCONT); }

void RedisServer::restart() {
  kill();
  start();
  wait_until_ready();
}

void RedisServer::wait_until_ready() {
  bool has_ended = false;
  const bool is_ready = eventually([&] {
    has_ended = !process_.is_running();
    return has_ended || try_command({"PING"}) == "PONG";
  });
  if (has_ended || !is_ready) ADD_FAILURE() << "redis-server is not ready; it says:\n" << process_.log();
}

std::optional<std::string> RedisServer::try_command(const Words& words) const {
  std::vector<Words> commands;
  if (!options_.password.empty()) commands.push_back({"AUTH", options_.password});
  if (!options_.acl.empty()) commands.push_back({"AUTH", std::string(kAdministrator), "any"});
  commands.push_back(words);
  return ask(socket_path(), commands);
}

std::string RedisServer::command(const Words& words) const {
  const auto answer = try_command(words);
  EXPECT_TRUE(answer) << "no answer to " << words.front() << "; the server says:\n" << process_.log();
  return answer.value_or("");
}

std::string RedisServer::info(std::string_view field) const {
  return field_of(try_command({"INFO", "everything"}).value_or(""), field);
}

std::string field_of(std::string_view text, std::string_view name) {
  const std::string key = "\n" + std::string(name) + ":";
  const std::string lines = "\n" + std::string(text);
  const std::size_t found = lines.find(key);
  if (found == std::string::npos) return "";
  const std::size_t begin = found + key.size();
  return lines.substr(begin, lines.find_first_of("\r\n", begin) - begin);
}

}  // namespace aldis::testing
