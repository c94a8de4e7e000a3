#include "signers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "domain/approver_keys.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPassphrase = "correct-horse-battery";
constexpr SealCost kCheap{.operations = 1, .memory_bytes = 8192};

}  // namespace

Signers::Signers(std::string configuration, std::string keys)
    : configuration_(std::move(configuration)), keys_(std::move(keys)) {}

void Signers::enroll(const std::string& name) {
  const auto enrolled = enroll_approver(keys_, name, kPassphrase, kCheap);
  ASSERT_TRUE(enrolled) << enrolled.error().message;
  const auto trusted = trust_approver(configuration_, name, enrolled->public_key);
  ASSERT_TRUE(trusted) << trusted.error().message;
}

void Signers::revoke(const std::string& name) {
  const auto revoked = revoke_approver(configuration_, name);
  ASSERT_TRUE(revoked) << revoked.error().message;
}

void Signers::write_policy() {
  const fs::path path = configuration_ + "/approvals.toml";
  std::ofstream(path) << "version = 1\n"
                         "[[rule]]\n"
                         "type = \"deploy\"\n"
                         "approvers = [\"ann\", \"bob\", \"carl\"]\n"
                         "quorum = 2\n";
  fs::permissions(path,
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read);
}

Words Signers::vote(const std::string& id, const std::string& name, const std::string& verdict) const {
  return {"answer",
          "id=" + id,
          "as=" + name,
          "verdict=" + verdict,
          "configuration=" + configuration_,
          "keys=" + keys_,
          std::string("passphrase=") + kPassphrase};
}

void give_away(const std::string& directory, int user) {
  const auto id = static_cast<uid_t>(user);
  ASSERT_EQ(::chown(directory.c_str(), id, id), 0);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    ASSERT_EQ(::lchown(entry.path().c_str(), id, id), 0);
  }
}

}  // namespace aldis::testing
