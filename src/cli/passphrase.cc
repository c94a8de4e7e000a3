#include "cli/passphrase.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "aldis/limits.h"
#include "cli/interruption.h"
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

std::unexpected<Reply> refused(std::string message) {
  return std::unexpected(fail_with(ExitCode::argument_error, kCodeInvalidArgument, std::move(message)));
}

Reply cancelled() {
  return fail_with(ExitCode::interrupted, kCodeCancelled, "no passphrase was given: ended by Ctrl-C");
}

class Question {
 public:
  Question(const Invocation& invocation, const FileDescriptor& terminal, const std::stop_token& stop)
      : invocation_(invocation), terminal_(terminal), stop_(stop) {}

  std::expected<Passphrase, Reply> ask(const std::string& prompt) const {
    const TerminalMode keys(terminal_.get());  // first: what is typed early is not shown
    say(terminal_, prompt);
    std::expected<Passphrase, Reply> passphrase = read(keys);
    say(terminal_, "\n");
    return passphrase;
  }

 private:
  std::expected<Passphrase, Reply> read(const TerminalMode& keys) const {
    Passphrase passphrase;
    for (;;) {
      const std::optional<char> key = keys.read_key(kTick);
      if (key == kControlC) return std::unexpected(cancelled());
      if (std::optional<Reply> end = find_end(keys)) return std::unexpected(*std::move(end));
      if (!key) continue;
      if (key == '\n' || key == '\r' || key == kControlD) return passphrase;
      if (key == kBackspace || key == '\b') {
        passphrase.remove_last_character();
      } else if (key == kControlU) {
        passphrase.clear();
      } else {
        passphrase.add(*key);
      }
    }
  }

  // Why nobody is to be asked any longer. Whoever can stop this takes the signals, and counts the time.
  std::optional<Reply> find_end(const TerminalMode& keys) const {
    if (!stop_.stop_possible()) {
      if (const std::optional<int> signal = keys.take_signal()) return cancelled_by(*signal);
      const auto& timeout = invocation_.settings.timeout;
      if (timeout && invocation_.clock.steady_now() - invocation_.started >= *timeout) return out_of_time();
    }
    if (stop_.stop_requested() || keys.is_ending()) return cancelled();
    return std::nullopt;
  }

  const Invocation& invocation_;
  const FileDescriptor& terminal_;
  const std::stop_token& stop_;
};

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
  const Question question(invocation, terminal, stop);
  std::expected<Passphrase, Reply> passphrase = question.ask(fmt::format("passphrase of {}: ", approver));
  if (!passphrase) return passphrase;
  if (asking == Asking::twice) {
    const std::expected<Passphrase, Reply> again = question.ask("the same again: ");
    if (!again) return std::unexpected(again.error());
    if (again->text() != passphrase->text()) return refused("the two passphrases differ");
  }
  return check(*std::move(passphrase));
}

}  // namespace aldis::cli
