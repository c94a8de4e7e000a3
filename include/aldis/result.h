#pragma once
// A value or an Error: what every fallible call of the library returns. Header only.
//
// Model: std::expected<T, Error> that the compiler does not let you drop. Test it like a pointer, read the value with
// `*result`, the error with `result.error()`. Nothing throws across the API; `value()` on an error is the one exception
// (std::bad_expected_access), so test first.

#include <expected>

#include "aldis/error.h"

namespace aldis {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

}  // namespace aldis
