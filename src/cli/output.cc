#include "cli/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/exit_codes.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

constexpr int kColumnsMin = 40;

bool write_all(int descriptor, std::string_view text) {
  // From here on a reader that went away is an error code, not a signal. Not earlier: `run` hands its signal
  // dispositions to the program that it runs.
  std::signal(SIGPIPE, SIG_IGN);
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      // The open file is non-blocking because somebody who shares it wants it so; we do not.
      pollfd room{descriptor, POLLOUT, 0};
      poll(&room, 1, -1);
      continue;
    }
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string_view escape_sequence(Colour colour) {
  switch (colour) {
    case Colour::none:
      break;
    case Colour::bold:
      return "\x1b[1m";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::cyan:
      return "\x1b[36m";
  }
  return {};
}

}  // namespace

TerminalFacts examine_stdout() {
  TerminalFacts facts;
  winsize size{};
  facts.is_terminal = isatty(STDOUT_FILENO) == 1;
  if (facts.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= kColumnsMin) {
    facts.columns = size.ws_col;
  }
  return facts;
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

OutputStyle choose_style(std::string_view wanted, const EnvironmentSnapshot& environment,
                         const TerminalFacts& terminal) {
  OutputStyle style;
  style.columns = terminal.columns;
  const bool automated = runs_in_ci(environment) || environment.contains("NO_COLOR");
  style.colour = terminal.is_terminal && allows_colour(environment);
  if (wanted == "table") {
    style.format = Format::table;
  } else if (wanted == "jsonl") {
    style.format = Format::jsonl;
  } else if (wanted == "json") {
    style.format = Format::json;
  } else {
    style.format = terminal.is_terminal && !automated ? Format::table : Format::json;
  }
  return style;
}

std::string paint(const OutputStyle& style, Colour colour, std::string_view text) {
  const std::string_view sequence = style.colour ? escape_sequence(colour) : std::string_view{};
  return sequence.empty() ? std::string(text) : fmt::format("{}{}\x1b[0m", sequence, text);
}

void keep_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Not inherited: the program of `run` finds closed what was closed.
    if (fcntl(descriptor, F_GETFD) < 0) static_cast<void>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
}

std::string json_line(std::string json) {
  for (char& c : json) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return json + '\n';
}

void write_stdout(std::string_view text) {
  if (!write_answer(text, 0)) _exit(static_cast<int>(ExitCode::success));
}

bool write_answer(std::string_view text, int exit_code) {
  if (write_all(STDOUT_FILENO, text)) return true;
  if (errno == EPIPE) return false;
  write_stderr(fmt::format("aldis: cannot write to standard output: {}\n", std::strerror(errno)));
  _exit(exit_code != 0 ? exit_code : static_cast<int>(ExitCode::general_error));
}

void write_stderr(std::string_view text) { static_cast<void>(write_all(STDERR_FILENO, text)); }

}  // namespace aldis::cli
