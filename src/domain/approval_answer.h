#pragma once
// What an approval store's answer is to whoever called the gate. Used by all of src/domain that calls one.
//
// Model: deadline_exceeded of the gate means one thing, that the patience of a waiter is over. A store that is busy for
// longer than a call may take is `unavailable`, as is one that cannot be reached: the same call may succeed later.

#include <utility>

#include "aldis/result.h"

namespace aldis {

template <class T>
Result<T> answer_of(Result<T> stored) {
  if (!stored && stored.error().code == ErrorCode::deadline_exceeded) {
    stored.error().code = ErrorCode::unavailable;
    stored.error().retryable = true;
  }
  return stored;
}

}  // namespace aldis
