// What the processes of the approval tests run: one agent or person that asks, waits or answers through the public API,
// and says on its standard output, a line an event, what it does (worker.h). Its wall clock is in the hands of the test
// where ALDIS_TEST_CLOCK names one (redis/stopped_clock.c, which is linked in). Options of every role:
//   agent=A   namespace=N   store=S   directory=D (configuration=D: where the policy is)
//   uid=N     becomes that user before it does anything
//   line=F    says "ready" and goes on when nobody holds the file F locked, so that many begin at once

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "aldis/approvals.h"
#include "worker.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kJob = "job";

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

int refused(const Error& error) {
  say("refused {} {} {}", ::getpid(), to_string(error.code), error.message);
  return 0;
}

int say_ended(const Result<ApprovalOutcome>& outcome) {
  if (!outcome) return refused(outcome.error());
  const ApprovalRequest& request = outcome->request;
  say("ended {} {} {} {} {} {} {}", ::getpid(), to_string(outcome->end), or_dash(request.responder),
      or_dash(request.reason), request.request_id, request.context_hash, request.verified ? "verified" : "unverified");
  return 0;
}

std::optional<std::chrono::nanoseconds> milliseconds(const Arguments& arguments, const std::string& name) {
  if (!arguments.has(name)) return std::nullopt;
  return std::chrono::milliseconds{arguments.number(name)};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Json context_of(const Arguments& arguments) { return *Json::parse(arguments.text_or("context", "{}")); }

// type= context= key= timeout_ms=: asks and waits, in one call.
int ask(const Arguments& arguments, ApprovalGate& gate) {
  say("asking {}", ::getpid());
  return say_ended(gate.request_approval(arguments.text("type"), context_of(arguments),
                                         milliseconds(arguments, "timeout_ms"), {.key = arguments.text_or("key", "")}));
}

// The same in two steps; says "opened" in between.
int open_and_wait(const Arguments& arguments, ApprovalGate& gate) {
  const auto opened = gate.open_request(arguments.text("type"), context_of(arguments),
                                        milliseconds(arguments, "timeout_ms"), {.key = arguments.text_or("key", "")});
  if (!opened) return refused(opened.error());
  say("opened {} {}", ::getpid(), opened->request_id);
  return say_ended(gate.wait(*opened));
}

// id= patience_ms=
int wait(const Arguments& arguments, ApprovalGate& gate) {
  say("waiting {}", ::getpid());
  return say_ended(gate.wait(arguments.text("id"), milliseconds(arguments, "patience_ms")));
}

// id= as= verdict=approved|rejected reason=; keys=D passphrase=P: signed with the key that lies there.
int answer(const Arguments& arguments, ApprovalGate& gate) {
  const std::string responder = arguments.text("as");
  std::optional<ApproverKey> key;
  if (arguments.has("keys")) {
    auto unsealed = ApproverKey::unseal(arguments.text("keys"), responder, arguments.text("passphrase"));
    if (!unsealed) return failed(unsealed.error());
    key.emplace(*std::move(unsealed));
  }
  const auto answered = gate.respond_to_approval(arguments.text("id"), arguments.text("verdict") == "approved",
                                                 responder, arguments.text_or("reason", ""), key ? &*key : nullptr);
  if (!answered) return refused(answered.error());
  say("answered {} {} {} {}", ::getpid(), to_string(answered->status), or_dash(answered->responder),
      answered->approvals);
  return 0;
}

// What a request of ask_many is for: some are cancelled by who asks, some run out while they are answered.
struct Job {
  bool is_cancelled = false;
  std::chrono::nanoseconds timeout{};
};

Job job_of(int number) {
  constexpr int kKinds = 5;
  if (number % kKinds == 3) return {.is_cancelled = true, .timeout = 1h};
  if (number % kKinds == 4) return {.is_cancelled = false, .timeout = 2ms};
  return {.is_cancelled = false, .timeout = 1h};
}

// first=A until=F: asks for A, A+1… one after the other, each under a key of its own, and waits for the end of each;
// until the file F is there. A is asked for in any case: who was killed had perhaps asked for it.
int ask_many(const Arguments& arguments, ApprovalGate& gate) {
  const std::string agent = arguments.text("agent");
  const int first = arguments.number("first");
  for (int number = first; number == first || !exists(arguments.text("until")); ++number) {
    ::alarm(kStuckAfterSeconds);
    const Job job = job_of(number);
    say("asking {} {}", agent, number);
    const auto opened = gate.open_request(kJob, *Json::parse(fmt::format(R"({{"number":{}}})", number)), job.timeout,
                                          {.key = fmt::format("job-{}", number)});
    if (!opened) return failed(opened.error());
    const std::string& id = opened->request_id;
    say("opened {} {} {}", agent, number, id);
    if (job.is_cancelled) {
      const auto cancelled = gate.cancel(id, "not-needed");
      if (cancelled) {
        say("cancelled {} {}", agent, id);
      } else if (cancelled.error().code != ErrorCode::conflict) {
        return failed(cancelled.error());
      }
    }
    const auto outcome = gate.wait(id);
    if (!outcome) return failed(outcome.error());
    say("ended {} {} {} {} {}", agent, id, to_string(outcome->end), or_dash(outcome->request.responder),
        or_dash(outcome->request.reason));
  }
  say("finished {}", agent);
  return 0;
}

// as= number=N until=F: answers what is pending, with a reason that nobody else gives, until the file F is there.
// By turns the oldest one, which all go for, and one that fewer do.
int answer_many(const Arguments& arguments, ApprovalGate& gate) {
  constexpr int kPauseMilliseconds = 1;  // nothing tells of new requests; who waits for one is served all the same
  const std::string responder = arguments.text("as");
  const auto number = static_cast<std::size_t>(arguments.number("number"));
  for (std::size_t round = 0; !exists(arguments.text("until")); ++round) {
    ::alarm(kStuckAfterSeconds);
    const auto pending = gate.get_pending_approvals(kJob);
    if (!pending) return failed(pending.error());
    if (pending->empty()) {
      ::poll(nullptr, 0, kPauseMilliseconds);
      continue;
    }
    const ApprovalRequest& request = (*pending)[round % 2 == 0 ? 0 : number % pending->size()];
    const bool approved = round % 3 != 0;
    const std::string reason = fmt::format("{}-{}-{}", responder, ::getpid(), round);
    say("deciding {} {} {} {}", responder, request.request_id, approved ? "approved" : "rejected", reason);
    const auto answered = gate.respond_to_approval(request.request_id, approved, responder, reason);
    if (answered) {
      say("decided {} {} {}", responder, request.request_id, reason);
    } else if (answered.error().code == ErrorCode::conflict ||
               answered.error().code == ErrorCode::failed_precondition) {
      say("beaten {} {}", responder, request.request_id);
    } else {
      return failed(answered.error());
    }
  }
  return 0;
}

bool become(int user) {
  const auto id = static_cast<uid_t>(user);
  return ::setgroups(0, nullptr) == 0 && ::setgid(id) == 0 && ::setuid(id) == 0;
}

void wait_at_line(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  say("ready {}", ::getpid());
  ::flock(file, LOCK_SH);
  ::close(file);
}

int play(const std::string& role, const Arguments& arguments, ApprovalGate& gate) {
  if (role == "ask") return ask(arguments, gate);
  if (role == "open") return open_and_wait(arguments, gate);
  if (role == "wait") return wait(arguments, gate);
  if (role == "answer") return answer(arguments, gate);
  if (role == "ask-many") return ask_many(arguments, gate);
  if (role == "answer-many") return answer_many(arguments, gate);
  return 2;
}

int run(int count, char** words) {
  const std::string role = count > 1 ? words[1] : "";
  const Arguments arguments(count, words);
  if (arguments.has("uid") && !become(arguments.number("uid"))) return 4;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an abandoned worker would go on for ever; a change of the user undoes it
  ::alarm(kStuckAfterSeconds);
  WorkspaceOptions options = options_of(arguments);
  options.configuration_directory = arguments.text_or("configuration", options.configuration_directory);
  const auto workspace = Workspace::open(options);
  if (!workspace) return failed(workspace.error());
  auto gate = ApprovalGate::open(*workspace, arguments.text_or("agent", ""));
  if (!gate) return failed(gate.error());
  if (arguments.has("line")) wait_at_line(arguments.text("line"));
  return play(role, arguments, *gate);
}

}  // namespace
}  // namespace aldis::testing

int main(int count, char** words) { return aldis::testing::run(count, words); }
