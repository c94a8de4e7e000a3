#include "domain/approver_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/clock.h"
#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"
#include "domain/approver_keys.h"
#include "domain/configuration_directory.h"

namespace aldis {
namespace {

constexpr mode_t kReadableByAll = 0644;  // public keys; the agents that wait may be other users

class ApproverParser {
 public:
  explicit ApproverParser(const std::string& path) : path_(path) {}

  Result<std::vector<Approver>> parse(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text, path_);
    if (!parsed) return wrong(parsed.error().source().begin.line, parsed.error().description());
    for (const auto& [key, node] : parsed.table()) {
      if (key == "version") {
        if (node.value<std::int64_t>() != 1) return wrong(node, "version must be 1: a later Aldis wrote this file");
      } else if (key == "approver" && node.is_array_of_tables()) {
        for (const toml::node& entry : *node.as_array()) ALDIS_TRY(add(*entry.as_table()));
      } else {
        return wrong(key.source().begin.line, fmt::format("unknown key {}", key.str()));
      }
    }
    if (!parsed.table().contains("version")) return wrong(1, "version = 1 is missing");
    return std::move(approvers_);
  }

 private:
  std::unexpected<Error> wrong(std::uint32_t line, std::string_view what) const {
    return fail(ErrorCode::invalid_argument, "{}:{}: {}", path_, line, what);
  }
  std::unexpected<Error> wrong(const toml::node& node, std::string_view what) const {
    return wrong(node.source().begin.line, what);
  }

  Result<WallTime> time_of(const toml::node& node) const {
    const toml::value<toml::date_time>* const value = node.as_date_time();
    if (value == nullptr || !value->get().offset) return wrong(node, "a time in UTC is needed");
    const auto& [date, time, offset] = value->get();
    using namespace std::chrono;
    const sys_days day{year{date.year} / month{date.month} / std::chrono::day{date.day}};
    return WallTime{day + hours{time.hour} + minutes{time.minute - offset->minutes} + seconds{time.second} +
                    duration_cast<microseconds>(nanoseconds{time.nanosecond})};
  }

  Result<void> read_field(std::string_view key, const toml::node& node, Approver& approver) const {
    if (key == "name" && node.is_string()) {
      approver.name = **node.as_string();
    } else if (key == "public_key" && node.is_string()) {
      approver.public_key = **node.as_string();
    } else if (key == "trusted_at") {
      ALDIS_TRY_ASSIGN(approver.trusted_at, time_of(node));
    } else if (key == "revoked_at") {
      ALDIS_TRY_ASSIGN(approver.revoked_at, time_of(node));
    } else {
      return wrong(node, fmt::format("{} is not a key that can stand here, or has no text", key));
    }
    return {};
  }

  Result<void> add(const toml::table& table) {
    Approver approver;
    for (const auto& [key, node] : table) ALDIS_TRY(read_field(key.str(), node, approver));
    if (const auto named = check_approver_name(approver.name); !named) return wrong(table, named.error().message);
    if (!table.contains("trusted_at")) return wrong(table, "trusted_at is missing");
    const Result<PublicKey> key = parse_public_key(approver.public_key);
    if (!key) return wrong(table, fmt::format("public_key of {}: {}", approver.name, key.error().message));
    approver.key_id = key_id_of(*key);
    if (std::ranges::find(approvers_, approver.key_id, &Approver::key_id) != approvers_.end()) {
      return wrong(table, fmt::format("the key {} is here twice", approver.key_id));
    }
    if (approvers_.size() == limits::kApproversMax) {
      return wrong(table, fmt::format("more than {} keys", limits::kApproversMax));
    }
    approvers_.push_back(std::move(approver));
    return {};
  }

  const std::string& path_;
  std::vector<Approver> approvers_;
};

// Whoever guards the policy is often another user, and what is changed in any other directory counts nowhere.
Result<void> check_owner(const std::string& directory) {
  struct stat status{};
  if (stat(directory.c_str(), &status) != 0 || status.st_uid == geteuid()) return {};
  return fail(ErrorCode::permission_denied,
              "the policy in {} belongs to user {}, and this is user {}: run it as that user, who alone changes which "
              "keys count",
              directory, status.st_uid, geteuid());
}

// The file, held for a change.
class ApproverFile {
 public:
  static Result<ApproverFile> open(const std::string& directory) {
    ALDIS_TRY(check_owner(directory));
    ALDIS_TRY_ASSIGN(FileDescriptor folder, make_own_directory(directory, Others::may_list));
    ALDIS_TRY_ASSIGN(ConfigurationLock lock, ConfigurationLock::take(folder));
    ALDIS_TRY_ASSIGN(std::vector<Approver> approvers, list_approvers(directory));
    return ApproverFile(std::move(folder), std::move(lock), std::move(approvers));
  }

