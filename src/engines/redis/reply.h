#pragma once
// What a Redis server answers (RESP2), as a value of our own. Header only; made by reply_reader.h.

#include <cstdint>
#include <string>
#include <vector>

namespace aldis {

struct Reply {
  enum class Kind { nil, status, error, integer, text, array };

  Kind kind = Kind::nil;
  std::string text = {};  // of a status, an error ("WRONGTYPE Operation…") or a text
  std::int64_t integer = 0;
  std::vector<Reply> elements = {};  // of an array

  bool is_nil() const { return kind == Kind::nil; }
  bool is_status() const { return kind == Kind::status; }
  bool is_error() const { return kind == Kind::error; }
  bool is_integer() const { return kind == Kind::integer; }
  bool is_text() const { return kind == Kind::text; }
  bool is_array() const { return kind == Kind::array; }

  bool operator==(const Reply&) const = default;
};

}  // namespace aldis
