// The wall clock of a process as a number in a file that a test writes (clock_file.h). Preloaded into a redis-server,
// linked into tests/process/approval_worker.
//
// Model: ALDIS_TEST_CLOCK names a file whose first eight bytes are microseconds since 1970, mapped once. The wall
// clocks answer that number; every other clock is the kernel's, so timers and network waits go on; without the variable
// all are. Nothing here allocates or takes a lock: jemalloc reads clocks before it can serve.

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t kMicrosecondsPerSecond = 1000000;
static const int64_t* microseconds = NULL;

__attribute__((constructor)) static void map_clock(void) {
  const char* path = getenv("ALDIS_TEST_CLOCK");
  if (path == NULL) return;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  void* page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *microseconds, PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) abort();
  close(file);
  microseconds = page;
}

static int64_t stopped_at(void) { return __atomic_load_n(microseconds, __ATOMIC_ACQUIRE); }

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (!is_wall || microseconds == NULL) return (int)syscall(SYS_clock_gettime, clock, now);
  const int64_t at = stopped_at();
  now->tv_sec = at / kMicrosecondsPerSecond;
  now->tv_nsec = at % kMicrosecondsPerSecond * 1000;
  return 0;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (result != NULL) *result = at.tv_sec;
  return at.tv_sec;
}
