#include "telemetry/gate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

constexpr off_t kRecordBytes = 128;
constexpr off_t kCourierByte = 128;
constexpr off_t kPenByte = 129;

struct flock one_byte(short type, off_t byte) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

bool take(const FileDescriptor& file, off_t byte, bool wait) {
  struct flock lock = one_byte(F_WRLCK, byte);
  while (fcntl(file.get(), wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

Result<Gate> Gate::open(const FileDescriptor& state_directory) {
  ALDIS_TRY_ASSIGN(FileDescriptor file, open_own_file(state_directory, std::string(kGateName), O_RDWR | O_CREAT));
  struct stat status{};
  if (fstat(file.get(), &status) != 0) {
    return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot examine the gate", errno));
  }
  // The last byte of the padding: makes room for all without touching what somebody else writes at this moment.
  const bool has_room = status.st_size >= kRecordBytes ||
                        (lseek(file.get(), kRecordBytes - 1, SEEK_SET) >= 0 && write_once(file, {"\0", 1}));
  if (!has_room) {
    return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot make room for the gate", errno));
  }
  return Gate(std::move(file));
}

Result<Gate> Gate::open_existing(const FileDescriptor& state_directory) {
  ALDIS_TRY_ASSIGN(FileDescriptor file, open_own_file(state_directory, std::string(kGateName), O_RDWR));
  return Gate(std::move(file));
}

GateRecord Gate::read() const {
  std::array<char, kRecordBytes> bytes{};
  const ssize_t count = pread(file_.get(), bytes.data(), bytes.size(), 0);
  return decode_gate({bytes.data(), static_cast<std::size_t>(count < 0 ? 0 : count)});
}

bool Gate::courier_runs() const {
  struct flock lock = one_byte(F_WRLCK, kCourierByte);
  return fcntl(file_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool Gate::become_courier(bool wait) { return take(file_, kCourierByte, wait); }

bool Gate::take_pen(bool wait) { return take(file_, kPenByte, wait); }

void Gate::put_pen_down() {
  struct flock lock = one_byte(F_UNLCK, kPenByte);
  fcntl(file_.get(), F_OFD_SETLK, &lock);
}

bool Gate::write(const GateRecord& record) {
  return lseek(file_.get(), 0, SEEK_SET) == 0 && write_once(file_, encode(record));
}

}  // namespace aldis::telemetry
