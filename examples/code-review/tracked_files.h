#pragma once
// The files that git tracks, and their contents. Used by the scout and the reviewers; implemented in tracked_files.cc.
//
// Model: a name is any bytes but NUL. Only regular files are read: links are not followed, submodules and what is gone
// from the work tree are skipped with a note. Threads: pure but for the file system.
// Errors: `tracked_files`: failed_precondition if git does not run or says no; its own words go to standard error.

#include <aldis/result.h>

#include <cstddef>
#include <string>
#include <vector>

namespace code_review {

inline constexpr std::size_t kFileBytesMax = 4 * 1024 * 1024;  // larger files are skipped

// `git ls-files` of the repository or of a directory in one: paths from there, sorted, each once.
aldis::Result<std::vector<std::string>> tracked_files(const std::string& repository);

struct FileContent {
  std::string text = {};
  std::string skipped = {};  // why there is no text; empty: there is
};

FileContent read_file(const std::string& repository, const std::string& path);

}  // namespace code_review
