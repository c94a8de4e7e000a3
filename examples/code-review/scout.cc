#include "agent.h"
#include "messages.h"
#include "outbox.h"
#include "roles.h"
#include "tracked_files.h"

namespace code_review {
namespace {

aldis::Result<void> announce(Agent& agent, std::size_t count) {
  const auto payload = encode_count(count);
  if (!payload) return std::unexpected(payload.error());
  const auto sent = agent.signals.signal(kFilesListed, kReporter, *payload, kTtl);
  if (!sent) return std::unexpected(sent.error());
  return {};
}

aldis::Result<void> hand_out(Agent& agent, Outbox& outbox, const FileTask& task) {
  const auto payload = encode_task(task);
  if (!payload) return std::unexpected(payload.error());
  if (auto sent = outbox.send(kReviewFile, *payload); !sent) return sent;
  return agent.beat("handing out", task.number, task.count, task.path);
}

}  // namespace

aldis::Result<void> run_scout(const std::string& repository, bool hold_half_way) {
  auto agent = join_fleet();
  if (!agent) return std::unexpected(agent.error());
  const auto files = tracked_files(repository);
  if (!files) return std::unexpected(files.error());
  if (auto announced = announce(*agent, files->size()); !announced) return announced;

  std::size_t number = 0;
  Outbox outbox(agent->signals, kReviewers, [&] { return agent->beat("waiting for room", number, files->size()); });
  for (const std::string& path : *files) {
    const bool hold = hold_half_way && number == files->size() / 2;
    ++number;
    if (auto done = hand_out(*agent, outbox, {path, number, files->size(), hold}); !done) return done;
  }
  return {};
}

}  // namespace code_review
