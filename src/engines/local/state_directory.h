#pragma once
// Where the ledger lives, and whether that place is safe. Used by ledger.cc and the wiring; implemented in
// state_directory.cc.
//
// Model: `choose`: the given directory, else .local/state/aldis in the home directory that the user database names.
// (ALDIS_STATE_DIR and XDG_STATE_HOME are asked at the edge.) `prepare` makes it 0700 and refuses one that somebody
// else made. Errors: failed_precondition naming the path and ALDIS_STATE_DIR for a link, a foreign owner, a mode that
// lets others in, or a network file system, where SQLite's locks do not hold; permission_denied; resource_exhausted.

#include <string>

#include "aldis/result.h"

namespace aldis {

// "" if nothing is given and the user database knows no home.
std::string choose_state_directory(const std::string& given);
Result<void> prepare_state_directory(const std::string& path);

// Touches nothing on a network file system, where it could wait for ever.
Result<void> refuse_network_state_directory(const std::string& path);

}  // namespace aldis
