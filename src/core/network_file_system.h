#pragma once
// Whether a path lies on a network file system, where neither mapped locks nor futex words work between hosts. A pure
// function of the text of /proc/self/mountinfo, because statfs would hang on a dead mount. Used by
// runtime_directory.cc and telemetry; implemented in network_file_system.cc.

#include <optional>
#include <string>
#include <string_view>

namespace aldis {

// None: there is no /proc.
std::optional<std::string> read_mountinfo();

// The type ("nfs4", "fuse.sshfs"…) of the file system that holds the absolute `path`, if it is one of nfs, cifs, smb,
// 9p, fuse, virtiofs, ceph, afs. The mount with the longest matching mount point decides, of equal ones the latest.
std::optional<std::string> network_file_system(std::string_view mountinfo, std::string_view path);

}  // namespace aldis
