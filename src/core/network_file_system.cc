#include "core/network_file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/file_descriptor.h"

namespace aldis {
namespace {

constexpr std::array<std::string_view, 16> kNetworkTypes = {"nfs",   "nfs4",  "cifs",   "smb",     "smb2", "smb3",
                                                            "smbfs", "ncpfs", "9p",     "ceph",    "afs",  "coda",
                                                            "ocfs2", "gfs2",  "lustre", "virtiofs"};

bool is_network_type(std::string_view type) {
  return type.starts_with("fuse") || std::ranges::find(kNetworkTypes, type) != kNetworkTypes.end();
}

// mountinfo writes space, tab, newline and backslash as \ and three octal digits.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view take_field(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

struct Mount {
  std::string point;
  std::string_view type;
};

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": field 5 is the mount point, the type follows " - ".
std::optional<Mount> parse_mount(std::string_view line) {
  const std::size_t separator = line.find(" - ");
  if (separator == std::string_view::npos) return std::nullopt;
  std::string_view tail = line.substr(separator + 3);
  for (int skipped = 0; skipped < 4; ++skipped) take_field(line);
  return Mount{unescape(take_field(line)), take_field(tail)};
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

std::optional<std::string> read_mountinfo() {
  const FileDescriptor file(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::optional<std::string> network_file_system(std::string_view mountinfo, std::string_view path) {
  std::size_t longest = 0;
  std::string_view type;
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::optional<Mount> mount = parse_mount(mountinfo.substr(0, end));
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    if (!mount || mount->point.size() < longest || !is_below(path, mount->point)) continue;
    longest = mount->point.size();
    type = mount->type;
  }
  if (!is_network_type(type)) return std::nullopt;
  return std::string(type);
}

}  // namespace aldis
