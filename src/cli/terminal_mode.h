#pragma once
// A terminal that hands over each key and shows none, for a while. Used where people are asked; implemented in
// terminal_mode.cc.
//
// Model: the keys for signals are characters too: kControlC is Ctrl-C. What was typed before is thrown away, and so is
// what is left over when this goes and the terminal is as it was. No signal ends the program in between: those that
// would wait until then. Threads: one thread, and no other may be open to signals. Errors: what is no terminal is left
// alone.

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <optional>

namespace aldis::cli {

class TerminalMode {
 public:
  explicit TerminalMode(int terminal);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  // One that is typed within this time. kControlD where nothing can be typed any more.
  std::optional<char> read_key(std::chrono::milliseconds at_most) const;
  // Throws away what was typed and not read.
  void forget_keys() const;
  // SIGINT or SIGTERM, if one waits: it ends the program no more, which is for the caller to do in order.
  std::optional<int> take_signal() const;
  // A signal waits that will end the program.
  bool is_ending() const;

 private:
  const int terminal_;
  termios before_{};
  bool changed_ = false;
  sigset_t ending_{};
  sigset_t blocked_before_{};
};

inline constexpr char kControlC = '\x03';
inline constexpr char kControlD = '\x04';
inline constexpr char kControlU = '\x15';
inline constexpr char kBackspace = '\x7f';

}  // namespace aldis::cli
