#pragma once
// Runs the real executable in a place of its own. Used by all tests of the command line; implemented in program.cc.
//
// Model: a Sandbox has a runtime directory and a home that nobody else uses, and removes them. A program gets exactly
// the environment that is named here: PATH, HOME, ALDIS_RUNTIME_DIR and what the test adds. Threads: one thread.

#include <sys/types.h>

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/scratch_directory.h"

namespace aldis::testing {

using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

inline constexpr std::chrono::seconds kPatience{30};

struct Ended {
  int exit_code = 0;  // minus the signal, if one ended it
  std::string out;
  std::string err;

  boost::json::value json() const;                          // of stdout; fails the test if it is not one document
  boost::json::value at(std::string_view pointer) const;    // "/data/signal_id"
  std::string text(std::string_view pointer) const;         // of a string
  boost::json::array rows(std::string_view pointer) const;  // of a list
  Words keys(std::string_view pointer) const;               // of an object, in their order
  std::string raw(std::string_view before, std::string_view after) const;  // the bytes of stdout between the two
};

// A program that runs; killed when it goes.
class Running {
 public:
  Running(const Words& arguments, const Variables& environment, std::string_view input = {});
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Reads on until stdout holds `text`; false when it ended or took too long.
  bool wait_for_output(std::string_view text);
  bool wait_for_error(std::string_view text);  // likewise stderr
  const std::string& out() const { return ended_.out; }
  // Closes our end of its stdout, so that its next write fails.
  void close_output();
  Ended wait();        // until it has ended and its output is read to the end
  int wait_for_end();  // until it has ended, whoever still holds its output

 private:
  bool read_some();

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  bool reaped_ = false;
  Ended ended_;
};

class Sandbox {
 public:
  Sandbox();

  std::string directory() const { return directory_.path(); }
  std::string home() const;
  Variables environment(const Variables& more = {}) const;
  std::string write_file(const std::string& name, std::string_view content) const;  // its path

  // `more` is added to the environment; an empty value removes a variable.
  Ended aldis(const Words& arguments, const Variables& more = {}, std::string_view input = {}) const;
  Words command(const Words& arguments) const;  // with the executable in front

  // Runs until `aldis` answers with this exit code.
  Ended aldis_until(int exit_code, const Words& arguments, const Variables& more = {}) const;

 private:
  ScratchDirectory directory_;
};

// Returns once the process blocks this signal: then it is ready to heed it.
void wait_until_blocked(pid_t pid, int signal);
// Returns once some thread of the process does not: then it ends it.
void wait_until_open(pid_t pid, int signal);

// The program that tests let aldis run: see probe.cc.
std::string probe();

}  // namespace aldis::testing
