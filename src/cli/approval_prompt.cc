#include "cli/approval_prompt.h"

#include <unistd.h>

#include <algorithm>

#include "cli/approval_shapes.h"
#include "cli/pretty_json.h"
#include "cli/shapes.h"
#include "cli/terminal_text.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/names.h"

namespace aldis::cli {
namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kUnheeded{500};  // faster is no answer to what was just shown
constexpr std::size_t kContextLinesMax = 200;
constexpr int kBarColumns = 20;
constexpr char kClosed = '\0';
constexpr char kEnded = '\1';
constexpr std::string_view kEraseLine = "\r\x1b[K";
constexpr std::string_view kKeys = "approve? [y]es [n]o [s]kip [q]uit ";

}  // namespace

void ApprovalPrompt::show(const ApprovalRequest& request) const {
  std::string text = fmt::format("\n{} asks for {}\n", paint(style_, Colour::bold, printable(request.agent_id)),
                                 paint(style_, Colour::bold, printable(request.approval_type)));
  text += fmt::format("{}  asked {}\n", paint(style_, Colour::dim, request.request_id),
                      format_timestamp(request.timestamp));
  text += fmt::format("answers: {}\n", answers_text(request));
  text += "context (untrusted, as the agent wrote it):\n";
  const std::vector<std::string> lines = pretty_json_lines(request.context.text());
  for (std::size_t i = 0; i < std::min(lines.size(), kContextLinesMax); ++i) text += "  " + printable(lines[i]) + "\n";
  if (lines.size() > kContextLinesMax) {
    text += paint(style_, Colour::yellow,
                  fmt::format("  … and {} more lines that are NOT shown: aldis approvals show {}\n",
                              lines.size() - kContextLinesMax, request.request_id));
  }
  write_stdout(text);
}

std::string ApprovalPrompt::bar(const ApprovalRequest& request) const {
  if (!request.expires_at || !request.timeout) return fmt::format("{}no deadline  ", kEraseLine);
  const auto left = std::max<std::chrono::nanoseconds>(*request.expires_at - clock_.wall_now(), {});
  const double share = std::clamp(to_seconds(left) / to_seconds(*request.timeout), 0.0, 1.0);
  const int full = static_cast<int>(share * kBarColumns + 0.5);
  const std::string drawn =
      std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(kBarColumns - full), '.');
  const Colour colour = share > 0.5 ? Colour::green : share > 0.2 ? Colour::yellow : Colour::red;
  return fmt::format("{}[{}] {} left  ", kEraseLine, paint(style_, colour, drawn), format_age(left));
}

char ApprovalPrompt::wait_for_key(const TerminalMode& keys, const ApprovalRequest& request,
                                  const std::function<bool()>& still_open) {
  const SteadyTime heeded_from = clock_.steady_now() + kUnheeded;
  bool heeded = false;
  std::string shown;
  for (;;) {
    if (!heeded && clock_.steady_now() >= heeded_from) {
      keys.forget_keys();
      heeded = true;
    }
    if (std::string now = bar(request) + std::string(heeded ? kKeys : ""); now != shown) {
      write_stdout(now);
      shown = std::move(now);
    }
    const std::optional<char> key = keys.read_key(kTick);
    if (is_ending(keys)) return kEnded;
    if (key == kControlC) return *key;
    if (heeded && key && std::string_view("ynsq\x04").contains(*key)) return *key;
    if (!still_open()) return kClosed;
  }
}

std::optional<std::string> ApprovalPrompt::read_line(const TerminalMode& keys, const std::string& prompt) {
  std::string line;
  for (;;) {
    write_stdout(fmt::format("{}{}{}", kEraseLine, prompt, printable(line)));
    std::optional<char> key;
    while (!key && !is_ending(keys)) key = keys.read_key(kTick);
    if (!key || *key == kControlC || *key == kControlD) return std::nullopt;
    if (*key == '\n' || *key == '\r') return line;
    if (*key == kBackspace || *key == '\b') {
      remove_last_character(line);
    } else if (static_cast<unsigned char>(*key) >= ' ' && line.size() < limits::kReasonBytesMax) {
      line += *key;
    }
  }
}

std::optional<std::string> ApprovalPrompt::ask_for_reason(const TerminalMode& keys, const ApprovalRequest& request,
                                                          bool approves) {
  // On a line of its own, since the next one is drawn again with each key.
  write_stdout(
      fmt::format("{} {} {}\n", approves ? "approve" : "reject", printable(request.approval_type), request.request_id));
  for (;;) {
    std::optional<std::string> reason = read_line(keys, "reason (Enter for none): ");
    write_stdout("\n");
    if (!reason || is_valid_utf8(*reason)) return reason;
    write_stdout("that is not UTF-8 text, so it cannot be recorded: type it again, or nothing\n");
  }
}

PromptAnswer ApprovalPrompt::ask(const ApprovalRequest& request, const std::function<bool()>& still_open) {
  using Kind = PromptAnswer::Kind;
  const TerminalMode keys(STDIN_FILENO);
  show(request);
  const char key = wait_for_key(keys, request, still_open);
  write_stdout(kEraseLine);
  if (key == kClosed) return {Kind::closed, {}};
  if (key == kEnded) return {Kind::ended, {}};
  if (key == kControlC) return {Kind::interrupted, {}};
  if (key == 'q' || key == kControlD) return {Kind::quit, {}};
  if (key == 's') return {Kind::skip, {}};
  std::optional<std::string> reason = ask_for_reason(keys, request, key == 'y');
  if (!reason) return {is_ending(keys) ? Kind::ended : Kind::skip, {}};
  return {key == 'y' ? Kind::approve : Kind::reject, *std::move(reason)};
}

}  // namespace aldis::cli
