#pragma once
// The directory of the approval policy: which it is, how its files are read, locked and guarded. Used by
// approval_policy.cc, approver_file.cc and approver_keys.cc; implemented in configuration_directory.cc.
//
// Model: a file there counts only if none but its owner may write to it and to its directory; who the owner is does not
// matter, because whoever names the directory trusts it. Threads: safe from any thread and process. Errors:
// failed_precondition (others may write there, no regular file), permission_denied, invalid_argument (too large),
// deadline_exceeded (somebody else has held the lock for limits::kCallTimeoutDefault).

#include <optional>
#include <string>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis {

inline constexpr const char* kPolicyFile = "approvals.toml";
inline constexpr const char* kApproverFile = "approvers.toml";

// `named` unless that is empty; else `system` if that holds a policy, or cannot be looked into; else `own`, or if that
// is empty .config/aldis in the home directory that the system knows for this user. failed_precondition: it knows none.
Result<std::string> choose_configuration_directory(const std::string& named, const std::string& own = {},
                                                   const std::string& system = "/etc/aldis");

// Where this user's private keys lie: in `configuration` unless that belongs to somebody else (a policy that root
// guards), then in `own`, which may be empty as above.
Result<std::string> choose_key_directory(const std::string& configuration, const std::string& own = {});

// failed_precondition unless there is such a directory: whoever names one that is not there would get open mode.
Result<void> check_named_directory(const std::string& named);

// None: there is no such file, or no such directory.
Result<std::optional<std::string>> read_configuration_file(const std::string& directory, const std::string& name);

// Whether both files, the directory and all above it belong to somebody else than this process's user, who cannot write
// to them. Never for root, and not where the path goes over a link.
bool is_guarded(const std::string& directory);

// Held while the files of a directory are changed. Released by the death of its process, too.
class ConfigurationLock {
 public:
  static Result<ConfigurationLock> take(const FileDescriptor& directory);
  ConfigurationLock(ConfigurationLock&&) = default;
  ~ConfigurationLock();

 private:
  explicit ConfigurationLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace aldis
