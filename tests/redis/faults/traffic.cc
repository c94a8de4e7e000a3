#include "redis/faults/traffic.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "core/clock.h"
#include "core/format.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kMailboxes = 4;
constexpr int kSenders = 2;
constexpr int kReadersOfAMailbox = 2;
constexpr int kListeners = 2;
constexpr auto kWait = 300ms;   // of a reader, for the next signal
constexpr auto kMargin = 3s;    // for a machine that has other things to do
constexpr auto kTtl = 1h;       // nothing expires here
constexpr int kSendPause = 2;   // ms
constexpr int kCallPause = 40;  // ms; no more than 1,000 broadcasts of a type may live
constexpr int kBeatPause = 5;   // ms
constexpr std::size_t kWrongsMax = 100;
constexpr auto kAccountPatience = 30s;

// The pace of an agent.
void pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

// Readers are at work for the first fifth of each of these, so that there is always something that waits.
constexpr auto kRound = 200ms;

void wait_for_working_hours() {
  const auto into_round = SystemClock{}.steady_now().time_since_epoch() % kRound;
  if (into_round > kRound / 5) pause(static_cast<int>((kRound - into_round) / 1ms));
}

Workspace join(const WorkspaceOptions& options) {
  auto workspace = Workspace::open(options);
  EXPECT_TRUE(workspace) << workspace.error().message;
  return workspace.value();
}

std::string mailbox(int number) { return fmt::format("mailbox-{}", number); }
std::string listener(int number) { return fmt::format("listener-{}", number); }

Json numbered(const std::string& sender, int number) {
  return Json::trusted(fmt::format(R"({{"number":"{}/{}"}})", sender, number));
}

}  // namespace

std::string TrafficReport::text() const {
  using std::chrono::milliseconds;
  std::string text = fmt::format(
      "{} sent, {} delivered, {} calls failed, {} taken unseen, {} lost, {} twice, {} ms over", sent, delivered,
      failed_calls, taken_unseen, lost, twice, std::chrono::ceil<milliseconds>(longest_excess).count());
  for (const auto& [code, count] : failures) text += fmt::format(", {} {}", count, code);
  for (const std::string& sentence : wrong) text += "\n" + sentence;
  return text;
}

Traffic::Traffic(WorkspaceOptions options, FaultTolerance tolerance)
    : options_(std::move(options)), tolerance_(tolerance), writing_(join(options_)), reading_(join(options_)) {
  auto teller = open(writing_, "fact-teller");
  const auto fact = teller.signal("fact", "witness", {}, kTtl);
  EXPECT_TRUE(fact) << fact.error().message;
  fact_id_ = fact.value().signal_id;
  add_beater();
  add_witness();
  add_readers();
  add_senders();
}

Traffic::~Traffic() = default;

CoordinationSignals Traffic::open(const Workspace& workspace, const std::string& agent) {
  auto signals = CoordinationSignals::open(workspace, agent);
  EXPECT_TRUE(signals) << signals.error().message;
  return std::move(signals.value());
}

void Traffic::add(Agents& agents, const Workspace& workspace, const std::string& name, Work work) {
  Agent& agent = *agents.emplace_back(std::make_unique<Agent>());
  agent.name = name;
  agent.thread = std::jthread([&agent, signals = open(workspace, name), work = std::move(work)](
                                  const std::stop_token& stop) mutable { work(agent, signals, stop); });
}

void Traffic::add_senders() {
  const auto sender = [this](Agent& agent, CoordinationSignals& signals, const std::stop_token& stop) {
    for (int number = 0; !stop.stop_requested(); ++number) send(agent, signals, number);
  };
  const auto caller = [this](Agent& agent, CoordinationSignals& signals, const std::stop_token& stop) {
    for (int number = 0; !stop.stop_requested(); ++number) call_all(agent, signals, number);
  };
  for (int i = 0; i < kSenders; ++i) add(senders_, writing_, fmt::format("sender-{}", i), sender);
  add(senders_, writing_, "caller", caller);
}

void Traffic::add_readers() {
  const auto reader = [this](Agent& agent, CoordinationSignals& signals, const std::stop_token& stop) {
    while (!stop.stop_requested()) take(agent, signals, stop);
  };
  for (int i = 0; i < kMailboxes * kReadersOfAMailbox; ++i) add(others_, reading_, mailbox(i % kMailboxes), reader);
  for (int i = 0; i < kListeners; ++i) {
    // It has to appear before the first broadcast, or it need not see it.
    auto signals = open(reading_, listener(i));
    EXPECT_TRUE(signals.check_signal({}));
    add(others_, reading_, listener(i), reader);
  }
}

