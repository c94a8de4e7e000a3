#pragma once
// A terminal that behaves otherwise for a while. Used where people are asked; implemented in terminal_mode.cc.
//
// Model: `silent` does not show what is typed, `keys` neither, and hands over each key at once. In both the keys for
// signals are characters, so that no signal ends the program while its terminal is so; "\x03" is Ctrl-C. Back to what
// it was when this goes. Threads: one thread. Errors: what is no terminal is left alone.

#include <termios.h>

namespace aldis::cli {

class TerminalMode {
 public:
  enum class Kind { silent, keys };
  TerminalMode(int terminal, Kind kind);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

 private:
  const int terminal_;
  termios before_{};
  bool changed_ = false;
};

inline constexpr char kControlC = '\x03';
inline constexpr char kControlD = '\x04';

}  // namespace aldis::cli
