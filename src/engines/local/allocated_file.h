#pragma once
// Files whose every byte is allocated before anybody maps them, since a store to a mapped hole of a full tmpfs is
// SIGBUS. Used by board_files.cc, lock_page.cc and doorbell.cc; implemented in allocated_file.cc.
//
// Model: made under a temporary name and renamed into place by the caller, who holds the DirectoryLock; so a file under
// its real name is complete. Files are 0600, of one name, ours, and never links. Errors: resource_exhausted when there
// is no room; failed_precondition for what is not a file of ours.

#include <string>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis {

// Replaces whatever is at `path`. Nothing is left there on failure.
Result<FileDescriptor> create_allocated_file(const std::string& path, std::size_t size_bytes);

Result<void> rename_file(const std::string& from, const std::string& to);

// True: a file of ours is there. False: nothing is there.
Result<bool> is_own_file(const std::string& path);

// Maps the first `size_bytes` for reading and writing by all processes. Null on failure.
void* map_shared(const FileDescriptor& file, std::size_t size_bytes);

}  // namespace aldis
