#pragma once
// Reads typed values from a parsed command line, and collects everything that is wrong with them. Used by each command
// before it touches anything; implemented in arguments.cc.
//
// Model: a reader that finds a bad value notes a problem and answers something harmless; the command asks `problems()`
// once, at the end, and answers them all together.
// Threads: one thread.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/json.h"
#include "cli/command_line.h"

namespace aldis::cli {

struct SecondsBounds {
  std::chrono::nanoseconds least;  // inclusive, both
  std::chrono::nanoseconds most;
};

SecondsBounds wait_bounds();      // 0 to limits::kWaitMax
SecondsBounds positive_bounds();  // more than 0, to limits::kWaitMax
SecondsBounds ttl_bounds();       // of a signal
SecondsBounds lease_bounds();     // of a heartbeat

class Arguments {
 public:
  explicit Arguments(ParsedCommandLine parsed) : parsed_(std::move(parsed)) {}

  bool has(std::string_view option) const;
  std::optional<std::string> text(std::string_view option) const;
  std::vector<std::string> texts(std::string_view option) const;
  const std::vector<std::string>& positionals() const { return parsed_.arguments; }
  std::string positional(std::size_t index) const;  // empty if there is none

  // Each notes a problem for a value that is no number or outside its bounds.
  std::optional<std::chrono::nanoseconds> seconds(std::string_view option, const SecondsBounds& bounds);
  std::optional<double> fraction(std::string_view option);  // 0–1
  std::optional<std::int64_t> integer(std::string_view option, std::int64_t least, std::int64_t most);

  // JSON; `files` allows @FILE and - (standard input) too. Absent: the empty object.
  Json json(std::string_view option, bool files);

  // Notes a problem unless `value` is a name (contract: "Names").
  void check_name(std::string_view what, std::string_view value);
  void check_text(std::string_view what, std::string_view value, std::size_t bytes_max);

  void add_problem(std::string problem) { parsed_.problems.push_back(std::move(problem)); }
  const std::vector<std::string>& problems() const { return parsed_.problems; }

 private:
  ParsedCommandLine parsed_;
};

// 0 < text, as a number of seconds; nothing if it is none. Used for the config file too.
std::optional<double> parse_finite_number(std::string_view text);

}  // namespace aldis::cli
