#include "engines/local/expiry_notices.h"

#include <algorithm>

#include "aldis/limits.h"
#include "engines/local/board_keys.h"

namespace aldis::local {

Expired PendingNotice::told() const {
  return {.signal_id = format_id(kSignalIdPrefix, notice.id),
          .signal_type = type,
          .source_agent = notice.source,
          .sent_at = notice.sent_at,
          .expired_at = notice.expired_at,
          .count = count};
}

bool matches(const SignalFilter& filter, std::string_view source) {
  return filter.source.empty() || filter.source == source;
}

std::string ExpiryNotices::untold_prefix() const { return lane_key(board_key::kMailbox, agent_, board_key::kUntold); }

void ExpiryNotices::add(std::string_view type, std::uint64_t commit, const ExpiryNotice& notice) {
  tables_.put(with_commit(with_name(untold_prefix(), type), commit), notice);
}

void ExpiryNotices::fold_untold(std::string_view type, std::uint64_t commit) {
  const std::string key = with_commit(with_name(untold_prefix(), type), commit);
  const auto notice = tables_.get<ExpiryNotice>(key);
  if (!notice) return;
  fold(Folds::targeted, type, commit, *notice);
  if (!tables_.is_damaged()) tables_.board().erase(key);
}

void ExpiryNotices::fold(Folds folds, std::string_view type, std::uint64_t commit, const ExpiryNotice& notice) {
  const std::string key = names_key(static_cast<char>(folds), agent_, type);
  // Not simply now: what is folded must not depend on when somebody came to do it.
  const BootTime gone_at = std::min(now_, notice.ended + limits::kTombstoneRetention);
  FoldedNotice folded = tables_.get_kept<FoldedNotice>(key, gone_at).value_or(FoldedNotice{});
  if (tables_.is_damaged()) return;
  folded.keep_until = std::max(folded.keep_until, notice.ended + limits::kPositionRetention);
  if (folded.count++ == 0 || commit >= folded.commit) {
    folded.commit = commit;
    folded.newest = notice;
  }
  tables_.put_kept(key, folded);
}

std::optional<PendingNotice> ExpiryNotices::find_folded(Folds folds, const SignalFilter& filter) {
  std::optional<PendingNotice> first;
  for (const std::string& type : tables_.names_after(name_key(static_cast<char>(folds), agent_), filter.types)) {
    std::string key = names_key(static_cast<char>(folds), agent_, type);
    const auto folded = tables_.get_kept<FoldedNotice>(key, now_);
    if (!folded || folded->count == 0 || !matches(filter, folded->newest.source)) continue;
    if (first && first->commit < folded->commit) continue;
    first = PendingNotice{std::move(key), folded->commit, type, folded->count, folded->newest};
  }
  return first;
}

std::optional<PendingNotice> ExpiryNotices::find(const SignalFilter& filter, std::uint64_t after) {
  std::optional<PendingNotice> first;
  for (const std::string& type : tables_.names_after(untold_prefix(), filter.types)) {
    const std::string prefix = with_name(untold_prefix(), type);
    tables_.each(prefix, with_commit(prefix, after + 1), [&](std::string_view key, std::string_view value) {
      const std::uint64_t commit = commit_of(key);
      if (first && first->commit < commit) return false;
      const auto notice = tables_.read<ExpiryNotice>(key, value);
      if (!notice || !matches(filter, notice->source)) return true;
      first = PendingNotice{std::string(key), commit, type, 1, *notice};
      return false;
    });
  }
  return first;
}

// A folded one stays, empty: it has one due entry, and one more for each that took its place would fill the board.
void ExpiryNotices::tell(const PendingNotice& notice) {
  const bool is_folded = notice.key.front() != board_key::kMailbox;
  auto folded = is_folded ? tables_.get_kept<FoldedNotice>(notice.key, now_) : std::optional<FoldedNotice>();
  if (!folded) {
    tables_.board().erase(notice.key);
    return;
  }
  folded->count = 0;
  tables_.put_kept(notice.key, *folded);
}

}  // namespace aldis::local
