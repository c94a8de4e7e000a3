#pragma once
// Timing: samples of single operations, their median and 99th percentile. Implemented in measure.cc.
//
// Model: Aldis and its yardstick run in alternating blocks of one run, so that a busy machine slows both alike.

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/clock.h"

namespace aldis::bench {

using Samples = std::vector<double>;  // nanoseconds

double percentile(Samples samples, double share);  // share 0.5: the median

// Times `operation` once; `batch` repeats are timed together for operations shorter than a clock reading.
double time_once(const std::function<void()>& operation, std::size_t batch = 1);

struct Work {
  std::function<void()> operation;
  std::function<void()> after_block = [] {};  // untimed: puts things back
};

struct Pair {
  Samples ours;
  Samples raw;
};

// `blocks` times: `block` operations of ours, then `block` of raw.
Pair alternate(const Work& ours, const Work& raw, std::size_t blocks, std::size_t block);

}  // namespace aldis::bench
