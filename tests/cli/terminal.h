#pragma once
// A program on a pseudo-terminal, as a person would use it. Implemented in terminal.cc. Threads: one thread.

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "program.h"

namespace aldis::testing {

class Terminal {
 public:
  Terminal(const Words& arguments, const Variables& environment, unsigned short columns = 120);
  // What a child of this process does there; its exit code is what `body` answers.
  explicit Terminal(const std::function<int()>& body);
  ~Terminal();  // kills the program and hangs up
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view keys) const;
  // Reads on until `text` shows, from where the last call stopped; false when the program ended or took too long.
  bool shows(std::string_view text);
  const std::string& screen() const { return screen_; }  // all that was read
  int wait();                                            // its exit code, or minus the signal
  pid_t pid() const { return pid_; }
  bool echoes() const;  // what is typed

 private:
  bool read_some();

  pid_t pid_ = -1;
  int master_ = -1;
  bool reaped_ = false;
  std::size_t seen_ = 0;
  std::string screen_;
};

// What one command shows on a terminal, and its exit code.
Ended on_terminal(const Words& arguments, const Variables& environment, unsigned short columns = 120);

}  // namespace aldis::testing