void Traffic::add_beater() {
  auto heart = std::make_shared<HeartbeatCoordinator>(writing_);
  const auto started = heart->start_heartbeat("beater", {.ttl = kTtl});
  EXPECT_TRUE(started) << started.error().message;
  add(senders_, writing_, "beater", [this, heart](Agent& agent, CoordinationSignals&, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)attempt(agent, "beat", 0s, [&] { return heart->beat(); });
      pause(kBeatPause);
    }
  });
}

void Traffic::add_witness() {
  auto heart = std::make_shared<HeartbeatCoordinator>(reading_);
  add(others_, reading_, "witness",
      [this, heart](Agent& agent, CoordinationSignals& signals, const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          ask_for_facts(agent, signals, *heart);
          pause(kBeatPause);
        }
      });
}

void Traffic::send(Agent& agent, CoordinationSignals& signals, int number) {
  const std::string target = mailbox(number % kMailboxes);
  const auto sent =
      attempt(agent, "signal", 0s, [&] { return signals.signal("work", target, numbered(agent.name, number), kTtl); });
  if (sent) note_sent(*sent, {target});
  pause(kSendPause);
}

void Traffic::call_all(Agent& agent, CoordinationSignals& signals, int number) {
  const auto sent =
      attempt(agent, "broadcast", 0s, [&] { return signals.broadcast("news", numbered(agent.name, number), kTtl); });
  std::set<std::string> listeners;
  for (int i = 0; i < kListeners; ++i) listeners.insert(listener(i));
  if (sent) note_sent(*sent, listeners);
  pause(kCallPause);
}

void Traffic::take(Agent& agent, CoordinationSignals& signals, const std::stop_token& stop) {
  wait_for_working_hours();
  const std::vector<std::string> types = {agent.name.starts_with("mailbox") ? "work" : "news"};
  const auto outcome =
      attempt(agent, "wait_for_signal", kWait, [&] { return signals.wait_for_signal(types, {}, kWait, {}, stop); });
  if (!outcome) return;
  if (const auto* delivered = std::get_if<Delivered>(&*outcome)) note_delivery(agent.name, delivered->signal);
  if (std::holds_alternative<Expired>(*outcome)) expect_fact(false, "a signal with an hour to live expired");
}

void Traffic::ask_for_facts(Agent& agent, CoordinationSignals& signals, const HeartbeatCoordinator& heart) {
  const auto pending = attempt(agent, "get_pending_signals", 0s, [&] { return signals.get_pending_signals("fact"); });
  if (pending) expect_fact(pending->size() == 1, "get_pending_signals does not show the signal that waits");
  const auto look =
      attempt(agent, "check_signal", 0s, [&] { return signals.check_signal({"fact"}, {}, {.consume = false}); });
  if (look) expect_fact(std::holds_alternative<Delivered>(*look), "check_signal does not show the signal that waits");
  const auto receipt = attempt(agent, "receipt", 0s, [&] { return signals.receipt(fact_id_); });
  if (receipt) expect_fact(receipt->state == ReceiptState::pending, "the receipt of the signal that waits is final");
  const auto alive = attempt(agent, "is_agent_alive", 0s, [&] { return heart.is_agent_alive("beater"); });
  if (alive) expect_fact(*alive, "is_agent_alive denies the agent that lives");
  const auto active = attempt(agent, "get_active_agents", 0s, [&] { return heart.get_active_agents(); });
  if (active) expect_fact(!active->empty(), "get_active_agents does not show the agent that lives");
}

template <class Call>
std::invoke_result_t<Call> Traffic::attempt(Agent& agent, std::string_view what, std::chrono::nanoseconds limit,
                                            Call call) {
  const SystemClock clock;
  const SteadyTime start = clock.steady_now();
  auto result = call();
  note_end(what, clock.steady_now() - start - limit);
  if (result) {
    ++agent.answers;
  } else {
    note_failure(what, result.error());
  }
  return result;
}

void Traffic::note_end(std::string_view what, std::chrono::nanoseconds excess) {
  if (excess > options_.call_timeout + kMargin) {
    const auto over = std::chrono::ceil<std::chrono::milliseconds>(excess).count();
    note_wrong(fmt::format("{} took {} ms more than it was given", what, over));
  }
  const MutexLock lock(mutex_);
  report_.longest_excess = std::max(report_.longest_excess, excess);
}

void Traffic::note_failure(std::string_view what, const Error& error) {
  const bool is_expected = error.code == ErrorCode::unavailable || tolerance_.bytes_may_change ||
                           (tolerance_.memory_is_full && error.code == ErrorCode::resource_exhausted) ||
                           (tolerance_.data_may_vanish && error.code == ErrorCode::not_found) ||
                           (tolerance_.data_may_vanish && error.code == ErrorCode::conflict);
  if (!is_expected) note_wrong(fmt::format("{} failed with {}: {}", what, to_string(error.code), error.message));
  const MutexLock lock(mutex_);
  ++report_.failed_calls;
  ++report_.failures[fmt::format("{} {}", what, to_string(error.code))];
}

