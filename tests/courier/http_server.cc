#include "courier/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>

#include "core/format.h"

namespace aldis::testing {
namespace {

std::string small(std::string text) {
  for (char& character : text) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return text;
}

// Takes a whole request from the front of `bytes`; none: more has to come.
std::optional<Received> take_request(std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  Received request;
  const std::string head = bytes.substr(0, end + 2);
  std::size_t at = head.find("\r\n") + 2;
  const std::string first = head.substr(0, at - 2);
  request.method = first.substr(0, first.find(' '));
  request.target = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
  while (at < head.size()) {
    const std::size_t line_end = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    request.headers[small(head.substr(at, colon - at))] = head.substr(colon + 2, line_end - colon - 2);
    at = line_end + 2;
  }
  std::size_t length = 0;
  if (const auto found = request.headers.find("content-length"); found != request.headers.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), length);
  }
  if (bytes.size() < end + 4 + length) return std::nullopt;
  request.body = bytes.substr(end + 4, length);
  bytes.erase(0, end + 4 + length);
  return request;
}

}  // namespace

Reply reply(std::string_view status, std::string_view headers, std::string_view body) {
  return {fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body)};
}

Reply json_reply(std::string_view body) { return reply("200 OK", "Content-Type: application/json\r\n", body); }

HttpServer::HttpServer(Answer answer)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      end_(eventfd(0, EFD_CLOEXEC)),
      answer_(std::move(answer)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener_.get(), generic, size), 0);
  EXPECT_EQ(listen(listener_.get(), 64), 0);
  EXPECT_EQ(getsockname(listener_.get(), generic, &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  eventfd_write(end_.get(), 1);
  thread_.join();
}

void HttpServer::answer_with(const Reply& reply) {
  const std::scoped_lock lock(mutex_);
  answer_ = [reply](const Received&) { return reply; };
}

std::string HttpServer::url(std::string_view path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }

std::vector<Received> HttpServer::received() const {
  const std::scoped_lock lock(mutex_);
  return received_;
}

bool HttpServer::wait_for(int descriptor, short what) {
  std::array<pollfd, 2> watched = {pollfd{descriptor, what, 0}, pollfd{end_.get(), POLLIN, 0}};
  while (poll(watched.data(), watched.size(), -1) < 0) {
  }
  return watched[1].revents == 0;
}

void HttpServer::serve() {
  while (wait_for(listener_.get(), POLLIN)) {
    const FileDescriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.is_open()) continue;
    ++connections_;
    talk(connection.get());
  }
}

void HttpServer::talk(int connection) {
  std::string bytes;
  while (wait_for(connection, POLLIN)) {
    std::array<char, 65536> buffer;
    const ssize_t count = read(connection, buffer.data(), buffer.size());
    if (count <= 0) return;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
    while (auto request = take_request(bytes)) {
      if (!follow(answer_to(*std::move(request)), connection)) return;
    }
  }
}

Reply HttpServer::answer_to(Received request) {
  Answer answer;
  {
    const std::scoped_lock lock(mutex_);
    received_.push_back(request);
    answer = answer_;
  }
  return answer(request);
}

bool HttpServer::follow(const Reply& reply, int connection) {
  if (!send_all(connection, reply.bytes)) return false;
  switch (reply.then) {
    case Reply::Then::wait:
    case Reply::Then::stay_silent:  // until the client is gone
      return true;
    case Reply::Then::hang_up:
      return false;
    case Reply::Then::repeat_for_ever:
      while (send_all(connection, reply.bytes)) {
      }
      return false;
  }
  return false;
}

bool HttpServer::send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(connection, POLLOUT)) return false;
    const ssize_t count = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace aldis::testing
