#pragma once
// A configuration directory for the tests of approvals: rules as a test writes them, and approvers whose keys cost
// next to nothing to unseal. Header only. Threads: one thread.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "aldis/approvers.h"
#include "domain/approver_keys.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {

inline constexpr SealCost kCheapSeal{.operations = 1, .memory_bytes = 8192};
inline constexpr std::string_view kPassphrase = "correct horse";

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::string& path, std::string_view text, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

class ConfigurationWorld {
 public:
  const std::string& path() const { return directory_.path(); }
  std::string file(std::string_view name) const { return directory_.file(name); }

  void write_rules(std::string_view rules) { write_text(file("approvals.toml"), "version = 1\n" + std::string(rules)); }

  // Not trusted yet.
  Approver enroll(std::string_view name) {
    const Result<Approver> enrolled = enroll_approver(path(), name, kPassphrase, kCheapSeal);
    EXPECT_TRUE(enrolled) << enrolled.error().message;
    return enrolled.value_or(Approver());
  }
  Approver trust(const Approver& approver) {
    const Result<Approver> trusted = trust_approver(path(), approver.name, approver.public_key);
    EXPECT_TRUE(trusted) << trusted.error().message;
    return trusted.value_or(Approver());
  }
  ApproverKey unseal(std::string_view name) {
    Result<ApproverKey> key = ApproverKey::unseal(path(), name, kPassphrase);
    if (!key) std::abort();
    return *std::move(key);
  }
  // Enrolled and trusted.
  ApproverKey approver(std::string_view name) {
    trust(enroll(name));
    return unseal(name);
  }
  ApprovalPolicy policy() const {
    Result<ApprovalPolicy> policy = ApprovalPolicy::load(path());
    EXPECT_TRUE(policy) << policy.error().message;
    return policy.value_or(ApprovalPolicy());
  }

 private:
  ScratchDirectory directory_;
};

}  // namespace aldis::testing
