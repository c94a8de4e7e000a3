#pragma once
// Shows one request on a terminal and asks what to answer. Used by `aldis approvals watch`; implemented in
// approval_prompt.cc.
//
// Model: who asks, for what, the whole context over several lines, and below it a bar that shrinks as time runs out. A
// key answers; then a reason may be typed. Keys count only once the bar names them: what is typed in the first half
// second was meant for what was on the screen before. Nothing that the asking agent wrote moves the cursor. The prompt
// ends by itself when `still_open` says that the request is no longer pending. Threads: one thread.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "aldis/approvals.h"
#include "cli/output.h"
#include "cli/terminal_mode.h"
#include "core/clock.h"

namespace aldis::cli {

struct PromptAnswer {
  // `ended`: somebody asked the program to end.
  enum class Kind { approve, reject, skip, quit, closed, interrupted, ended } kind = Kind::closed;
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
  char wait_for_key(const TerminalMode& keys, const ApprovalRequest& request, const std::function<bool()>& still_open);
  // None: Ctrl-C, or the program is to end.
  std::optional<std::string> ask_for_reason(const TerminalMode& keys, const ApprovalRequest& request, bool approves);
  std::optional<std::string> read_line(const TerminalMode& keys, const std::string& prompt);
  bool is_ending(const TerminalMode& keys) const { return stop_.stop_requested() || keys.is_ending(); }

  const OutputStyle& style_;
  const Clock& clock_;
  const std::stop_token stop_;
};

}  // namespace aldis::cli
