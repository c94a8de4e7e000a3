#include "engines/local/board_report.h"

#include <algorithm>

#include "aldis/limits.h"
#include "engines/local/environment_registry.h"

namespace aldis {
namespace {

void describe(BoardEnvironment& environment, std::chrono::nanoseconds timeout, BoardReport& report) {
  const BoardEnvironment::Usage usage = environment.usage();
  const Result<std::size_t> free_pages = environment.count_free_pages(timeout);
  if (!free_pages) report.problem = free_pages.error();
  report.bytes_max = usage.pages_max * usage.page_bytes;
  report.bytes_used = (usage.pages_touched - std::min(usage.pages_touched, free_pages.value_or(0))) * usage.page_bytes;
  report.readers = environment.count_readers();
  report.readers_max = usage.readers_max;
  report.last_transaction_id = environment.last_transaction_id();
  const auto pin = environment.oldest_pin();
  if (!pin) return;
  const std::uint64_t pinned = environment.first_id() + pin->transaction_id;
  if (pinned < report.last_transaction_id) report.oldest_pin = {pin->pid, report.last_transaction_id - pinned};
}

}  // namespace

BoardReport inspect_board(const BoardOptions& options) {
  const std::chrono::nanoseconds timeout =
      options.call_timeout == std::chrono::nanoseconds::zero() ? limits::kCallTimeoutDefault : options.call_timeout;
  BoardReport report;
  report.path = board_files(options.runtime_directory, options.namespace_name).data;
  report.exists = FileKey::of(report.path).has_value();
  report.other_boards = list_boards(options.runtime_directory);
  std::erase_if(report.other_boards, [&](const FoundBoard& board) {
    return board.namespace_name == options.namespace_name && board.version == kBoardFormatVersion;
  });
  if (!report.exists) return report;
  const auto environment = acquire_environment({options.runtime_directory, options.namespace_name}, options.bytes_max,
                                               timeout, options.clock->boot_now());
  if (environment) {
    describe(**environment, timeout, report);
  } else {
    report.problem = environment.error();
  }
  return report;
}

}  // namespace aldis
