#pragma once
// What the agents say to each other: the types of their signals and the payloads as C++ values. Used by every role;
// implemented in messages.cc.
//
//   signal           from → to              payload
//   files_listed     scout → reporter       {"count"}
//   review_file      scout → reviewers      {"path","number","count","hold"}
//   holding          a reviewer → demo      {}
//   file_reviewed    a reviewer → reporter {"path","skipped","findings":[{"line","check","text"}],"unlisted","attempt"}
//   review_complete  reporter → everybody   {}
//
// and what the reporter asks people for: the approval publish-report {"question","report","files","findings"}.
//
// Model: "reviewers" is one mailbox that all reviewers read, so each file goes to exactly one of them; "demo" is
// whoever started the fleet. Paths are escaped on the way, because file names need not be UTF-8. Threads: pure
// functions. Errors: decode answers invalid_argument for a payload that is not as above. Limits: a payload never passes
// aldis::limits::kPayloadBytesMax, whatever is in the file.

#include <aldis/json.h>
#include <aldis/result.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"

namespace code_review {

inline constexpr char kFilesListed[] = "files_listed";
inline constexpr char kReviewFile[] = "review_file";
inline constexpr char kHolding[] = "holding";
inline constexpr char kFileReviewed[] = "file_reviewed";
inline constexpr char kReviewComplete[] = "review_complete";

inline constexpr char kPublishReport[] = "publish-report";

inline constexpr char kReviewers[] = "reviewers";
inline constexpr char kReporter[] = "reporter";
inline constexpr char kDemo[] = "demo";

// Longer than any review takes: here an expired signal is a failure, not a way to work.
inline constexpr std::chrono::hours kTtl{24};

inline constexpr std::size_t kFindingsPerFileMax = 200;  // more are counted, not listed
inline constexpr std::size_t kPathBytesMax = 4096;       // what the system allows

struct FileTask {
  std::string path;        // as git names it
  std::size_t number = 0;  // 1 … count
  std::size_t count = 0;
  bool hold = false;  // whoever gets it first keeps it, so that the demo can kill a reviewer with files in hand
};

struct FileReview {
  std::string path;
  std::string skipped;  // why the file was not looked into; empty: it was
  std::vector<Finding> findings;
  std::size_t unlisted = 0;   // findings beyond kFindingsPerFileMax
  std::uint32_t attempt = 1;  // more: a reviewer before this one died
};

aldis::Result<aldis::Json> encode_count(std::size_t count);
aldis::Result<std::size_t> decode_count(const aldis::Json& payload);

aldis::Result<aldis::Json> encode_task(const FileTask& task);
aldis::Result<FileTask> decode_task(const aldis::Json& payload);

aldis::Result<aldis::Json> encode_review(const FileReview& review);
aldis::Result<FileReview> decode_review(const aldis::Json& payload);

}  // namespace code_review
