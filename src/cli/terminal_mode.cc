#include "cli/terminal_mode.h"

namespace aldis::cli {

TerminalMode::TerminalMode(int terminal, Kind kind) : terminal_(terminal) {
  changed_ = tcgetattr(terminal_, &before_) == 0;
  if (!changed_) return;
  termios mode = before_;
  const tcflag_t off = ECHO | ISIG | (kind == Kind::keys ? ICANON : tcflag_t{0});
  mode.c_lflag &= ~off;
  tcsetattr(terminal_, TCSAFLUSH, &mode);
}

TerminalMode::~TerminalMode() {
  if (changed_) tcsetattr(terminal_, TCSADRAIN, &before_);
}

}  // namespace aldis::cli
