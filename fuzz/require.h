#pragma once
// What a fuzz target promises of every input: a broken promise stops the program, and libFuzzer keeps the input.

#include <cstdlib>

namespace aldis::fuzz {

inline void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace aldis::fuzz
