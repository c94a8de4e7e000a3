#pragma once
// TLS for connections to Redis. Used by transport.cc; implemented in tls.cc, the only file that knows OpenSSL's.
//
// Model: a context holds the authorities and our certificate, and serves any number of sessions. A session never
// touches a socket: bytes from the network go in by `receive`, bytes for it come out by `take_output`, so no write of
// OpenSSL's can raise SIGPIPE. The server's certificate is always verified, chain and name; TLS 1.2 is the oldest. No
// session says good-bye: in a forked child that would end the parent's. A fork waits until no other thread is in here
// (core/fork_hold.h), so the child can make its own whatever the parent's threads are at.
// Threads: a context from any thread; a session from one at a time. Errors: failed_precondition, permission_denied or
// invalid_argument for a file (named in the message) that is not there, not readable, or no certificate or key;
// failed_precondition when one side does not accept the certificate of the other; else unavailable.

#include <memory>
#include <string>
#include <string_view>

#include "aldis/result.h"
#include "engines/redis/redis_options.h"

namespace aldis {

class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> make(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct Handle;
  explicit TlsContext(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

class TlsSession {
 public:
  // `host` is the name or address that the server's certificate must be for.
  static Result<std::unique_ptr<TlsSession>> make(const TlsContext& context, const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // True: done. False: send the output, and receive more.
  Result<bool> shake_hands();

  void receive(std::string_view cipher);
  std::string take_output();

  // REQUIRES: hands are shaken.
  Result<void> encrypt(std::string_view plain);  // to the output
  Result<void> decrypt(std::string& plain);      // appends what is complete; unavailable when the server ended it

 private:
  struct Handle;
  TlsSession(std::unique_ptr<Handle> handle, std::string host);

  Error failure_of(int outcome) const;

  std::unique_ptr<Handle> handle_;
  std::string host_;
};

}  // namespace aldis
