#include "scarce_memory.h"

#include <cstdlib>
#include <new>

namespace aldis::telemetry {
namespace {

thread_local int left = kMemoryAbounds;

bool may_allocate() {
  if (left > 0) {
    --left;
    return true;
  }
  return left != 0;
}

}  // namespace

int allocations_left() { return left; }
void set_allocations_left(int count) { left = count; }

}  // namespace aldis::telemetry

// Not inlined: where it is, the compiler sees malloc meet delete, and complains.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const memory = aldis::telemetry::may_allocate() ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
