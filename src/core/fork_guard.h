#pragma once
// Tells a forked child that what it inherited is not its own. Implemented in fork_guard.cc.
//
// Model: one page that the kernel zeroes in every child (MADV_WIPEONFORK, Linux 4.14), so the question costs one load.
// Threads: safe from any thread.

#include "aldis/result.h"

namespace aldis {

class ForkGuard {
 public:
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  bool in_child() const { return *static_cast<const volatile unsigned char*>(page_) == 0; }

  // failed_precondition in a child.
  Result<void> check() const;

 private:
  void* page_;
};

}  // namespace aldis
