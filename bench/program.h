#pragma once
// Starting programs as fresh processes. Implemented in program.cc. Stops the benchmark when one fails.

#include <string>
#include <vector>

namespace aldis::bench {

using Words = std::vector<std::string>;

// Runs a program to its end with its output thrown away.
void run_program(Words words, Words variables);

// Runs a program with its stdout on a pipe; returns when that has ended, as `$(…)` does, and then waits for the
// program.
void read_program(Words words, Words variables);

}  // namespace aldis::bench
