#pragma once
// Asks for the passphrase of an approver's key. Used by `aldis approvals` and `aldis approvers`; implemented in
// passphrase.cc.
//
// Model: from the file of --passphrase-file ("-": standard input), without the line break at its end; else from the
// terminal, which does not show it. Where standard input is no terminal nobody is asked: INPUT_REQUIRED. Threads: one
// thread. Errors: as a Reply, ready to be answered.

#include <expected>
#include <string>
#include <string_view>

#include "cli/invocation.h"

namespace aldis::cli {

inline constexpr OptionSpec kPassphraseFile{
    .name = "--passphrase-file",
    .value = "FILE|-",
    .help = "Where the passphrase of the key is; without it the terminal is asked"};

enum class Asking { once, twice };  // twice: for a new one

std::expected<std::string, Reply> read_passphrase(const Invocation& invocation, std::string_view approver,
                                                  Asking asking);

}  // namespace aldis::cli
