#pragma once
// Wakes sleepers across processes: one mapped page of futex words per namespace, beside its board. Used by the local
// stores (which ring after each commit) and, as the Waker, by the domain. Implemented in doorbell.cc; bytes in
// docs/formats.md.
//
// Model: a topic hashes to a word; two topics may share one, which costs a wake-up in vain. The lowest bit of a word
// says that somebody sleeps on it, so ringing a bell nobody listens to is one atomic operation and no system call. A
// killed sleeper leaves at most that bit, which the next ring clears. One word stands for `everything` and rings with
// each ring. Threads: safe from any thread and process. Errors of `open`: as runtime_directory.h, and
// resource_exhausted when the page cannot be allocated.

#include <memory>
#include <string>

#include "aldis/result.h"
#include "ports/waker.h"

namespace aldis {

class Doorbell : public Waker {
 public:
  static Result<std::shared_ptr<Doorbell>> open(const std::string& runtime_directory,
                                                const std::string& namespace_name);

  // Kind::everything wakes everybody.
  virtual void ring(const Topic& topic) = 0;
};

}  // namespace aldis
