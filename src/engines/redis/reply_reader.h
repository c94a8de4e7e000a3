#pragma once
// Turns the bytes that a server sends into replies. Used by connection.cc; implemented in reply_reader.cc by hiredis.
//
// Model: feed bytes as they come, in pieces of any size, and take the replies that are complete. Any bytes are borne.
// After an error nothing more can be read: the connection is to be closed. Threads: one. Errors: unavailable for what
// is no RESP, or beyond the limits; the message lacks its subject, the server. Limits: kRedisReplyBytesMax,
// kRedisReplyElementsMax, kRedisReplyLineBytesMax.

#include <memory>
#include <optional>
#include <string_view>

#include "aldis/result.h"
#include "engines/redis/reply.h"

namespace aldis {

class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(ReplyReader&&) noexcept;
  ReplyReader& operator=(ReplyReader&&) noexcept;

  void feed(std::string_view bytes);

  // Nothing: the next reply needs more bytes.
  Result<std::optional<Reply>> next();

  // Between replies, with no bytes left.
  bool is_at_rest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aldis
