#pragma once
// An HTTP server of a test: answers as the test says, badly above all. Used by the process tests of the courier;
// implemented in http_server.cc.
//
// Model: a thread listens on a free port of 127.0.0.1 and serves one connection after the other, each for as many
// requests as its client sends. The answer function runs in that thread. Threads: safe from any thread.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/file_descriptor.h"

namespace aldis::testing {

struct Received {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
};

struct Reply {
  enum class Then { wait, hang_up, stay_silent, repeat_for_ever };

  std::string bytes;
  Then then = Then::wait;
};

// A whole answer: "200 OK", further header lines with their \r\n, and a body.
Reply reply(std::string_view status, std::string_view headers = {}, std::string_view body = {});
Reply json_reply(std::string_view body = "{}");

class HttpServer {
 public:
  using Answer = std::function<Reply(const Received&)>;

  explicit HttpServer(Answer answer = [](const Received&) { return json_reply(); });
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // From the next request on.
  void answer_with(const Reply& reply);

  std::string url(std::string_view path = "/v1/logs") const;
  std::vector<Received> received() const;
  int connections() const { return connections_; }

 private:
  void serve();
  void talk(int connection);
  Reply answer_to(Received request);
  bool follow(const Reply& reply, int connection);
  bool send_all(int connection, std::string_view bytes);
  bool wait_for(int descriptor, short what);  // false: the server is to end

  FileDescriptor listener_;
  FileDescriptor end_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;  // of the two below
  Answer answer_;
  std::vector<Received> received_;
  std::thread thread_;
};

}  // namespace aldis::testing
