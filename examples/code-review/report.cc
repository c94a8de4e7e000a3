#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <system_error>
#include <variant>

#include "agent.h"
#include "messages.h"
#include "permission.h"
#include "report_writer.h"
#include "roles.h"

namespace code_review {
namespace {

class Collection {
 public:
  bool complete() const { return expected_ && reviews_.size() == *expected_; }
  std::size_t done() const { return reviews_.size(); }
  std::size_t expected() const { return expected_.value_or(0); }
  std::size_t handed_back() const { return handed_back_; }
  const Reviews& reviews() const { return reviews_; }

  aldis::Result<void> add(const aldis::CoordinationSignal& signal) {
    if (signal.signal_type == kFilesListed) {
      const auto count = decode_count(signal.payload);
      if (!count) return std::unexpected(count.error());
      expected_ = *count;
      return {};
    }
    auto review = decode_review(signal.payload);
    if (!review) return std::unexpected(review.error());
    last_path_ = review->path;
    const bool again = review->attempt > 1;
    // A file that was reviewed twice is the same twice: the first one counts.
    const bool added = reviews_.try_emplace(last_path_, *std::move(review)).second;
    if (added && again) ++handed_back_;
    return {};
  }

  const std::string& last_path() const { return last_path_; }

 private:
  Reviews reviews_;
  std::optional<std::size_t> expected_;
  std::size_t handed_back_ = 0;
  std::string last_path_;
};

aldis::Result<Collection> collect(Agent& agent) {
  Collection collection;
  while (!collection.complete()) {
    const auto outcome = agent.signals.wait_for_signal({kFilesListed, kFileReviewed}, {}, kBeatEvery);
    if (!outcome) return std::unexpected(outcome.error());
    if (std::holds_alternative<aldis::Expired>(*outcome)) {
      return std::unexpected(aldis::Error{aldis::ErrorCode::deadline_exceeded, "a review expired unread", false});
    }
    if (const auto* delivered = std::get_if<aldis::Delivered>(&*outcome)) {
      if (auto added = collection.add(delivered->signal); !added) return std::unexpected(added.error());
    }
    auto beaten = agent.beat("collecting", collection.done(), collection.expected(), collection.last_path());
    if (!beaten) return std::unexpected(beaten.error());
  }
  return collection;
}

// A reader sees the old report or the new one, never half of one.
aldis::Result<void> write_file(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".unfinished";
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(unfinished, path, error);
  if (file && !error) return {};
  std::filesystem::remove(unfinished, error);
  return std::unexpected(aldis::Error{aldis::ErrorCode::failed_precondition,
                                      "cannot write " + path + "; name another file with --output=FILE"});
}

}  // namespace

aldis::Result<void> run_reporter(const std::string& report_path) {
  auto agent = join_fleet();
  if (!agent) return std::unexpected(agent.error());
  const auto collection = collect(*agent);
  if (!collection) return std::unexpected(collection.error());
  if (auto allowed = ask_permission(*agent, report_path, collection->reviews()); !allowed) return allowed;
  if (auto written = write_file(report_path, render_report(collection->reviews())); !written) return written;
  if (auto told = agent->signals.broadcast(kReviewComplete, {}, kTtl); !told) return std::unexpected(told.error());
  std::cout << render_summary(collection->reviews());
  if (collection->handed_back() > 0) {
    std::cout << "\nhanded back by a reviewer that died, and reviewed by the other: " << collection->handed_back()
              << "\n";
  }
  std::cout.flush();
  return {};
}

}  // namespace code_review
