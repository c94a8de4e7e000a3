#pragma once
// Where the board lives, and whether that place is safe. Implemented in runtime_directory.cc.
//
// Model: `choose` is pure: the given directory, else /run/user/<uid>/aldis if /run/user/<uid> exists and is ours, else
// /dev/shm/aldis-<uid>. (XDG_RUNTIME_DIR is not asked: cron and ssh have none, and agents must meet.) `prepare` creates
// it 0700 and refuses one that somebody else made first. Errors: failed_precondition naming the path and the variable
// for a link, a foreign owner, a mode with group or other bits, or a network file system (nfs, cifs, smb, 9p, fuse,
// virtiofs, ceph, afs: the longest prefix in /proc/self/mountinfo decides; statfs would hang on a dead mount);
// resource_exhausted; permission_denied.

#include <string>

#include "aldis/result.h"

namespace aldis {

std::string choose_runtime_directory(const std::string& given);
Result<void> prepare_runtime_directory(const std::string& path);

}  // namespace aldis
