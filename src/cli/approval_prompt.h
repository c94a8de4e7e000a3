#pragma once
// Shows one request on a terminal and asks what to answer. Used by `aldis approvals watch`; implemented in
// approval_prompt.cc.
//
// Model: who asks, for what, the context over several lines, and below it a bar that shrinks as time runs out. A key
// answers; then a reason may be typed. Nothing that the asking agent wrote moves the cursor. The prompt ends by itself
// when `still_open` says that the request is no longer pending. Threads: one thread.

#include <functional>
#include <stop_token>
#include <string>

#include "aldis/approvals.h"
#include "cli/output.h"
#include "core/clock.h"

namespace aldis::cli {

struct PromptAnswer {
  enum class Kind { approve, reject, skip, quit, closed, interrupted } kind = Kind::closed;
  std::string reason;  // of approve and reject
};

class ApprovalPrompt {
 public:
  ApprovalPrompt(const OutputStyle& style, const Clock& clock, std::stop_token stop)
      : style_(style), clock_(clock), stop_(std::move(stop)) {}

  // `still_open` is asked a few times a second.
  PromptAnswer ask(const ApprovalRequest& request, const std::function<bool()>& still_open);

 private:
  void show(const ApprovalRequest& request) const;
  std::string bar(const ApprovalRequest& request) const;
  char wait_for_key(const ApprovalRequest& request, const std::function<bool()>& still_open);
  // None: Ctrl-C.
  std::optional<std::string> ask_for_reason();

  const OutputStyle& style_;
  const Clock& clock_;
  const std::stop_token stop_;
};

}  // namespace aldis::cli
