#include "cli/reply.h"

#include <algorithm>
#include <span>

#include "core/format.h"

namespace aldis::cli {
namespace {

constexpr std::size_t kProblemsShown = 10;

}  // namespace

int Reply::exit_code() const {
  if (passed_exit_code) return *passed_exit_code;
  return static_cast<int>(failure ? failure->exit : ExitCode::success);
}

Failure make_failure(const Error& error) {
  const ErrorMapping& mapping = map_error(error.code);
  Failure failure{.exit = mapping.exit, .code = std::string(mapping.code), .message = error.message};
  failure.retryable = error.retryable;
  return failure;
}

Reply fail_with(const Error& error) {
  Reply reply;
  reply.failure = make_failure(error);
  return reply;
}

Reply fail_with(ExitCode exit, std::string_view code, std::string message) {
  Reply reply;
  reply.failure = Failure{.exit = exit, .code = std::string(code), .message = std::move(message)};
  reply.failure->retryable = describe(exit).retryable;
  return reply;
}

Reply bad_arguments(const std::vector<std::string>& problems) {
  std::string message;
  std::string detail;
  const std::size_t shown = std::min(problems.size(), kProblemsShown);
  for (const std::string& problem : std::span(problems).first(shown)) {
    message += (message.empty() ? "" : "; ") + problem;
    detail += (detail.empty() ? "" : "\n") + problem;
  }
  if (shown < problems.size()) {
    const std::string rest = fmt::format("and {} more", problems.size() - shown);
    message += "; " + rest;
    detail += "\n" + rest;
  }
  Reply reply = fail_with(ExitCode::argument_error, kCodeInvalidArgument, std::move(message));
  if (problems.size() > 1) reply.failure->detail = std::move(detail);
  return reply;
}

}  // namespace aldis::cli
