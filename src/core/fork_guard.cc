#include "core/fork_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "core/failure.h"

namespace aldis {
namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

ForkGuard::ForkGuard()
    : page_(::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  if (page_ == MAP_FAILED || ::madvise(page_, page_bytes(), MADV_WIPEONFORK) != 0) {
    // One anonymous page: failing means out of memory (or a kernel older than 4.14, which no supported system has).
    std::fputs("aldis: cannot map a page; out of memory\n", stderr);
    std::abort();
  }
  *static_cast<volatile unsigned char*>(page_) = 1;
}

ForkGuard::~ForkGuard() { ::munmap(page_, page_bytes()); }

Result<void> ForkGuard::check() const {
  if (!in_child()) return {};
  return fail(ErrorCode::failed_precondition,
              "this object was made before fork() and belongs to the parent process; open a Workspace in the child");
}

}  // namespace aldis
