#pragma once
// The wall clock of redis-servers, in the hands of a test. Implemented in clock_file.cc; stopped_clock.c is the other
// side.
//
// Model: the clock stands still until it is set or advanced, forwards or backwards; every server that was started with
// it (RedisServerOptions::clock) sees the change at its next command. Threads: safe from any thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "aldis/time.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {

class ClockFile {
 public:
  // As FakeClock's first moment.
  static constexpr WallTime kStart{std::chrono::microseconds{1'790'000'000'000'000}};

  ClockFile();
  ~ClockFile();
  ClockFile(const ClockFile&) = delete;
  ClockFile& operator=(const ClockFile&) = delete;

  WallTime now() const;
  void set(WallTime time);
  void advance(std::chrono::microseconds by);

  // What a server needs in its environment.
  std::map<std::string, std::string, std::less<>> environment() const;

 private:
  ScratchDirectory directory_;
  std::int64_t* microseconds_ = nullptr;
};

}  // namespace aldis::testing
