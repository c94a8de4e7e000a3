#pragma once
// Whether a path lies on a network file system, where neither mapped locks nor futex words work between hosts, and
// where whoever looks may wait for ever. By the text of /proc/self/mountinfo, because statfs would hang on a dead
// mount. Used by runtime_directory.cc and telemetry; implemented in network_file_system.cc.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace aldis {

// None: there is no /proc.
std::optional<std::string> read_mountinfo();

// The type ("nfs4", "fuse.sshfs"…) of the file system that holds the absolute `path`, if it is one of nfs, cifs, smb,
// 9p, fuse, virtiofs, ceph, afs, autofs. A pure function of the text: links are not followed. The mount with the
// longest matching mount point decides, of equal ones the latest.
std::optional<std::string> network_file_system(std::string_view mountinfo, std::string_view path);
// The target of a link; none: it is no link, or is missing.
using LinkReader = std::function<std::optional<std::string>(const std::string& path)>;
std::optional<std::string> read_link(const std::string& path);

struct NetworkPlace {
  std::string path;
  std::string type;
};

// The first place on a network file system that the kernel would enter on its way along the absolute `path`, links, "."
// and ".." included; what is missing at its end is taken as written. Nothing on a network file system is touched:
// `read` is asked for places that were judged before.
std::optional<NetworkPlace> network_on_the_way(std::string_view mountinfo, std::string_view path,
                                               const LinkReader& read = read_link);

}  // namespace aldis
