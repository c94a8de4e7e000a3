#include "engines/local/state_directory.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "core/failure.h"
#include "core/network_file_system.h"
#include "core/private_files.h"
#include "core/try.h"

namespace aldis {
namespace {

std::string home_of_user() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* user = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &user);
  return user == nullptr ? std::string() : std::string(user->pw_dir);
}

}  // namespace

std::string choose_state_directory(const std::string& given) {
  std::string chosen = given;
  if (chosen.empty()) {
    const std::string home = home_of_user();
    if (!home.starts_with('/')) return {};
    chosen = home + "/.local/state/aldis";
  }
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(chosen, failure);
  if (failure) return chosen;
  const std::string normal = absolute.lexically_normal().string();
  return normal.size() > 1 && normal.ends_with('/') ? normal.substr(0, normal.size() - 1) : normal;
}

Result<void> prepare_state_directory(const std::string& path) {
  if (path.empty()) {
    return fail(ErrorCode::failed_precondition,
                "the user database names no home directory for user {}: choose a state directory with ALDIS_STATE_DIR",
                geteuid());
  }
  ALDIS_TRY(refuse_network_state_directory(path));
  const Result<FileDescriptor> made = make_own_directory(path, Others::nothing);
  if (made) return {};
  return fail(made.error().code, "cannot use the state directory {}: {} (or choose another with ALDIS_STATE_DIR)", path,
              made.error().message);
}

Result<void> refuse_network_state_directory(const std::string& path) {
  if (const auto place = network_on_the_way(read_mountinfo().value_or(""), path)) {
    return fail(ErrorCode::failed_precondition,
                "the state directory {} leads to {}, which is on a network file system ({}), where locks do not hold: "
                "choose another with ALDIS_STATE_DIR, or use a Redis store",
                path, place->path, place->type);
  }
  return {};
}

}  // namespace aldis
