#include "cli/passphrase.h"

#include <fcntl.h>
#include <unistd.h>

#include "aldis/limits.h"
#include "cli/read_input.h"
#include "cli/terminal_mode.h"
#include "core/file_descriptor.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::string ask(const FileDescriptor& terminal, const std::string& prompt) {
  const TerminalMode silent(terminal.get(), TerminalMode::Kind::silent);  // first: what is typed early is not shown
  static_cast<void>(!::write(terminal.get(), prompt.data(), prompt.size()));
  std::string line;
  char c = 0;
  while (line.size() <= limits::kPassphraseBytesMax && ::read(terminal.get(), &c, 1) == 1 && c != '\n') {
    if (c == kControlC) return {};
    line += c;
  }
  static_cast<void>(!::write(terminal.get(), "\n", 1));
  return line;
}

std::unexpected<Reply> refused(std::string message) {
  return std::unexpected(fail_with(ExitCode::argument_error, kCodeInvalidArgument, std::move(message)));
}

std::expected<std::string, Reply> check(std::string passphrase) {
  if (passphrase.empty()) return refused("no passphrase was given");
  if (passphrase.size() > limits::kPassphraseBytesMax) {
    return refused(fmt::format("the passphrase is longer than {} bytes", limits::kPassphraseBytesMax));
  }
  return passphrase;
}

}  // namespace

std::expected<std::string, Reply> read_passphrase(const Invocation& invocation, std::string_view approver,
                                                  Asking asking) {
  if (const auto file = invocation.arguments.text(kPassphraseFile.name)) {
    Result<std::string> content = read_input(*file == "-" ? *file : "@" + *file, limits::kPassphraseBytesMax + 1);
    if (!content) return std::unexpected(fail_with(content.error()));
    if (content->ends_with('\n')) content->pop_back();
    return check(*std::move(content));
  }
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (isatty(STDIN_FILENO) != 1 || !terminal.is_open()) {
    Reply reply = fail_with(ExitCode::precondition, kCodeInputRequired,
                            fmt::format("the key of {} needs its passphrase, and nobody can be asked here", approver));
    reply.failure->suggestion = "give it with --passphrase-file FILE (or - for standard input)";
    return std::unexpected(std::move(reply));
  }
  std::string passphrase = ask(terminal, fmt::format("passphrase of {}: ", approver));
  if (asking == Asking::twice && ask(terminal, "the same again: ") != passphrase) {
    return refused("the two passphrases differ");
  }
  return check(std::move(passphrase));
}

}  // namespace aldis::cli