void Traffic::note_sent(const CoordinationSignal& signal, const std::set<std::string>& readers) {
  const MutexLock lock(mutex_);
  ++report_.sent;
  std::set<std::string> missing;
  for (const std::string& reader : readers) {
    if (!seen_.contains(reader + " " + signal.signal_id)) missing.insert(reader);
  }
  if (!missing.empty()) missing_.emplace(signal.signal_id, std::move(missing));
}

void Traffic::note_delivery(const std::string& reader, const CoordinationSignal& signal) {
  bool again = false;
  {
    const MutexLock lock(mutex_);
    ++report_.delivered;
    seen_.insert(reader + " " + signal.signal_id);
    again = !seen_.insert(reader + " " + signal.payload.text()).second;
    report_.twice += again ? 1 : 0;
    if (const auto found = missing_.find(signal.signal_id); found != missing_.end()) {
      found->second.erase(reader);
      if (found->second.empty()) missing_.erase(found);
    }
  }
  if (again) expect_fact(false, fmt::format("{} had {} twice", reader, signal.payload.text()));
}

void Traffic::note_wrong(std::string what) {
  const MutexLock lock(mutex_);
  if (report_.wrong.size() < kWrongsMax) report_.wrong.push_back(std::move(what));
}

void Traffic::expect_fact(bool holds, std::string_view what) {
  if (!holds && !tolerance_.data_may_vanish && !tolerance_.bytes_may_change) note_wrong(std::string(what));
}

void Traffic::wait_until_it_flows(std::chrono::seconds patience) {
  constexpr std::uint64_t kAnswers = 3;  // the first may have been asked before
  const auto reached = [](const auto& goal) { return goal.first->answers >= goal.second; };
  std::map<const Agent*, std::uint64_t> goals;
  for (const Agents* agents : {&senders_, &others_}) {
    for (const auto& agent : *agents) goals[agent.get()] = agent->answers + kAnswers;
  }
  eventually(
      [&] {
        std::erase_if(goals, reached);
        return goals.empty();
      },
      patience);
  for (const auto& [agent, goal] : goals) {
    note_wrong(fmt::format("{} has no answers {} s after the fault ended", agent->name, patience.count()));
  }
}

std::map<std::string, std::set<std::string>> Traffic::missing() {
  const MutexLock lock(mutex_);
  return missing_;
}

// A call that failed may have taken it all the same: then its receipt says so.
bool Traffic::is_taken(CoordinationSignals& observer, const std::string& id, const std::string& reader) {
  const auto receipt = observer.receipt(id);
  if (!receipt) return false;
  if (!receipt->broadcast) return receipt->state == ReceiptState::delivered;
  return std::ranges::any_of(receipt->readers, [&](const auto& one) { return one.agent_id == reader; });
}

// Until nothing waits any more: what was sent has been taken, by whoever knows of it or not.
void Traffic::wait_until_all_is_taken(CoordinationSignals& observer) {
  eventually(
      [&] {
        const auto left = missing();
        return std::ranges::all_of(left, [&](const auto& one) {
          return std::ranges::all_of(one.second, [&](const auto& who) { return is_taken(observer, one.first, who); });
        });
      },
      tolerance_.data_may_vanish ? std::chrono::seconds{3} : kAccountPatience);
}

void Traffic::account_for_missing(CoordinationSignals& observer) {
  for (const auto& [id, readers] : missing()) {
    for (const std::string& reader : readers) {
      const bool taken = is_taken(observer, id, reader);
      if (!taken) expect_fact(false, fmt::format("{} for {} was lost", id, reader));
      const MutexLock lock(mutex_);
      ++(taken ? report_.taken_unseen : report_.lost);
    }
  }
}

TrafficReport Traffic::end() {
  for (const auto& agent : senders_) agent->thread.request_stop();
  senders_.clear();
  auto observer = open(reading_, "observer");
  if (!tolerance_.bytes_may_change) wait_until_all_is_taken(observer);
  for (const auto& agent : others_) agent->thread.request_stop();
  others_.clear();
  if (!tolerance_.bytes_may_change) account_for_missing(observer);
  const MutexLock lock(mutex_);
  if (report_.taken_unseen > report_.failed_calls) {
    report_.wrong.emplace_back("more was taken unseen than calls failed");
  }
  return report_;
}

void expect_nothing_wrong(const TrafficReport& report) {
  EXPECT_TRUE(report.wrong.empty()) << report.text();
  EXPECT_GT(report.sent, 10U) << report.text();  // how many depends on the machine
  EXPECT_GT(report.delivered, 10U) << report.text();
  ::testing::Test::RecordProperty("report", report.text());
}

}  // namespace aldis::testing
