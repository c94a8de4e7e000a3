#include "cli/approval_prompt.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "cli/pretty_json.h"
#include "cli/shapes.h"
#include "cli/terminal_mode.h"
#include "cli/terminal_text.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/names.h"

namespace aldis::cli {
namespace {

constexpr int kTickMs = 250;
constexpr std::size_t kContextLinesMax = 200;
constexpr int kBarColumns = 20;
constexpr char kClosed = '\0';
constexpr char kInterrupted = '\1';
constexpr char kBackspace = '\x7f';
constexpr std::string_view kEraseLine = "\r\x1b[K";

// A character typed within a tick.
std::optional<char> read_key() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char key = 0;
  if (poll(&input, 1, kTickMs) <= 0) return std::nullopt;
  return read(STDIN_FILENO, &key, 1) == 1 ? key : kControlD;
}

// Without the last character, of however many bytes it is.
void remove_last_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

void ApprovalPrompt::show(const ApprovalRequest& request) const {
  std::string text = fmt::format("\n{} asks for {}\n", paint(style_, Colour::bold, printable(request.agent_id)),
                                 paint(style_, Colour::bold, printable(request.approval_type)));
  text += fmt::format("{}  asked {}\n", paint(style_, Colour::dim, request.request_id),
                      format_timestamp(request.timestamp));
  if (request.quorum > 1) text += fmt::format("{} of {} approvals so far\n", request.approvals, request.quorum);
  text += "context (untrusted, as the agent wrote it):\n";
  const std::vector<std::string> lines = pretty_json_lines(payload_text(request.context));
  for (std::size_t i = 0; i < std::min(lines.size(), kContextLinesMax); ++i) text += "  " + printable(lines[i]) + "\n";
  if (lines.size() > kContextLinesMax) {
    text += paint(style_, Colour::yellow,
                  fmt::format("  … and {} more lines that are NOT shown: aldis approvals show {}\n",
                              lines.size() - kContextLinesMax, request.request_id));
  }
  write_stdout(text);
}

std::string ApprovalPrompt::bar(const ApprovalRequest& request) const {
  const std::string keys = "approve? [y]es [n]o [s]kip [q]uit ";
  if (!request.expires_at || !request.timeout) return fmt::format("{}no deadline  {}", kEraseLine, keys);
  const auto left = std::max<std::chrono::nanoseconds>(*request.expires_at - clock_.wall_now(), {});
  const double share = std::clamp(to_seconds(left) / to_seconds(*request.timeout), 0.0, 1.0);
  const int full = static_cast<int>(share * kBarColumns + 0.5);
  const std::string drawn =
      std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(kBarColumns - full), '.');
  const Colour colour = share > 0.5 ? Colour::green : share > 0.2 ? Colour::yellow : Colour::red;
  return fmt::format("{}[{}] {} left  {}", kEraseLine, paint(style_, colour, drawn), format_age(left), keys);
}

char ApprovalPrompt::wait_for_key(const ApprovalRequest& request, const std::function<bool()>& still_open) {
  const TerminalMode keys(STDIN_FILENO, TerminalMode::Kind::keys);
  std::string shown;
  for (;;) {
    if (std::string now = bar(request); now != shown) {
      write_stdout(now);
      shown = std::move(now);
    }
    const std::optional<char> key = read_key();
    if (stop_.stop_requested()) return kInterrupted;
    if (key && std::string_view("ynsq\x03\x04").contains(*key)) return *key;
    if (!still_open()) return kClosed;
  }
}

std::optional<std::string> ApprovalPrompt::ask_for_reason() {
  const TerminalMode keys(STDIN_FILENO, TerminalMode::Kind::keys);
  std::string reason;
  for (;;) {
    write_stdout(fmt::format("{}reason (Enter for none): {}", kEraseLine, printable(reason)));
    std::optional<char> key;
    while (!key && !stop_.stop_requested()) key = read_key();
    if (!key || *key == kControlC || *key == kControlD) return std::nullopt;
    if (*key == '\n' || *key == '\r') return reason;
    if (*key == kBackspace || *key == '\b') {
      remove_last_character(reason);
    } else if (static_cast<unsigned char>(*key) >= ' ' && reason.size() < limits::kReasonBytesMax) {
      reason += *key;
    }
  }
}

PromptAnswer ApprovalPrompt::ask(const ApprovalRequest& request, const std::function<bool()>& still_open) {
  using Kind = PromptAnswer::Kind;
  show(request);
  const char key = wait_for_key(request, still_open);
  write_stdout(kEraseLine);
  if (key == kClosed) return {Kind::closed, {}};
  if (key == kInterrupted || key == kControlC) return {Kind::interrupted, {}};
  if (key == 'q' || key == kControlD) return {Kind::quit, {}};
  if (key == 's') return {Kind::skip, {}};
  const std::optional<std::string> reason = ask_for_reason();
  write_stdout("\n");
  if (!reason || !is_valid_utf8(*reason)) return {Kind::skip, {}};
  return {key == 'y' ? Kind::approve : Kind::reject, *reason};
}

}  // namespace aldis::cli
