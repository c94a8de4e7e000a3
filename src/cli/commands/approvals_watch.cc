// aldis approvals watch

#include <unistd.h>

#include <algorithm>
#include <map>

#include "aldis/approvals.h"
#include "cli/approval_prompt.h"
#include "cli/approval_shapes.h"
#include "cli/commands/approval_replies.h"
#include "cli/commands/commands.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/outage.h"
#include "cli/output_schemas.h"
#include "cli/passphrase.h"
#include "cli/terminal_text.h"
#include "core/format.h"
#include "core/try.h"
#include "domain/workspace_impl.h"

namespace aldis::cli {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kPolicyLook = std::chrono::seconds{5};  // between looks for a policy that lets us answer

class Watch {
 public:
  Watch(const Invocation& invocation, const Workspace& workspace, ApprovalGate& gate, Interruption& interruption,
        std::size_t count)
      : invocation_(invocation),
        workspace_(workspace),
        waker_(workspace.impl()->waker()),
        gate_(gate),
        interruption_(interruption),
        type_(invocation.arguments.text("--type").value_or("")),
        count_(count),
        asks_(invocation.style.table() && isatty(STDIN_FILENO) == 1),
        rung_(waker_.subscribe(std::array{Topic{.kind = Topic::Kind::approvals, .name = {}}})),
        outage_(interruption.token()) {}

  // Until it was interrupted or told to quit, or the store says what trying again does not change.
  Result<void> run() {
    if (asks_) write_stdout("waiting for requests; Ctrl-C ends\n");
    while (!interruption_.token().stop_requested() && !quit_ && seen_.size() < count_) {
      const std::uint64_t rings = rung_->rings();
      if (const Result<void> reopened = reopen(); !reopened) {
        outage_.wait(reopened.error());  // also for whoever is writing the policy
        continue;
      }
      const Result<std::vector<ApprovalRequest>> pending = gate_.get_pending_approvals(type_);
      if (!pending) {
        if (!outage_.outlast(pending.error())) return std::unexpected(pending.error());
        continue;
      }
      outage_.end();
      bool asked = false;
      nanoseconds quiet = limits::kQuietMax;
      for (const ApprovalRequest& request : *pending) {
        const std::string why = asks_ ? why_not_answer(invocation_, gate_.policy(), request) : std::string();
        if (!why.empty()) quiet = kPolicyLook;  // nobody rings when a policy is written, or a key is trusted
        if (!is_news(request.request_id, why)) continue;
        meet(request, why);
        asked = asks_;
        if (asked || seen_.size() >= count_) break;  // a person took time: look again at what is pending
      }
      if (!asked && seen_.size() < count_) waker_.sleep(*rung_, rings, quiet, interruption_.token());
    }
    return {};
  }

 private:
  // Rules, too, are those of the files as they are now.
  Result<void> reopen() {
    ALDIS_TRY_ASSIGN(gate_, ApprovalGate::open(workspace_, invocation_.settings.agent.value));
    return {};
  }

  // Met for the first time, or we could not answer it then, and now we can.
  bool is_news(const std::string& id, const std::string& why) {
    const auto [met, is_first] = seen_.try_emplace(id, why);
    if (is_first) return true;
    if (met->second.empty() || !why.empty()) return false;
    met->second.clear();
    return true;
  }

  void meet(const ApprovalRequest& request, const std::string& why) {
    if (!why.empty()) {
      return write_stdout(fmt::format("{}  {} is for others: {}\n", request.request_id,
                                      printable(request.approval_type), printable(why)));
    }
    if (asks_) return ask(request);
    if (!invocation_.style.table()) return write_stdout(json_line(approval_json(request)));
    write_stdout(fmt::format("{}  {}  {}  (untrusted) {}\n", request.request_id, printable(request.approval_type),
                             printable(request.agent_id), printable(request.context.text())));
  }

  // Whether it is still pending; asks the store only after something rang.
  bool is_open(const ApprovalRequest& request, std::uint64_t& rings) {
    const bool due = request.expires_at && *request.expires_at <= invocation_.clock.wall_now();
    if (rung_->rings() == rings && !due) return true;
    rings = rung_->rings();
    const Result<ApprovalRequest> now = gate_.get_request(request.request_id);
    return !now || now->status == ApprovalState::pending;
  }

