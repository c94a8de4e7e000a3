#pragma once
// Holds a runtime directory while files in it are made, judged or opened, so that racing processes find them either
// absent or complete. Used by the environment registry and the doorbell; implemented in directory_lock.cc.
//
// Model: flock on the directory itself, which nobody can remove by cleaning up its files. Released by the destructor,
// also where a fork has copied the descriptor, and by the death of its process. Threads: one thread. Errors:
// deadline_exceeded when somebody holds it for longer than `timeout`; failed_precondition.

#include <chrono>
#include <string>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis {

class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& directory, std::chrono::nanoseconds timeout);
  DirectoryLock(DirectoryLock&&) = default;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  FileDescriptor descriptor_;
};

}  // namespace aldis
