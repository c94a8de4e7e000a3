#pragma once
// The page of locks that stands before LMDB's own: robust mutexes with a deadline, shared by all processes of a board,
// and what the board says about itself. Used by board.cc and board_environment.cc; implemented in lock_page.cc; the
// bytes are in docs/formats.md.
//
// Model: LMDB's locks have no deadline, so whoever wants one takes ours first; then a process that is stopped inside
// LMDB also holds ours, and others learn of it at their deadline. The kernel frees the lock of a killed holder at once;
// nothing it guards needs repair, since LMDB's commit is one write. Each lock records its holder's pid for the message.
// Threads: safe from any thread and process. A thread that takes a lock twice gets an error, not a deadlock.
// Errors: deadline_exceeded naming the holder's pid; resource_exhausted, failed_precondition when made or opened.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "aldis/result.h"

namespace aldis {

struct RobustLock;

// Releases the lock when it goes.
class LockHold {
 public:
  explicit LockHold(RobustLock& lock) : lock_(&lock) {}
  LockHold(LockHold&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  LockHold& operator=(LockHold&&) = delete;
  ~LockHold();

 private:
  RobustLock* lock_;
};

class LockPage {
 public:
  // Makes the file at `path`, its locks initialised. REQUIRES: nobody else uses that path.
  static Result<void> create(const std::string& path, std::string_view format);
  static Result<std::unique_ptr<LockPage>> open(const std::string& path);
  ~LockPage();
  LockPage(const LockPage&) = delete;
  LockPage& operator=(const LockPage&) = delete;

  std::string_view format() const;

  // Before any write transaction.
  Result<LockHold> lock_writer(std::chrono::nanoseconds timeout);
  // Before LMDB's table of readers is searched or cleaned; never held together with a wait for the writer lock.
  Result<LockHold> lock_reader_table(std::chrono::nanoseconds timeout);

 private:
  struct Page;
  LockPage(std::string path, Page* page);
  Result<LockHold> lock(RobustLock& lock, std::string_view what, std::chrono::nanoseconds timeout);

  const std::string path_;
  Page* const page_;
  const std::int32_t pid_;
};

}  // namespace aldis
