#pragma once
// What keeps the host alive when we run out of memory. Used by client.cc, hand_over.cc and telemetry_c.cc. Header only.
//
// Model: the library itself throws nothing, but the standard library does when there is no memory. The cancellation of
// a thread unwinds too; it is none of std::exception, and passes. Threads: safe from any thread.

#include <exception>

namespace aldis::telemetry {

// False: `work` was given up half-way.
template <class Work>
bool contained(const Work& work) {
  try {
    work();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace aldis::telemetry
