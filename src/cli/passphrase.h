#pragma once
// Asks for the passphrase of an approver's key. Used by `aldis approvals` and `aldis approvers`; implemented in
// passphrase.cc.
//
// Model: from the file of --passphrase-file ("-": standard input), without the line break at its end; else from the
// terminal, which does not show it; Ctrl-C, SIGINT and SIGTERM there are CANCELLED, the end of --timeout is TIMEOUT,
// and the terminal is as it was. Where standard input is no terminal nobody is asked: INPUT_REQUIRED. From then on
// other processes of the user cannot look into this one, and nothing dumps it. Threads: one thread. Errors: as a Reply,
// ready to be answered.

#include <expected>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/invocation.h"

namespace aldis::cli {

inline constexpr OptionSpec kPassphraseFile{
    .name = "--passphrase-file",
    .value = "FILE|-",
    .help = "Where the passphrase of the key is; without it the terminal is asked"};

// Wiped when it goes, and never copied.
class Passphrase {
 public:
  Passphrase();
  ~Passphrase();
  Passphrase(Passphrase&&) = default;
  Passphrase& operator=(Passphrase&&) = delete;

  std::string_view text() const { return text_; }
  void add(char c);  // what is beyond limits::kPassphraseBytesMax by more than one byte is dropped
  void remove_last_character();
  void clear();

 private:
  std::string text_;  // of a capacity that it never outgrows
};

enum class Asking { once, twice };  // twice: for a new one

// `stop`: as Ctrl-C. Whoever gives one takes SIGINT and SIGTERM itself, as an Interruption does, and heeds --timeout.
std::expected<Passphrase, Reply> read_passphrase(const Invocation& invocation, std::string_view approver, Asking asking,
                                                 const std::stop_token& stop = {});

}  // namespace aldis::cli
