#pragma once
// Which process a heartbeat record or a reservation is bound to, so that its death shows at once. Used by
// heartbeats.h and signals.h. Header only.
//
// Threads: a value type.

namespace aldis {

struct ProcessBinding {
  enum class Kind {
    self,   // the calling process
    none,   // no process: time alone decides
    other,  // `pid`, which must exist
  } kind = Kind::self;
  int pid = 0;
};

}  // namespace aldis
