#include "redis/clock_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "core/file_descriptor.h"

namespace aldis::testing {
namespace {

constexpr const char* kName = "clock";

std::atomic_ref<std::int64_t> shared(std::int64_t* microseconds) { return std::atomic_ref(*microseconds); }

}  // namespace

ClockFile::ClockFile() {
  const FileDescriptor file(::open(directory_.file(kName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open() || ::ftruncate(file.get(), sizeof *microseconds_) != 0) std::abort();
  void* page = ::mmap(nullptr, sizeof *microseconds_, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (page == MAP_FAILED) std::abort();
  microseconds_ = static_cast<std::int64_t*>(page);
  set(kStart);
}

ClockFile::~ClockFile() { ::munmap(microseconds_, sizeof *microseconds_); }

WallTime ClockFile::now() const { return WallTime{std::chrono::microseconds{shared(microseconds_).load()}}; }

void ClockFile::set(WallTime time) { shared(microseconds_).store(time.time_since_epoch().count()); }

void ClockFile::advance(std::chrono::microseconds by) { shared(microseconds_).fetch_add(by.count()); }

std::map<std::string, std::string, std::less<>> ClockFile::environment() const {
  return {{"LD_PRELOAD", ALDIS_STOPPED_CLOCK}, {"ALDIS_TEST_CLOCK", directory_.file(kName)}};
}

}  // namespace aldis::testing
