#pragma once
// Any bytes as what a script answered: lines are texts, a form feed begins an array in the array.

#include <algorithm>
#include <string>
#include <string_view>

#include "engines/redis/reply.h"

namespace aldis::fuzz {

inline Reply texts(std::string_view lines) {
  Reply array{.kind = Reply::Kind::array};
  for (std::size_t begin = 0; begin <= lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    array.elements.push_back({.kind = Reply::Kind::text, .text = std::string(lines.substr(begin, end - begin))});
    begin = end + 1;
  }
  return array;
}

inline Reply answer_in(std::string_view bytes) {
  const std::size_t first_end = std::min(bytes.find('\f'), bytes.size());
  Reply answer = texts(bytes.substr(0, first_end));
  for (std::size_t begin = first_end + 1; begin <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('\f', begin), bytes.size());
    answer.elements.push_back(texts(bytes.substr(begin, end - begin)));
    begin = end + 1;
  }
  return answer;
}

}  // namespace aldis::fuzz
