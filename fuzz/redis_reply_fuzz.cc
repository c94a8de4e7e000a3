// Any bytes as what a Redis server sends: replies or an error, and the same ones in pieces of any size. The first byte
// is the size of the pieces.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "aldis/limits.h"
#include "engines/redis/reply_reader.h"
#include "require.h"

using aldis::Reply;
using aldis::ReplyReader;
using aldis::fuzz::require;

namespace {

struct Heard {
  std::vector<Reply> replies;
  bool failed = false;

  bool operator==(const Heard&) const = default;
};

// False: an error came, after which nothing more may be read.
bool take_replies(ReplyReader& reader, Heard& heard) {
  for (;;) {
    auto reply = reader.next();
    heard.failed = !reply;
    if (heard.failed) {
      require(reply.error().code == aldis::ErrorCode::unavailable);
      require(!reader.next() && !reader.is_at_rest());
      return false;
    }
    if (!*reply) return true;
    heard.replies.push_back(**std::move(reply));
  }
}

Heard listen(std::string_view bytes, std::size_t piece) {
  ReplyReader reader;
  Heard heard;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    if (!take_replies(reader, heard)) break;
  }
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Heard whole = listen(bytes, std::max<std::size_t>(bytes.size(), 1));
  require(whole == listen(bytes, std::size_t{data[0]} + 1));
  return 0;
}
