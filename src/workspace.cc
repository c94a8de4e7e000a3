// Wires a store to the domain: the one file that knows both the engines and the Workspace.

#include "aldis/workspace.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"
#include "domain/workspace_impl.h"
#include "engines/host/proc_process_table.h"
#include "engines/local/board.h"
#include "engines/local/doorbell.h"
#include "engines/local/drop_counter.h"
#include "engines/local/ledger.h"
#include "engines/local/local_approvals.h"
#include "engines/local/local_audit.h"
#include "engines/local/local_event_groups.h"
#include "engines/local/local_events.h"
#include "engines/local/local_heartbeats.h"
#include "engines/local/local_signals.h"
#include "engines/local/runtime_directory.h"
#include "engines/local/state_directory.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/password_file.h"
#include "engines/redis/redis_approvals.h"
#include "engines/redis/redis_audit.h"
#include "engines/redis/redis_event_groups.h"
#include "engines/redis/redis_events.h"
#include "engines/redis/redis_heartbeats.h"
#include "engines/redis/redis_signals.h"
#include "engines/redis/redis_waker.h"
#include "engines/redis/store_url.h"

namespace aldis {
namespace {

constexpr std::string_view kLocalStore = "local:";

// What stands in front of "://" and cannot hold a password; "" if there is no such thing.
std::string_view scheme_of(std::string_view store) {
  const std::string_view scheme = store.substr(0, std::min(store.find("://"), store.size()));
  const bool is_scheme =
      scheme.size() < store.size() &&
      std::ranges::all_of(
          scheme, [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '.' || c == '-'; });
  return is_scheme ? scheme : std::string_view();
}

Result<void> check_store(std::string_view store) {
  if (store == kLocalStore || is_redis_url(store)) return {};
  if (store.substr(0, store.find(':')) == "local") {
    return fail(ErrorCode::invalid_argument,
                "the local store is spelled \"local:\" and nothing else; another place is chosen by the runtime "
                "directory (ALDIS_RUNTIME_DIR)");
  }
  const std::string_view scheme = scheme_of(store);
  return fail(ErrorCode::invalid_argument,
              "unknown kind of store{}: use local: (this machine) or a URL that begins with redis:// (or rediss://, "
              "redis+unix://, redis+sentinel://, redis+cluster://)",
              scheme.empty() ? std::string() : fmt::format(" \"{}://\"", scheme));
}

Result<void> check_options(const WorkspaceOptions& options) {
  ALDIS_TRY(check_store(options.store));
  ALDIS_TRY(check_namespace(options.namespace_name));
  if (options.call_timeout <= std::chrono::nanoseconds::zero()) {
    return fail(ErrorCode::invalid_argument, "call_timeout must be longer than 0");
  }
  return {};
}

Result<WorkspaceParts> open_local(WorkspaceOptions& options) {
  options.runtime_directory = choose_runtime_directory(options.runtime_directory);
  const auto clock = std::make_shared<SystemClock>();
  const std::shared_ptr<ProcessTable> processes = make_proc_process_table();
  ALDIS_TRY(prepare_runtime_directory(options.runtime_directory));
  ALDIS_TRY_ASSIGN(auto board, Board::open({.runtime_directory = options.runtime_directory,
                                            .namespace_name = options.namespace_name,
                                            .call_timeout = options.call_timeout,
                                            .clock = clock.get(),
                                            .processes = processes}));
  ALDIS_TRY_ASSIGN(auto doorbell, Doorbell::open(options.runtime_directory, options.namespace_name));
  options.state_directory = choose_state_directory(options.state_directory);
  const auto ledger = Ledger::make({.state_directory = options.state_directory,
                                    .namespace_name = options.namespace_name,
                                    .call_timeout = options.call_timeout,
                                    .clock = clock});
  const auto drops = DropCounter::make(options.runtime_directory, options.namespace_name);
  return WorkspaceParts{.clock = clock,
                        .processes = processes,
                        .heartbeats = make_local_heartbeats(board, doorbell, clock),
                        .signals = make_local_signals(board, doorbell, clock),
                        .approvals = make_local_approvals(ledger, doorbell),
                        .audit = make_local_audit(ledger),
                        .events = make_local_events(ledger, doorbell, drops),
                        .event_groups = make_local_event_groups(ledger, doorbell),
                        .waker = doorbell};
}

Result<WorkspaceParts> open_redis(const WorkspaceOptions& options) {
  const auto clock = std::make_shared<SystemClock>();
  ALDIS_TRY_ASSIGN(RedisOptions redis, parse_store_url(options.store));
  ALDIS_TRY(load_password_files(redis));
  const auto call_timeout = std::min(options.call_timeout, limits::kRedisCallTimeoutMax);
  ALDIS_TRY_ASSIGN(const auto client, RedisClient::open(std::move(redis), call_timeout, clock));
  const Groups groups(options.namespace_name);
  return WorkspaceParts{.clock = clock,
                        .processes = make_proc_process_table(),
                        .heartbeats = make_redis_heartbeats(client, groups),
                        .signals = make_redis_signals(client, groups, clock),
                        .approvals = make_redis_approvals(client, groups),
                        .audit = make_redis_audit(client, groups),
                        .events = make_redis_events(client, groups, clock),
                        .event_groups = make_redis_event_groups(client, groups, clock),
                        .waker = make_redis_waker(client, options.namespace_name, clock)};
}

}  // namespace

Workspace::Workspace(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<Workspace> Workspace::open(WorkspaceOptions options) {
  ALDIS_TRY(check_options(options));
  options.call_timeout = std::min(options.call_timeout, limits::kWaitMax);
  ALDIS_TRY_ASSIGN(auto parts, options.store == kLocalStore ? open_local(options) : open_redis(options));
  return Workspace(std::make_shared<Impl>(std::move(options), std::move(parts)));
}

const WorkspaceOptions& Workspace::options() const { return impl_->options(); }

}  // namespace aldis
