#include "engines/local/appearance.h"

#include "aldis/limits.h"
#include "engines/local/board_keys.h"

namespace aldis::local {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kRefreshInterval = 1h;

BootTime refresh_time(const AppearedRecord& record) {
  return record.keep_until - limits::kPositionRetention + kRefreshInterval;
}

}  // namespace

std::optional<Appearance> find_fresh_appearance(SignalTables& tables, std::string_view agent, BootTime now) {
  const auto record = tables.get_kept<AppearedRecord>(name_key(board_key::kAppeared, agent), now);
  if (!record || refresh_time(*record) <= now) return std::nullopt;
  return Appearance{record->appeared, refresh_time(*record)};
}

Appearance use_appearance(SignalTables& tables, std::string_view agent, BootTime now) {
  const std::string key = name_key(board_key::kAppeared, agent);
  AppearedRecord record = tables.get_kept<AppearedRecord>(key, now).value_or(AppearedRecord{{}, now});
  if (record.keep_until == BootTime{} || refresh_time(record) <= now) {
    record.keep_until = now + limits::kPositionRetention;
    tables.put_kept(key, record);
  }
  return {record.appeared, refresh_time(record)};
}

BootTime appeared_or_now(SignalTables& tables, std::string_view agent, BootTime now) {
  const auto record = tables.get_kept<AppearedRecord>(name_key(board_key::kAppeared, agent), now);
  return record ? record->appeared : now;
}

std::vector<AppearedAgent> list_appeared(SignalTables& tables, BootTime now) {
  std::vector<AppearedAgent> agents;
  const std::string prefix(1, board_key::kAppeared);
  tables.each(prefix, prefix, [&](std::string_view key, std::string_view value) {
    const auto record = tables.read<AppearedRecord>(key, value);
    if (record && record->keep_until > now) {
      agents.push_back({std::string(last_name(key, prefix)), record->appeared});
    }
    return true;
  });
  return agents;
}

}  // namespace aldis::local
