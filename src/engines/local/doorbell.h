#pragma once
// Wakes sleepers across processes: one mapped page of futex words per namespace, beside its board. Used by the local
// stores (which ring after each commit) and, as the Waker, by the domain. Implemented in doorbell.cc; bytes in
// docs/formats.md.
//
// Model: a topic hashes to a word; two topics may share one, which costs a wake-up in vain. The lowest bit of a word
// says that somebody sleeps on it, so ringing a bell nobody listens to is one atomic operation and no system call. A
// killed sleeper leaves at most that bit, which the next ring clears. The first word rings with each ring: `any` is
// that word, and who subscribed to topics of several words sleeps on it, looking at its own whenever it wakes. Nothing
// tells which rings were lost, so every subscription rings once a recheck interval. Threads: safe from any thread and
// process. Errors of `open`: as runtime_directory.h, and resource_exhausted when the page cannot be allocated. Limits:
// a page that was removed or replaced is opened again, up to limits::kDoorbellPagesMax; after that, waiters live by the
// rechecks.

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "aldis/limits.h"
#include "aldis/result.h"
#include "ports/waker.h"

namespace aldis {

class Doorbell : public Waker {
 public:
  static Result<std::shared_ptr<Doorbell>> open(const std::string& runtime_directory, const std::string& namespace_name,
                                                std::chrono::nanoseconds recheck = limits::kRecheckLocal);

  virtual void ring(std::span<const Topic> topics) = 0;
  void ring(const Topic& topic) { ring({&topic, 1}); }
  // Every mailbox, and with them everything else.
  virtual void ring_all() = 0;
};

}  // namespace aldis
