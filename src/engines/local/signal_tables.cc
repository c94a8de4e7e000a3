#include "engines/local/signal_tables.h"

#include "core/failure.h"
#include "engines/local/reclaim.h"

namespace aldis::local {

Result<void> SignalTables::intact() const {
  if (damaged_kind_ == 0) return {};
  return fail(
      ErrorCode::data_loss,
      "a record of kind '{}' on the board is missing or cannot be read; stop all agents and remove the board's files "
      "to start afresh",
      damaged_kind_);
}

void SignalTables::note_damage(std::string_view key) {
  if (damaged_kind_ == 0) damaged_kind_ = key.empty() ? '?' : key.front();
}

void SignalTables::ensure_due(std::string_view key, BootTime due) {
  if (!board_.get(key)) set_due(board_, due, key);
}

std::vector<std::string> SignalTables::names_after(std::string_view prefix, const std::vector<std::string>& types) {
  if (!types.empty()) return types;
  static const std::string kPastEveryCommit(sizeof(std::uint64_t) + 1, '\xFF');
  std::vector<std::string> names;
  std::string from(prefix);
  while (const auto entry = board_.seek(prefix, from)) {
    const std::string_view name = last_name(entry->key, prefix);
    names.emplace_back(name);
    from.assign(entry->key.substr(0, prefix.size() + sizeof(std::uint16_t) + name.size())).append(kPastEveryCommit);
  }
  return names;
}

}  // namespace aldis::local