  void ask(const ApprovalRequest& request) {
    using Kind = PromptAnswer::Kind;
    std::uint64_t rings = rung_->rings();
    ApprovalPrompt prompt(invocation_.style, invocation_.clock, interruption_.token());
    const PromptAnswer answer = prompt.ask(request, [&] { return is_open(request, rings); });
    switch (answer.kind) {
      case Kind::approve:
      case Kind::reject:
        return tell(request.request_id, reply_to(request, answer));
      case Kind::closed:
        return tell_how_it_ended(request.request_id);
      case Kind::skip:
        return write_stdout(fmt::format("skipped {}\n", request.request_id));
      case Kind::quit:
        quit_ = true;
        return;
      case Kind::interrupted:
        interruption_.interrupt();
        return;
      case Kind::ended:
        return;
    }
  }

  // Under the policy as it is now: that of when the request was shown may be an hour old.
  Reply reply_to(const ApprovalRequest& request, const PromptAnswer& answer) {
    if (const Result<void> reopened = reopen(); !reopened) return fail_with(reopened.error());
    return answer_request(invocation_, gate_, request, answer.kind == PromptAnswer::Kind::approve, answer.reason,
                          interruption_.token());
  }

  // What was not done is asked again, as long as it is pending.
  void tell(const std::string& id, const Reply& reply) {
    if (reply.failure) {
      seen_.erase(id);
      write_stdout(fmt::format("{} {}\n", paint(invocation_.style, Colour::red, "not done:"),
                               printable(reply.failure->message)));
    } else {
      write_stdout("done\n");
    }
  }

  void tell_how_it_ended(const std::string& id) const {
    const Result<ApprovalRequest> now = gate_.get_request(id);
    if (!now) return write_stdout(printable(now.error().message) + "\n");
    write_stdout(fmt::format("{} was {}{}\n", id, to_string(now->status),
                             now->responder.empty() ? "" : " by " + printable(now->responder)));
  }

  const Invocation& invocation_;
  const Workspace& workspace_;
  Waker& waker_;
  ApprovalGate& gate_;
  Interruption& interruption_;
  const std::string type_;
  const std::size_t count_;
  const bool asks_;  // a person is there to answer
  const std::unique_ptr<Subscription> rung_;
  std::map<std::string, std::string> seen_;  // by their ids; why we could not answer, or nothing
  Outage outage_;
  bool quit_ = false;
};

Reply watch(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  if (arguments.has("--type")) arguments.check_name("--type", arguments.text("--type").value_or(""));
  arguments.check_name("--as", answering_name(invocation));
  const auto count = static_cast<std::size_t>(arguments.integer("--count", 1, INT64_MAX).value_or(INT64_MAX));
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Interruption interruption(invocation.settings.timeout);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return interruption.end_of_stream(std::unexpected(workspace.error()));
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace, invocation.settings.agent.value);
  if (!gate) return interruption.end_of_stream(std::unexpected(gate.error()));
  return interruption.end_of_stream(Watch(invocation, *workspace, *gate, interruption, count).run());
}

constexpr OptionSpec kOptions[] = {
    {.name = "--type", .value = "TYPE", .help = "Only requests of this type"},
    {.name = "--count", .value = "N", .type = ValueType::integer, .help = "End after N requests"},
    {.name = "--as", .value = "WHO", .help = "Who answers (default: the acting agent, else the user's name)"},
    {.name = "--agent", .value = "ID", .help = "The agent that acts, if it is one (ALDIS_AGENT_ID)"},
    kPassphraseFile,
};
constexpr ExitCode kExits[] = {ExitCode::interrupted, ExitCode::terminated};
constexpr ExampleSpec kExamples[] = {
    {"Answer as requests come, on a terminal", "aldis approvals watch --as dana"},
    {"Tell a chat about each of them", "aldis approvals watch | while read -r line; do ./post.sh \"$line\"; done"},
};

}  // namespace

constinit const CommandSpec kApprovalsWatch{
    .name = "approvals watch",
    .summary = "On a terminal, show each request that waits and ask what to answer; elsewhere print them, one a line",
    .options = kOptions,
    .danger = Danger::mutating,
    .streams = true,
    .waits = true,
    .exits = kExits,
    .output_schema = schema::kApproval,
    .examples = kExamples,
    .notes =
        "Keys: y approves and n rejects, then a reason may be typed; s leaves the request to others, q ends. They are\n"
        "heeded half a second after the request was shown. A request that is decided or timed out meanwhile leaves\n"
        "the screen; one whose answer failed is shown again. What is approved is what was shown.",
    .execute = watch,
};

}  // namespace aldis::cli
