#pragma once
// A stream of bytes to a Redis server: TCP or a Unix socket, clear or TLS. Used by connection.cc; implemented in
// transport.cc.
//
// Model: the socket never blocks; each call waits for it until its deadline and no longer. No call raises SIGPIPE, and
// the destructor only closes the descriptor, which is 3 or more. A host's addresses are tried one after the other, each
// for a fair share of the time. After an error the stream is dead.
// Threads: one at a time. Errors: unavailable (refused, no such socket, closed, out of time; the message names the
// server and what to look at); permission_denied for a Unix socket; those of tls.h; resource_exhausted (descriptors,
// threads).

#include <memory>
#include <string>
#include <string_view>

#include "aldis/result.h"
#include "core/clock.h"
#include "core/file_descriptor.h"
#include "engines/redis/endpoint.h"
#include "engines/redis/tls.h"

namespace aldis {

class Transport {
 public:
  // `tls` may be null: clear text. The clock outlives the transport.
  static Result<std::unique_ptr<Transport>> connect(const Endpoint& endpoint, const TlsContext* tls, const Clock& clock,
                                                    SteadyTime deadline);

  // All of it.
  Result<void> send(std::string_view bytes, SteadyTime deadline);

  // Appends at least one byte; returns how many.
  Result<std::size_t> receive(std::string& out, SteadyTime deadline);

  // Appends what is there, without waiting. False: nothing.
  Result<bool> receive_now(std::string& out);

  // For poll: readable when receive_now may find something.
  int descriptor() const { return socket_.get(); }

 private:
  Transport(FileDescriptor socket, const Endpoint& endpoint, const Clock& clock);

  Result<void> start_tls(const TlsContext& context, const std::string& host, SteadyTime deadline);
  Result<void> send_raw(std::string_view bytes, SteadyTime deadline);
  Result<std::size_t> receive_raw(std::string& out, SteadyTime deadline);
  Result<std::size_t> receive_raw_once(std::string& out, int flags);  // 0: nothing came
  Error lost(int reason) const;                                       // an errno; 0: the other side ended it
  Result<void> named(Result<void> result) const;                      // an error of the session with the server's name

  FileDescriptor socket_;
  std::string name_;
  bool may_want_tls_;  // clear, over TCP, and nothing came yet
  const Clock& clock_;
  std::unique_ptr<TlsSession> tls_ = nullptr;
};

}  // namespace aldis
