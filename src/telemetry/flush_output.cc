#include "telemetry/flush_output.h"

#include <cstdio>
#include <iostream>

namespace aldis::telemetry {
namespace {

// Through a stream of our own: the program may have asked its streams to throw.
void flush_buffer_of(const std::ostream& stream) { std::ostream(stream.rdbuf()).flush(); }

}  // namespace

void flush_output() {
  flush_buffer_of(std::cout);
  flush_buffer_of(std::cerr);
  flush_buffer_of(std::clog);
  std::fflush(stdout);
  std::fflush(stderr);
}

}  // namespace aldis::telemetry
