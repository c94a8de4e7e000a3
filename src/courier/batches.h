#pragma once
// The batches of a state directory: claiming the spool, listing, counting attempts, giving up. Used by delivery.cc and
// preview; implemented in batches.cc; the rules are in docs/telemetry-format.md.
//
// Model: a name says when a batch was claimed and how often it was tried; its bytes never change. Safe to be killed at
// any instruction: every step is one rename or one unlink. Threads: one courier at a time (the gate sees to it).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/limits.h"
#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis::courier {

struct BatchName {
  std::chrono::sys_seconds first_seen{};
  unsigned attempt = 0;
  std::string id;  // 16 hexadecimal digits

  auto operator<=>(const BatchName&) const = default;  // oldest first
};

std::string format_batch_name(const BatchName& name);
std::optional<BatchName> parse_batch_name(std::string_view text);
bool is_worn_out(const BatchName& name, std::chrono::sys_seconds now);  // 5 attempts or 7 days

class Batches {
 public:
  // Makes the directory if it is missing; `open_existing` does not: not_found.
  static Result<Batches> open(const FileDescriptor& state_directory);
  static Result<Batches> open_existing(const FileDescriptor& state_directory);

  std::vector<BatchName> list() const;  // oldest first; what is no batch is left alone
  // Nothing: no spool, or no room for another batch.
  std::optional<BatchName> claim_spool(std::chrono::sys_seconds now);
  bool has_room() const;
  // Waits for writers in flight. `peek` does not, and so hinders nobody.
  Result<std::string> read(const BatchName& name) const;
  Result<std::string> peek(const BatchName& name) const;
  Result<BatchName> count_attempt(const BatchName& name);
  void remove(const BatchName& name);

 private:
  Batches(const FileDescriptor& state, FileDescriptor directory);

  const FileDescriptor* state_;
  FileDescriptor directory_;
};

}  // namespace aldis::courier
