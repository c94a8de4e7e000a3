#include "redis/admin.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/file_descriptor.h"

namespace aldis::testing {
namespace {

constexpr timeval kPatience{.tv_sec = 20, .tv_usec = 0};

FileDescriptor connected_to(const std::string& path) {
  FileDescriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return connection;
}

bool send_all(const FileDescriptor& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string encoded(const Words& command) {
  std::string bytes = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& word : command) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return bytes;
}

class Answers {
 public:
  explicit Answers(const FileDescriptor& connection) : connection_(connection) {}

  std::optional<std::string> next() {
    const auto head = line();
    if (!head || head->empty()) return std::nullopt;
    const std::string rest = head->substr(1);
    if (head->front() == '$') return rest == "-1" ? std::string() : bulk(std::stoul(rest));
    if (head->front() == '*') return array(std::stol(rest));
    return rest;  // a status, an error, an integer
  }

 private:
  std::optional<std::string> line() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return text;
  }

  std::optional<std::string> bulk(std::size_t size) {
    while (buffer_.size() < size + 2) {
      if (!read_more()) return std::nullopt;
    }
    std::string text = buffer_.substr(0, size);
    buffer_.erase(0, size + 2);
    return text;
  }

  std::optional<std::string> array(long count) {
    std::string text;
    for (long i = 0; i < count; ++i) {
      const auto element = next();
      if (!element) return std::nullopt;
      text += (i == 0 ? "" : "\n") + *element;
    }
    return text;
  }

  bool read_more() {
    std::array<char, 65536> bytes{};
    const ssize_t count = ::recv(connection_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  const FileDescriptor& connection_;
  std::string buffer_;
};

}  // namespace

std::optional<std::string> ask(const std::string& socket_path, std::span<const Words> commands) {
  const FileDescriptor connection = connected_to(socket_path);
  if (!connection.is_open()) return std::nullopt;
  Answers answers(connection);
  std::optional<std::string> answer;
  for (const Words& command : commands) {
    if (!send_all(connection, encoded(command)) || !(answer = answers.next())) return std::nullopt;
  }
  return answer;
}

}  // namespace aldis::testing
