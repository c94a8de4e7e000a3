// Keys of approvers: enrolled, sealed, unsealed, trusted, revoked; and what files that others touched come to.

#include <gmock/gmock.h>
#include <sodium/crypto_sign.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>
#include <vector>

#include "configuration_world.h"
#include "core/sha256.h"
#include "domain/approver_file.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class T>
Error error_of(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "it succeeded";
  return {};
}

class ApproverKeys : public ::testing::Test {
 protected:
  ErrorCode refusal(std::string_view name, std::string_view passphrase = kPassphrase) {
    return error_of(ApproverKey::unseal(world.path(), name, passphrase)).code;
  }

  ConfigurationWorld world;
};

TEST_F(ApproverKeys, are_enrolled_and_unsealed_with_the_passphrase) {
  const Approver dana = world.enroll("dana");
  EXPECT_EQ(dana.name, "dana");
  EXPECT_THAT(dana.public_key, AllOf(::testing::StartsWith("ed25519:"), SizeIs(8 + 43)));
  const PublicKey key = *parse_public_key(dana.public_key);
  EXPECT_EQ(dana.key_id, sha256_hex({reinterpret_cast<const char*>(key.data()), key.size()}).substr(0, 16));
  const ApproverKey unsealed = world.unseal("dana");
  EXPECT_EQ(unsealed.name(), "dana");
  EXPECT_EQ(unsealed.key_id(), dana.key_id);
  EXPECT_THAT(world.policy().approvers(), IsEmpty()) << "enrolling trusts nobody";
}

TEST_F(ApproverKeys, sign_alike_each_time_they_are_unsealed_and_unlike_others) {
  world.enroll("dana");
  world.enroll("erik");
  EXPECT_EQ(world.unseal("dana").sign("text"), world.unseal("dana").sign("text"));
  EXPECT_NE(world.unseal("dana").sign("text"), world.unseal("dana").sign("Text"));
  EXPECT_NE(world.unseal("dana").sign("text"), world.unseal("erik").sign("text"));
}

TEST_F(ApproverKeys, stay_shut_for_another_passphrase) {
  world.enroll("dana");
  EXPECT_EQ(refusal("dana", "Correct horse"), ErrorCode::permission_denied);
  EXPECT_EQ(refusal("dana", "correct horse "), ErrorCode::permission_denied);
}

