#include "cli/passphrase.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "aldis/limits.h"
#include "cli/read_input.h"
#include "cli/terminal_mode.h"
#include "cli/terminal_text.h"
#include "core/file_descriptor.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

constexpr std::chrono::milliseconds kTick{100};

void say(const FileDescriptor& terminal, std::string_view text) {
  static_cast<void>(!::write(terminal.get(), text.data(), text.size()));
}

// None: Ctrl-C, or something ends the program.
std::optional<Passphrase> ask(const FileDescriptor& terminal, const std::string& prompt, const std::stop_token& stop) {
  const TerminalMode keys(terminal.get());  // first: what is typed early is not shown
  say(terminal, prompt);
  Passphrase passphrase;
  for (;;) {
    const std::optional<char> key = keys.read_key(kTick);
    if (key == kControlC || stop.stop_requested() || keys.is_ending()) break;
    if (!key) continue;
    if (key == '\n' || key == '\r' || key == kControlD) {
      say(terminal, "\n");
      return passphrase;
    }
    if (key == kBackspace || key == '\b') {
      passphrase.remove_last_character();
    } else if (key == kControlU) {
      passphrase.clear();
    } else {
      passphrase.add(*key);
    }
  }
  say(terminal, "\n");
  return std::nullopt;
}

std::unexpected<Reply> refused(std::string message) {
  return std::unexpected(fail_with(ExitCode::argument_error, kCodeInvalidArgument, std::move(message)));
}

std::unexpected<Reply> cancelled() {
  return std::unexpected(fail_with(ExitCode::interrupted, kCodeCancelled, "no passphrase was given: ended by Ctrl-C"));
}

std::expected<Passphrase, Reply> check(Passphrase passphrase) {
  if (passphrase.text().empty()) return refused("no passphrase was given");
  if (passphrase.text().size() > limits::kPassphraseBytesMax) {
    return refused(fmt::format("the passphrase is longer than {} bytes", limits::kPassphraseBytesMax));
  }
  return passphrase;
}

std::expected<Passphrase, Reply> read_from_file(const std::string& file) {
  Result<std::string> content = read_input(file == "-" ? file : "@" + file, limits::kPassphraseBytesMax + 1);
  if (!content) return std::unexpected(fail_with(content.error()));
  Passphrase passphrase;
  std::string_view line = *content;
  if (line.ends_with('\n')) line.remove_suffix(1);
  for (const char c : line) passphrase.add(c);
  explicit_bzero(content->data(), content->size());
  return check(std::move(passphrase));
}

}  // namespace

Passphrase::Passphrase() { text_.reserve(limits::kPassphraseBytesMax + 1); }

Passphrase::~Passphrase() { explicit_bzero(text_.data(), text_.capacity()); }

void Passphrase::add(char c) {
  if (text_.size() <= limits::kPassphraseBytesMax) text_ += c;
}

void Passphrase::remove_last_character() { cli::remove_last_character(text_); }

void Passphrase::clear() { text_.clear(); }

std::expected<Passphrase, Reply> read_passphrase(const Invocation& invocation, std::string_view approver, Asking asking,
                                                 const std::stop_token& stop) {
  prctl(PR_SET_DUMPABLE, 0);
  if (const auto file = invocation.arguments.text(kPassphraseFile.name)) return read_from_file(*file);
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (isatty(STDIN_FILENO) != 1 || !terminal.is_open()) {
    Reply reply = fail_with(ExitCode::precondition, kCodeInputRequired,
                            fmt::format("the key of {} needs its passphrase, and nobody can be asked here", approver));
    reply.failure->suggestion = "give it with --passphrase-file FILE (or - for standard input)";
    return std::unexpected(std::move(reply));
  }
  std::optional<Passphrase> passphrase = ask(terminal, fmt::format("passphrase of {}: ", approver), stop);
  if (!passphrase) return cancelled();
  if (asking == Asking::twice) {
    const std::optional<Passphrase> again = ask(terminal, "the same again: ", stop);
    if (!again) return cancelled();
    if (again->text() != passphrase->text()) return refused("the two passphrases differ");
  }
  return check(*std::move(passphrase));
}

}  // namespace aldis::cli
