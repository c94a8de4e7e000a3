#pragma once
// Who may answer which approvals, and the keys that prove it. Implemented in src/domain/approval_policy.cc and
// approver_keys.cc; docs/approvals.md has the files' grammar and the threat model.
//
// Model: two files of the configuration directory. approvals.toml, written by people, says for each pattern of approval
// types who may answer, how many must, and how long it waits; a type that no pattern matches is answered in open mode.
// approvers.toml, written by trust and revoke, says which public key is whose. Without approvals.toml everything is
// open mode. Private keys (Ed25519) lie in keys/NAME.key of that directory, or of the user's own where it belongs to
// somebody else, sealed with a passphrase (Argon2id, XChaCha20-Poly1305). A passphrase is only read where it lies, and
// copied nowhere: whoever made it wipes it. Keys lie in memory that is neither swapped, where the system allows that,
// nor in a core dump, and is wiped. Threads: values; const calls are safe. Errors: invalid_argument (a file that is not
// well formed, with its line; a name, a key), failed_precondition (a directory or file that others may write to),
// permission_denied (the passphrase is wrong), already_exists, not_found, resource_exhausted (no memory for Argon2id,
// no room). Limits: limits.h.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/export.h"
#include "aldis/limits.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

// One [[rule]] of approvals.toml. The first whose pattern matches is the one in force.
struct ApprovalRule {
  std::string pattern;                 // a type, or the beginning of types with a '*' behind it
  std::vector<std::string> approvers;  // names, sorted
  std::uint32_t quorum = 1;            // distinct approvals that approve
  enum class Timeout { of_the_request, none, fixed } timeout_kind = Timeout::of_the_request;
  std::chrono::nanoseconds timeout{0};  // if fixed

  bool matches(std::string_view type) const;
  std::string hash() const;  // SHA-256 over the fields above, 64 hexadecimal digits

  bool operator==(const ApprovalRule&) const = default;
};

struct Approver {
  std::string name;
  std::string public_key;  // "ed25519:" and 43 characters of base64url without padding
  std::string key_id;      // the first 16 hexadecimal digits of the SHA-256 of the 32 bytes
  WallTime trusted_at;
  std::optional<WallTime> revoked_at;  // its votes count no more, earlier ones neither
};

// The configuration directory of a workspace with these options: the one that is named; /etc/aldis if that holds a
// policy or cannot be looked into; the user's own. failed_precondition: the system knows no home for this user.
ALDIS_API Result<std::string> approval_directory(const WorkspaceOptions& options);

class ALDIS_API ApprovalPolicy {
 public:
  ApprovalPolicy() = default;  // open mode for everything
  static Result<ApprovalPolicy> load(const std::string& directory);

  // Reads approvers.toml again: keys may have been trusted or revoked. The rules stay as they were loaded.
  Result<void> refresh();

  bool has_rules() const { return !rules_.empty(); }
  const ApprovalRule* rule_for(std::string_view type) const;  // none: open mode
  const std::vector<ApprovalRule>& rules() const { return rules_; }
  const Approver* approver_with(std::string_view name, std::string_view key_id) const;
  const std::vector<Approver>& approvers() const { return approvers_; }
  // Somebody else than this process's user guards both files: only then is a signed decision `verified`.
  bool guarded() const { return guarded_; }

 private:
  std::string directory_;
  std::vector<ApprovalRule> rules_;
  std::vector<Approver> approvers_;
  bool guarded_ = false;  // since before the rules were read
};

// A private key, unsealed; wiped when it goes.
class ALDIS_API ApproverKey {
 public:
  // `directory`: of the policy. `own`: the user's own (WorkspaceOptions::own_configuration_directory).
  static Result<ApproverKey> unseal(const std::string& directory, std::string_view name, std::string_view passphrase,
                                    const std::string& own = {});
  ~ApproverKey();
  ApproverKey(ApproverKey&&) noexcept;
  ApproverKey& operator=(ApproverKey&&) noexcept;

  const std::string& name() const;
  const std::string& key_id() const;
  std::array<std::uint8_t, 64> sign(std::string_view message) const;  // Ed25519 (RFC 8032)

 private:
  struct Impl;
  explicit ApproverKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Makes a key pair, seals the private key into the file that unseal reads and answers with the public one, which is
// trusted nowhere yet. already_exists: that file is there.
ALDIS_API Result<Approver> enroll_approver(const std::string& directory, std::string_view name,
                                           std::string_view passphrase, const std::string& own = {});

// Adds the key to approvers.toml. A name may have several keys, one after the other (a new one after a revocation);
// already_exists: it has one that is not revoked.
ALDIS_API Result<Approver> trust_approver(const std::string& directory, std::string_view name,
                                          std::string_view public_key);

// Revokes all keys of the name. not_found: it has none that is not revoked.
ALDIS_API Result<std::vector<Approver>> revoke_approver(const std::string& directory, std::string_view name);

// In the order in which they were trusted.
ALDIS_API Result<std::vector<Approver>> list_approvers(const std::string& directory);

}  // namespace aldis