TEST_F(ApproverKeys, want_a_passphrase_of_a_bearable_length) {
  const std::string longest(limits::kPassphraseBytesMax, 'p');
  for (const std::string& passphrase : {std::string(), longest + "p"}) {
    EXPECT_EQ(error_of(enroll_approver(world.path(), "dana", passphrase, kCheapSeal)).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(refusal("dana", passphrase), ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(enroll_approver(world.path(), "dana", longest, kCheapSeal));
  EXPECT_TRUE(ApproverKey::unseal(world.path(), "dana", longest));
}

TEST_F(ApproverKeys, of_nobody_are_not_found) {
  EXPECT_EQ(refusal("dana"), ErrorCode::not_found) << "no directory";
  world.enroll("erik");
  EXPECT_EQ(refusal("dana"), ErrorCode::not_found);
}

TEST_F(ApproverKeys, lie_in_files_that_only_their_owner_may_read) {
  world.enroll("dana");
  struct stat status{};
  ASSERT_EQ(::stat(world.file("keys/dana.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat(world.file("keys").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(ApproverKeys, are_not_replaced_by_enrolling_again) {
  const Approver first = world.enroll("dana");
  EXPECT_EQ(error_of(enroll_approver(world.path(), "dana", kPassphrase, kCheapSeal)).code, ErrorCode::already_exists);
  EXPECT_EQ(world.unseal("dana").key_id(), first.key_id);
}

TEST_F(ApproverKeys, have_names_that_are_names_of_files) {
  for (const char* name : {"", "..", "-dana", "da na", "../dana", "team/dana", "/dana"}) {
    EXPECT_EQ(error_of(enroll_approver(world.path(), name, kPassphrase, kCheapSeal)).code, ErrorCode::invalid_argument)
        << name;
    EXPECT_EQ(refusal(name), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(error_of(trust_approver(world.path(), name, "")).code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(error_of(revoke_approver(world.path(), name)).code, ErrorCode::invalid_argument) << name;
  }
}

TEST_F(ApproverKeys, stay_shut_when_any_byte_of_the_file_was_changed) {
  world.enroll("dana");
  const std::string path = world.file("keys/dana.key");
  const std::string text = read_text(path);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    write_text(path, changed);
    EXPECT_THAT(refusal("dana"), ::testing::AnyOf(ErrorCode::invalid_argument, ErrorCode::permission_denied)) << i;
  }
  for (const std::string& wrong : {std::string(), text + "\n", text + text, text.substr(0, text.size() / 2),
                                   "aldis-approver-key 2" + text.substr(20), std::string(100'000, 'a')}) {
    write_text(path, wrong);
    EXPECT_EQ(refusal("dana"), ErrorCode::invalid_argument);
  }
  write_text(path, text);
  EXPECT_TRUE(ApproverKey::unseal(world.path(), "dana", kPassphrase));
}

TEST_F(ApproverKeys, of_one_are_not_those_of_another) {
  world.enroll("dana");
  ASSERT_EQ(::rename(world.file("keys/dana.key").c_str(), world.file("keys/erik.key").c_str()), 0);
  EXPECT_EQ(refusal("erik"), ErrorCode::invalid_argument);
}

TEST_F(ApproverKeys, that_want_more_memory_than_any_of_ours_are_refused_before_it_is_taken) {
  world.enroll("dana");
  std::string text = read_text(world.file("keys/dana.key"));
  text.replace(text.find(" 1 8192 "), 8, " 1 99999999999 ");
  write_text(world.file("keys/dana.key"), text);
  EXPECT_EQ(refusal("dana"), ErrorCode::invalid_argument);
}

TEST_F(ApproverKeys, that_others_may_read_or_that_are_links_are_refused) {
  world.enroll("dana");
  ASSERT_EQ(::chmod(world.file("keys").c_str(), 0755), 0);
  EXPECT_EQ(refusal("dana"), ErrorCode::failed_precondition);
  ASSERT_EQ(::chmod(world.file("keys").c_str(), 0700), 0);
  ASSERT_EQ(::rename(world.file("keys/dana.key").c_str(), world.file("elsewhere").c_str()), 0);
  ASSERT_EQ(::symlink("../elsewhere", world.file("keys/dana.key").c_str()), 0);
  EXPECT_EQ(refusal("dana"), ErrorCode::failed_precondition);
}

TEST_F(ApproverKeys, lie_in_the_directory_of_their_owner_where_the_policy_is_somebody_elses) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  constexpr uid_t kSomebody = 65534;
  const ConfigurationWorld own;
  ASSERT_EQ(::chown(world.path().c_str(), kSomebody, kSomebody), 0);
  const auto dana = enroll_approver(world.path(), "dana", kPassphrase, kCheapSeal, own.path());
  ASSERT_TRUE(dana) << dana.error().message;
  EXPECT_NE(read_text(own.file("keys/dana.key")), "");
  EXPECT_EQ(read_text(world.file("keys/dana.key")), "");
  const auto key = ApproverKey::unseal(world.path(), "dana", kPassphrase, own.path());
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->key_id(), dana->key_id);
}

// Mappings that no core dump holds.
int undumped_mappings() {
  std::istringstream maps(read_text("/proc/self/smaps"));
  int found = 0;
  for (std::string line; std::getline(maps, line);) found += line.starts_with("VmFlags:") && line.contains(" dd");
  return found;
}

TEST_F(ApproverKeys, that_are_unsealed_are_in_no_core_dump) {
  world.enroll("dana");
  const int before = undumped_mappings();
  const ApproverKey key = world.unseal("dana");
  EXPECT_GT(undumped_mappings(), before);
}

TEST_F(ApproverKeys, that_are_enrolled_as_usual_cost_what_libsodium_calls_moderate) {
  const auto dana = enroll_approver(world.path(), "dana", kPassphrase);
  ASSERT_TRUE(dana) << dana.error().message;
  EXPECT_THAT(read_text(world.file("keys/dana.key")), HasSubstr("\nargon2id 3 268435456 "));
  EXPECT_EQ(world.unseal("dana").key_id(), dana->key_id);
}

// With a key pair whose seed is the number.
Approver make_approver(std::string name, std::size_t number) {
  std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
  std::memcpy(seed.data(), &number, sizeof number);
  PublicKey key{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  Approver approver;
  approver.name = std::move(name);
  approver.public_key = format_public_key(key);
  return approver;
}

class TrustedApprovers : public ApproverKeys {
 protected:
  std::vector<std::string> names() {
    std::vector<std::string> names;
    const auto approvers = list_approvers(world.path());
    for (const Approver& approver : *approvers) names.push_back(approver.name);
    return names;
  }
};

TEST_F(TrustedApprovers, are_listed_in_the_order_in_which_they_were_trusted) {
  EXPECT_THAT(names(), IsEmpty()) << "no file yet";
  const Approver erik = world.trust(world.enroll("erik"));
  const Approver dana = world.trust(world.enroll("dana"));
  const auto approvers = list_approvers(world.path());
  ASSERT_TRUE(approvers) << approvers.error().message;
  ASSERT_THAT(*approvers, SizeIs(2));
  EXPECT_EQ((*approvers)[0].name, "erik");
  EXPECT_EQ((*approvers)[0].public_key, erik.public_key);
  EXPECT_EQ((*approvers)[0].key_id, erik.key_id);
  EXPECT_EQ((*approvers)[0].trusted_at, erik.trusted_at) << "to the microsecond";
  EXPECT_FALSE((*approvers)[0].revoked_at);
  EXPECT_EQ((*approvers)[1].key_id, dana.key_id);
}

TEST_F(TrustedApprovers, have_one_key_that_counts) {
  world.trust(world.enroll("dana"));
  ASSERT_EQ(::unlink(world.file("keys/dana.key").c_str()), 0);
  const Approver second = world.enroll("dana");
  EXPECT_EQ(error_of(trust_approver(world.path(), "dana", second.public_key)).code, ErrorCode::already_exists);
  ASSERT_TRUE(revoke_approver(world.path(), "dana"));
  EXPECT_TRUE(trust_approver(world.path(), "dana", second.public_key));
  EXPECT_THAT(names(), ElementsAre("dana", "dana"));
}

TEST_F(TrustedApprovers, share_no_key) {
  const Approver dana = world.trust(world.enroll("dana"));
  EXPECT_EQ(error_of(trust_approver(world.path(), "erik", dana.public_key)).code, ErrorCode::already_exists);
  ASSERT_TRUE(revoke_approver(world.path(), "dana"));
  EXPECT_EQ(error_of(trust_approver(world.path(), "erik", dana.public_key)).code, ErrorCode::already_exists);
  EXPECT_EQ(error_of(trust_approver(world.path(), "dana", dana.public_key)).code, ErrorCode::already_exists)
      << "a revoked key stays revoked";
}

TEST_F(TrustedApprovers, are_revoked_for_good) {
  world.trust(world.enroll("dana"));
  const Approver erik = world.trust(world.enroll("erik"));
  const auto revoked = revoke_approver(world.path(), "dana");
  ASSERT_TRUE(revoked) << revoked.error().message;
  ASSERT_THAT(*revoked, SizeIs(1));
  EXPECT_TRUE(revoked->front().revoked_at);
  EXPECT_EQ(error_of(revoke_approver(world.path(), "dana")).code, ErrorCode::not_found) << "nothing is left to revoke";
  EXPECT_EQ(error_of(revoke_approver(world.path(), "fay")).code, ErrorCode::not_found);
  const auto approvers = *list_approvers(world.path());
  EXPECT_EQ(approvers[0].revoked_at, revoked->front().revoked_at);
  EXPECT_FALSE(approvers[1].revoked_at);
  EXPECT_EQ(approvers[1].key_id, erik.key_id);
}

TEST_F(TrustedApprovers, need_a_key_that_is_one) {
  const std::string good = world.enroll("dana").public_key;
  const std::string identity = "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";  // anybody could sign for it
  for (const std::string& bad : {std::string(), std::string("ed25519:"), good + "A", good.substr(8), "rsa:" + good,
                                 good + "=", good.substr(0, good.size() - 1), identity}) {
    EXPECT_EQ(error_of(trust_approver(world.path(), "dana", bad)).code, ErrorCode::invalid_argument) << bad;
  }
  EXPECT_THAT(error_of(trust_approver(world.path(), "dana", "ed25519:")).message, HasSubstr("43 characters"));
  EXPECT_THAT(error_of(trust_approver(world.path(), "dana", identity)).message, HasSubstr("not a valid Ed25519 key"));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(TrustedApprovers, of_a_policy_that_belongs_to_another_user_are_changed_by_that_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  const Approver dana = world.trust(world.enroll("dana"));
  ASSERT_EQ(::chown(world.path().c_str(), 65534, 65534), 0);
  for (const Error& error : {error_of(revoke_approver(world.path(), "dana")),
                             error_of(trust_approver(world.path(), "erik", dana.public_key))}) {
    EXPECT_EQ(error.code, ErrorCode::permission_denied);
    EXPECT_THAT(error.message, AllOf(HasSubstr(world.path() + " belongs to user 65534, and this is user 0"),
                                     HasSubstr("run it as that user")));
  }
  EXPECT_FALSE(list_approvers(world.path())->front().revoked_at);
}

TEST_F(TrustedApprovers, can_be_read_by_the_agents_of_other_users) {
  world.trust(world.enroll("dana"));
  struct stat status{};
  ASSERT_EQ(::stat(world.file("approvers.toml").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
}

TEST_F(TrustedApprovers, are_not_lost_when_many_change_them_at_once) {
  constexpr int kEach = 8;
  std::vector<Approver> enrolled;
  for (int i = 0; i < 4 * kEach; ++i) enrolled.push_back(world.enroll("approver-" + std::to_string(i)));
  for (int i = 0; i < kEach; ++i) world.trust(enrolled[i]);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        const Approver& approver = enrolled[writer * kEach + i];
        if (writer == 0) {
          EXPECT_TRUE(revoke_approver(world.path(), approver.name)) << i;
        } else {
          EXPECT_TRUE(trust_approver(world.path(), approver.name, approver.public_key)) << writer << ' ' << i;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const auto approvers = list_approvers(world.path());
  ASSERT_TRUE(approvers) << approvers.error().message;
  EXPECT_THAT(*approvers, SizeIs(4 * kEach));
  for (const Approver& approver : *approvers) {
    bool is_of_first = false;
    for (int i = 0; i < kEach; ++i) is_of_first |= approver.name == enrolled[i].name;
    EXPECT_EQ(approver.revoked_at.has_value(), is_of_first) << approver.name;
  }
}

TEST_F(TrustedApprovers, are_bounded_in_number) {
  std::vector<Approver> many;
  for (std::size_t i = 0; i < limits::kApproversMax; ++i) many.push_back(make_approver("a" + std::to_string(i), i));
  write_text(world.file("approvers.toml"), format_approvers(many));
  ASSERT_THAT(names(), SizeIs(limits::kApproversMax));
  EXPECT_EQ(error_of(trust_approver(world.path(), "dana", world.enroll("dana").public_key)).code,
            ErrorCode::resource_exhausted);
  many.push_back(make_approver("dana", limits::kApproversMax));
  write_text(world.file("approvers.toml"), format_approvers(many));
  EXPECT_EQ(error_of(list_approvers(world.path())).code, ErrorCode::invalid_argument);
}

TEST_F(TrustedApprovers, in_a_file_that_is_not_well_formed_are_refused_with_its_line) {
  const Approver dana = world.trust(world.enroll("dana"));
  const std::string good = read_text(world.file("approvers.toml"));
  const std::string entry = good.substr(good.find("\n[["));
  const std::string head = "version = 1\n";
  struct Bad {
    std::string text;
    std::string line;
  };
  const std::string key = "public_key = \"" + dana.public_key + "\"\n";
  const std::string since = "trusted_at = 2026-11-22T09:00:00Z\n";
  const std::vector<Bad> all = {
      {"", ":1:"},
      {"version = 2\n", ":1:"},
      {"version = \"1\"\n", ":1:"},
      {head + "other = 1\n", ":2:"},
      {head + "approver = 1\n", ":2:"},
      {head + "[[approver]\n", ":2:"},
      {head + "[[approver]]\nname = \"dana\"\n" + since, ":2:"},
      {head + "[[approver]]\nname = \"dana\"\n" + key, ":2:"},
      {head + "[[approver]]\n" + key + since, ":2:"},
      {head + "[[approver]]\nname = \"da na\"\n" + key + since, ":2:"},
      {head + "[[approver]]\nname = \"dana\"\npublic_key = \"x\"\n" + since, ":2:"},
      {head + "[[approver]]\nname = \"dana\"\n" + key + "trusted_at = \"2026\"\n", ":5:"},
      {head + "[[approver]]\nname = \"dana\"\n" + key + "trusted_at = 2026-11-22T09:00:00\n", ":5:"},
      {head + "[[approver]]\nname = \"dana\"\n" + key + since + "revoked = true\n", ":6:"},
      {head + entry + entry, ":8:"},
  };
  for (const Bad& bad : all) {
    write_text(world.file("approvers.toml"), bad.text);
    const Error error = error_of(list_approvers(world.path()));
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << bad.text;
    EXPECT_THAT(error.message, HasSubstr("approvers.toml" + bad.line)) << bad.text;
    EXPECT_EQ(error_of(revoke_approver(world.path(), "dana")).code, ErrorCode::invalid_argument);
    EXPECT_EQ(read_text(world.file("approvers.toml")), bad.text) << "what is not understood is not overwritten";
  }
}

TEST_F(TrustedApprovers, in_a_file_that_others_may_write_to_are_refused) {
  world.trust(world.enroll("dana"));
  for (const mode_t mode : {0620, 0602, 0666}) {
    ASSERT_EQ(::chmod(world.file("approvers.toml").c_str(), mode), 0);
    const Error error = error_of(list_approvers(world.path()));
    EXPECT_EQ(error.code, ErrorCode::failed_precondition);
    EXPECT_THAT(error.message, HasSubstr("chmod"));
  }
}

TEST_F(TrustedApprovers, that_cannot_be_written_stay_as_they_were) {
  world.trust(world.enroll("dana"));
  const Approver erik = world.enroll("erik");
  ASSERT_EQ(::mkdir(world.file("approvers.toml.new").c_str(), 0700), 0) << "in the way of what is written";
  EXPECT_FALSE(trust_approver(world.path(), "erik", erik.public_key));
  EXPECT_FALSE(revoke_approver(world.path(), "dana"));
  EXPECT_THAT(names(), ElementsAre("dana"));
  EXPECT_FALSE(list_approvers(world.path())->front().revoked_at);
}

}  // namespace
}  // namespace aldis::testing
