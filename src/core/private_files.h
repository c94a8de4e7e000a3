#pragma once
// Directories and files that are only ours, opened as if a hostile neighbour had been there first. Used by telemetry,
// the courier, and the keys of approvers; implemented in private_files.cc.
//
// Model: a directory is opened with O_DIRECTORY|O_NOFOLLOW and must be ours and closed to others; a file is opened
// below it with O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC and must be regular, ours, of one name. Descriptors are 3 or more: a
// caller that closed 0–2 finds none of ours there. Nothing blocks, on a FIFO either. Threads: safe from any thread.
// Errors: not_found; failed_precondition for what is not a directory or file of ours; permission_denied;
// resource_exhausted (no room, no descriptors).

#include <sys/types.h>

#include <string>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis {

// Takes what open, openat, pipe… returned and moves it to 3 or more: 0–2 may be free, and whoever prints there must not
// print into a file of ours. errno stays that of the failure.
FileDescriptor own_descriptor(int opened);

enum class Others { nothing, may_list };  // what group and others may do: mode & 077 = 0, or mode & 022 = 0

Result<FileDescriptor> open_own_directory(const std::string& path, Others others);

// Makes what is missing of the path, 0700 each whatever the umask is, if the nearest existing ancestor belongs to us or
// to root.
Result<FileDescriptor> make_own_directory(const std::string& path, Others others);

// `flags` as for openat (O_RDONLY, O_WRONLY|O_APPEND|O_CREAT…); a file that is made is 0600, whatever the umask is.
Result<FileDescriptor> open_own_file(const FileDescriptor& directory, const std::string& name, int flags);

// Whether `name` in `directory` still is the open `file`.
bool still_names(const FileDescriptor& directory, const std::string& name, const FileDescriptor& file);

// The whole file; resource_exhausted if it is longer.
Result<std::string> read_own_file(const FileDescriptor& directory, const std::string& name, std::size_t bytes_max);

// Written as `name`.new, synced, renamed, and the directory synced: whoever reads `name`, after a crash too, sees the
// old bytes or the new ones, and the new ones once this has answered. SIGXFSZ is blocked.
Result<void> replace_own_file(const FileDescriptor& directory, const std::string& name, std::string_view bytes,
                              mode_t mode = 0600);

// One write, with SIGXFSZ blocked and drained. False if not all of it was written.
bool write_once(const FileDescriptor& file, std::string_view bytes);

}  // namespace aldis
