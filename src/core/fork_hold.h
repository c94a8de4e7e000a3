#pragma once
// Keeps fork out of a call into a library whose locks it would copy: in the child nobody lets go of what another thread
// held, and the next call there waits for ever. Used by redis/tls.cc (OpenSSL) and the ledger (SQLite), since
// those do not look after their own; implemented in fork_hold.cc.
//
// Model: while a hold lives, fork in another thread waits for it; while a fork is under way, new holds wait. So every
// child begins with no call under way, in a state that it can use. A process has one fork, so its gate is a global; its
// handlers are registered when the program is loaded, so that no fork can miss them. What the host program itself calls
// the library for is out of its reach.
// Threads: safe from any thread. A thread has at most one hold, forks nothing under it, and waits for nobody.

namespace aldis {

class ForkHold {
 public:
  ForkHold();
  ~ForkHold();
  ForkHold(const ForkHold&) = delete;
  ForkHold& operator=(const ForkHold&) = delete;
};

}  // namespace aldis
