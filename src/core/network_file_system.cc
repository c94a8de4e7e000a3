#include "core/network_file_system.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <vector>

#include "core/kernel_file.h"

namespace aldis {
namespace {

// autofs mounts what it is asked for, and lets whoever looks wait for that.
constexpr std::array<std::string_view, 17> kNetworkTypes = {"nfs",   "nfs4",  "cifs",   "smb",      "smb2",  "smb3",
                                                            "smbfs", "ncpfs", "9p",     "ceph",     "afs",   "coda",
                                                            "ocfs2", "gfs2",  "lustre", "virtiofs", "autofs"};
constexpr std::size_t kMountinfoBytesMax = 64 * 1024 * 1024;
constexpr int kLinksMax = 40;  // the kernel follows no more either

bool is_network_type(std::string_view type) {
  return type.starts_with("fuse") || std::ranges::find(kNetworkTypes, type) != kNetworkTypes.end();
}

// mountinfo writes space, tab, newline and backslash as \ and three octal digits.
std::string unescape(std::string_view text) {
  if (!text.contains('\\')) return std::string(text);  // nearly always, and this is done at every start
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

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Parsed once, for a path is judged at each of its components.
class MountTable {
 public:
  explicit MountTable(std::string_view mountinfo) {
    while (!mountinfo.empty()) {
      if (std::optional<Mount> mount = parse_mount(take_line(mountinfo))) mounts_.push_back(*std::move(mount));
    }
  }

  std::optional<std::string> network_type(std::string_view path) const {
    const Mount* holder = nullptr;
    for (const Mount& mount : mounts_) {
      const bool is_shorter = holder != nullptr && mount.point.size() < holder->point.size();
      if (!is_shorter && is_below(path, mount.point)) holder = &mount;
    }
    if (holder == nullptr || !is_network_type(holder->type)) return std::nullopt;
    return std::string(holder->type);
  }

 private:
  std::vector<Mount> mounts_;
};

// The first component; takes it and the slashes around it away. Empty: there is none.
std::string take_component(std::string& path) {
  const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
  const std::size_t end = std::min(path.find('/', begin), path.size());
  std::string component = path.substr(begin, end - begin);
  path.erase(0, end);
  return component;
}

std::string parent_of(const std::string& path) { return path.substr(0, std::min(path.rfind('/'), path.size())); }

}  // namespace

std::optional<std::string> read_mountinfo() { return read_kernel_file("/proc/self/mountinfo", kMountinfoBytesMax); }

std::optional<std::string> network_file_system(std::string_view mountinfo, std::string_view path) {
  return MountTable(mountinfo).network_type(path);
}

std::optional<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(length));
}

std::optional<NetworkPlace> network_on_the_way(std::string_view mountinfo, std::string_view path,
                                               const LinkReader& read) {
  const MountTable mounts(mountinfo);
  std::string done;  // without links and a slash at the end; empty: the root
  std::string left(path);
  int links = 0;
  for (std::string component = take_component(left); !component.empty(); component = take_component(left)) {
    if (component == ".") continue;
    if (component == "..") {
      done = parent_of(done);
      continue;
    }
    std::string next = done + '/' + component;
    if (std::optional<std::string> type = mounts.network_type(next)) return NetworkPlace{next, *std::move(type)};
    const std::optional<std::string> target = read(next);
    if (!target) {
      done = std::move(next);
      continue;
    }
    if (++links > kLinksMax) return std::nullopt;
    if (target->starts_with('/')) done.clear();
    left = *target + '/' + left;
  }
  return std::nullopt;
}

}  // namespace aldis
