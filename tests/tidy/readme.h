#pragma once
// The fenced code blocks of README.md, for the tests that run them. Implemented in readme.cc.

#include <string>
#include <string_view>
#include <vector>

namespace aldis::tidy {

struct FencedBlock {
  std::string language;  // "sh"
  std::string text;
  std::size_t line = 0;  // of its fence, from 1
  bool tested = false;   // the line before the fence is <!-- tested -->
};

std::vector<FencedBlock> fenced_blocks(std::string_view markdown);

}  // namespace aldis::tidy
