#include "telemetry/process_mark.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace aldis::telemetry {
namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

ProcessMark::ProcessMark()
    : pid_(getpid()), page_(mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  if (page_ == MAP_FAILED) return;
  if (madvise(page_, page_bytes(), MADV_WIPEONFORK) == 0) {
    *static_cast<volatile unsigned char*>(page_) = 1;
  } else {
    munmap(page_, page_bytes());
    page_ = MAP_FAILED;
  }
}

ProcessMark::~ProcessMark() {
  if (page_ != MAP_FAILED) munmap(page_, page_bytes());
}

bool ProcessMark::in_child() const {
  const bool is_wiped = page_ != MAP_FAILED && *static_cast<const volatile unsigned char*>(page_) == 0;
  return is_wiped || getpid() != pid_;
}

}  // namespace aldis::telemetry
