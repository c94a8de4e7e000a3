#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>
#include <variant>
#include <vector>

#include "agent.h"
#include "checks.h"
#include "messages.h"
#include "outbox.h"
#include "roles.h"
#include "tracked_files.h"

namespace code_review {
namespace {

using aldis::CoordinationSignal;
using aldis::CoordinationSignals;

constexpr std::size_t kFilesInHand = 4;

// Far longer than any file takes. If a reviewer dies, its files go back at once all the same: Aldis sees that the
// process is gone. The time only matters for one that hangs.
constexpr std::chrono::minutes kAcknowledgeWithin{10};

FileReview look_into(const std::string& repository, const std::string& path) {
  FileContent content = read_file(repository, path);
  FileReview review{.path = path, .skipped = std::move(content.skipped), .findings = {}};
  review.findings = check_text(path, content.text);
  if (review.findings.size() > kFindingsPerFileMax) {
    review.unlisted = review.findings.size() - kFindingsPerFileMax;
    review.findings.resize(kFindingsPerFileMax);
  }
  return review;
}

// Adds what was delivered, if anything was.
template <class Outcome>
aldis::Result<bool> keep_file(const aldis::Result<Outcome>& outcome, std::vector<CoordinationSignal>& files) {
  if (!outcome) return std::unexpected(outcome.error());
  if (std::holds_alternative<aldis::Expired>(*outcome)) {
    return std::unexpected(
        aldis::Error{aldis::ErrorCode::deadline_exceeded, "a file expired before anybody reviewed it", false});
  }
  const auto* delivered = std::get_if<aldis::Delivered>(&*outcome);
  if (delivered != nullptr) files.push_back(delivered->signal);
  return delivered != nullptr;
}

class Reviewer {
 public:
  // REQUIRES: all of them outlive the reviewer.
  Reviewer(Agent& agent, CoordinationSignals& inbox, const std::string& repository, std::stop_token complete)
      : agent_(agent),
        inbox_(inbox),
        repository_(repository),
        complete_(std::move(complete)),
        outbox_(agent.signals, kReporter, [this] { return agent_.beat("waiting for room", number_, count_); }) {}

  aldis::Result<void> run() {
    while (!complete_.stop_requested()) {
      const auto files = reserve_files();
      if (!files) return std::unexpected(files.error());
      if (files->empty()) {
        if (auto beaten = agent_.beat("waiting for files", number_, count_); !beaten) return beaten;
      }
      for (const CoordinationSignal& file : *files) {
        if (auto reviewed = review(file); !reviewed) return reviewed;
      }
    }
    return {};
  }

 private:
  // Waits for one file, and takes a few more if they are there already. None: it is time to beat, or all is done.
  aldis::Result<std::vector<CoordinationSignal>> reserve_files() {
    const aldis::TakeOptions reserve{.acknowledge_within = kAcknowledgeWithin};
    std::vector<CoordinationSignal> files;
    auto got_one = keep_file(inbox_.wait_for_signal({kReviewFile}, {}, kBeatEvery, reserve, complete_), files);
    while (got_one && *got_one && files.size() < kFilesInHand) {
      got_one = keep_file(inbox_.check_signal({kReviewFile}, {}, reserve), files);
    }
    if (!got_one) return std::unexpected(got_one.error());
    return files;
  }

  aldis::Result<void> review(const CoordinationSignal& file) {
    const auto task = decode_task(file.payload);
    if (!task) return std::unexpected(task.error());
    number_ = std::max(number_, task->number);
    count_ = task->count;
    if (task->hold && file.attempt == 1) return hold(*task);
    if (auto beaten = agent_.beat("reviewing", number_, count_, task->path); !beaten) return beaten;
    FileReview review = look_into(repository_, task->path);
    review.attempt = file.attempt;
    return hand_in(review, file.signal_id);
  }

  // Sends first, acknowledges then: whoever dies in between has the file reviewed twice, never not at all.
  aldis::Result<void> hand_in(const FileReview& review, const std::string& signal_id) {
    const auto payload = encode_review(review);
    if (!payload) return std::unexpected(payload.error());
    if (auto sent = outbox_.send(kFileReviewed, *payload); !sent) return sent;
    auto acknowledged = inbox_.acknowledge(signal_id);
    // The other reviewer has it by now: its review and ours are the same.
    if (!acknowledged && acknowledged.error().code == aldis::ErrorCode::conflict) return {};
    return acknowledged;
  }

  // Stays where it is, with files in hand, so that the demo can kill it there.
  aldis::Result<void> hold(const FileTask& task) {
    if (auto beaten = agent_.beat("holding", number_, count_, task.path); !beaten) return beaten;
    if (auto sent = agent_.signals.signal(kHolding, kDemo, {}, kTtl); !sent) return std::unexpected(sent.error());
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, complete_, [] { return false; });
    return {};
  }

  Agent& agent_;
  CoordinationSignals& inbox_;
  const std::string& repository_;
  std::stop_token complete_;
  Outbox outbox_;
  std::size_t number_ = 0;  // of the furthest file, out of count_
  std::size_t count_ = 0;
};

}  // namespace

aldis::Result<void> run_reviewer(const std::string& repository) {
  std::stop_source complete;
  auto agent = join_fleet();
  if (!agent) return std::unexpected(agent.error());
  // The second mailbox of this process: it acts as "reviewers" too, and so does every other reviewer.
  auto inbox = CoordinationSignals::open(agent->workspace, kReviewers);
  if (!inbox) return std::unexpected(inbox.error());
  auto registered = agent->signals.on_signal(
      {kReviewComplete}, kReporter, [&](const aldis::SignalNews&) { complete.request_stop(); }, complete.get_token());
  if (!registered) return registered;
  return Reviewer(*agent, *inbox, repository, complete.get_token()).run();
}

}  // namespace code_review
