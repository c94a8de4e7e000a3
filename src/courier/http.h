#pragma once
// HTTP for the courier. Implemented in http.cc, the only file that knows libcurl, which is loaded when an object is
// made: a linked one would be loaded before the timer that ends this process is armed.
//
// Model: redirects are never followed, only http and https are spoken, TLS is verified, no netrc, no cookies, answers
// are read up to a limit. Proxies (never for a loopback host) and certificate files come from the environment that the
// tool passed on. Threads: one. Errors: unavailable if libcurl cannot be loaded.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aldis/result.h"
#include "core/environment.h"
#include "courier/verdict.h"

namespace aldis::courier {

struct HttpRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool post = false;
  std::size_t answer_bytes_max = 0;
};

class Http {
 public:
  static Result<Http> load(const Environment& environment);
  Http(Http&&) noexcept;
  Http& operator=(Http&&) noexcept;
  ~Http();

  HttpAnswer send(const HttpRequest& request);

 private:
  struct Curl;
  explicit Http(std::unique_ptr<Curl> curl);
  std::unique_ptr<Curl> curl_;
};

}  // namespace aldis::courier
