#pragma once
// Counts events that could not be published in time, for all processes of a namespace, without ever blocking. Used by
// the local events. Implemented in drop_counter.cc; bytes in docs/formats.md.
//
// Model: one mapped number beside the doorbell, in the runtime directory: it is lost with a reboot. Made or opened at
// the first use; where it cannot be, this process counts for itself. Threads: safe from any thread and process.

#include <cstdint>
#include <memory>
#include <string>

namespace aldis {

class DropCounter {
 public:
  static std::shared_ptr<DropCounter> make(std::string runtime_directory, const std::string& namespace_name);
  virtual ~DropCounter() = default;

  virtual void add(std::uint64_t events) = 0;
  virtual std::uint64_t total() = 0;
};

}  // namespace aldis
