#pragma once
// Gets a thread out of poll: an eventfd. Header only; used by the subscriber. Threads: `poke` from any, the others from
// one. Errors: resource_exhausted (descriptors).

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "aldis/result.h"
#include "core/failure.h"
#include "core/file_descriptor.h"
#include "core/private_files.h"

namespace aldis {

class Poke {
 public:
  static Result<Poke> make() {
    FileDescriptor event = own_descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event.is_open()) return std::unexpected(system_error(ErrorCode::resource_exhausted, "eventfd", errno));
    return Poke(std::move(event));
  }

  void poke() const { eventfd_write(event_.get(), 1); }
  void clear() const {
    eventfd_t pokes = 0;
    eventfd_read(event_.get(), &pokes);
  }
  int descriptor() const { return event_.get(); }

 private:
  explicit Poke(FileDescriptor event) : event_(std::move(event)) {}

  FileDescriptor event_;
};

}  // namespace aldis