  std::vector<Approver>& approvers() { return approvers_; }
  Result<void> write() const {
    return replace_own_file(folder_, kApproverFile, format_approvers(approvers_), kReadableByAll);
  }

 private:
  ApproverFile(FileDescriptor folder, ConfigurationLock lock, std::vector<Approver> approvers)
      : folder_(std::move(folder)), lock_(std::move(lock)), approvers_(std::move(approvers)) {}

  FileDescriptor folder_;
  ConfigurationLock lock_;
  std::vector<Approver> approvers_;
};

Result<void> check_new(const std::vector<Approver>& approvers, const Approver& added) {
  for (const Approver& known : approvers) {
    if (known.key_id == added.key_id) {
      return fail(ErrorCode::already_exists, "that key is {} the one of {}: enroll a new one",
                  known.revoked_at ? "revoked, and was" : "trusted already, as", known.name);
    }
    if (known.name == added.name && !known.revoked_at) {
      return fail(ErrorCode::already_exists, "{} has the key {} already: revoke that first", known.name, known.key_id);
    }
  }
  if (approvers.size() < limits::kApproversMax) return {};
  return fail(ErrorCode::resource_exhausted, "{} keys are known, which is all that fit", approvers.size());
}

}  // namespace

Result<std::vector<Approver>> parse_approvers(std::string_view text, const std::string& path) {
  return ApproverParser(path).parse(text);
}

std::string format_approvers(const std::vector<Approver>& approvers) {
  std::string text = "# Written by aldis approvers. Change it with that.\nversion = 1\n";
  for (const Approver& approver : approvers) {
    text += fmt::format("\n[[approver]]\nname = \"{}\"\npublic_key = \"{}\"\ntrusted_at = {}\n", approver.name,
                        approver.public_key, format_timestamp(approver.trusted_at));
    if (approver.revoked_at) text += fmt::format("revoked_at = {}\n", format_timestamp(*approver.revoked_at));
  }
  return text;
}

Result<std::vector<Approver>> list_approvers(const std::string& directory) {
  ALDIS_TRY_ASSIGN(const std::optional<std::string> text, read_configuration_file(directory, kApproverFile));
  if (!text) return std::vector<Approver>();
  return parse_approvers(*text, directory + "/" + kApproverFile);
}

Result<Approver> trust_approver(const std::string& directory, std::string_view name, std::string_view public_key) {
  ALDIS_TRY(check_approver_name(name));
  ALDIS_TRY_ASSIGN(const PublicKey key, parse_public_key(public_key));
  ALDIS_TRY_ASSIGN(ApproverFile file, ApproverFile::open(directory));
  Approver added{.name = std::string(name),
                 .public_key = std::string(public_key),
                 .key_id = key_id_of(key),
                 .trusted_at = SystemClock().wall_now(),
                 .revoked_at = {}};
  ALDIS_TRY(check_new(file.approvers(), added));
  file.approvers().push_back(added);
  ALDIS_TRY(file.write());
  return added;
}

Result<std::vector<Approver>> revoke_approver(const std::string& directory, std::string_view name) {
  ALDIS_TRY(check_approver_name(name));
  ALDIS_TRY_ASSIGN(ApproverFile file, ApproverFile::open(directory));
  std::vector<Approver> revoked;
  for (Approver& approver : file.approvers()) {
    if (approver.name != name || approver.revoked_at) continue;
    approver.revoked_at = SystemClock().wall_now();
    revoked.push_back(approver);
  }
  if (revoked.empty()) {
    return fail(ErrorCode::not_found, "{} has no trusted key in {}/{}", name, directory, kApproverFile);
  }
  ALDIS_TRY(file.write());
  return revoked;
}

}  // namespace aldis
