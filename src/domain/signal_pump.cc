#include "domain/signal_pump.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/mutex.h"
#include "core/try.h"
#include "core/worker_thread.h"
#include "domain/mailbox_look.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr int kTakesPerTurn = 16;
constexpr nanoseconds kFirstPause = std::chrono::milliseconds{10};  // after a store error; doubles up to the recheck

SignalNews to_news(TakeOutcome&& outcome) {
  if (auto* delivered = std::get_if<Delivered>(&outcome)) return std::move(*delivered);
  return std::get<Expired>(std::move(outcome));
}

}  // namespace

// What the thread works on. It outlives the pump when a callback drops the last Workspace: the thread shares it, and
// touches the workspace only while the loop is not closed.
class SignalPump::Loop {
 public:
  explicit Loop(Workspace::Impl& workspace) : workspace_(workspace) {}

  void run();
  void add(SignalSubscription subscription);
  void remove_owner(const void* owner, bool on_own_thread);
  void close();

 private:
  struct Interrupt {
    Loop* loop;
    void operator()() const { loop->interrupt(); }
  };
  struct Registration {
    Registration(SignalSubscription given, Loop* loop)
        : subscription(std::move(given)), on_stop(subscription.stop, Interrupt{loop}) {}

    const SignalSubscription subscription;
    std::shared_ptr<Subscription> mailbox;  // guarded by mutex_; none: removed, or the loop is closed
    // The thread's alone:
    std::uint64_t rings = 0;  // of the mailbox, before the last look
    SteadyTime next_look;     // when it needs a look although nothing rang; past: at once
    nanoseconds pause{0};     // longer than 0 while its store fails
    std::stop_callback<Interrupt> on_stop;
  };
  using Registrations = std::vector<std::shared_ptr<Registration>>;
  // What the thread does until it sleeps, and what it then sleeps on: nothing that happens later is missed.
  struct Round {
    std::vector<std::weak_ptr<Registration>> due;
    SteadyTime wake = SteadyTime::max();  // when the first of the others is due
    std::uint64_t rings = 0;              // of any subscription
    std::stop_token interrupted;
  };

  Registrations take_out(auto matches) ALDIS_REQUIRES(mutex_);
  std::optional<Round> begin_round();
  void pick_due(Round& round) ALDIS_REQUIRES(mutex_);
  bool sleep_after(const Round& round);
  bool begin_turn(const Registration& registration);
  void end_turn();
  bool may_continue(const Registration& registration);
  void serve(Registration& registration);
  void put_off(Registration& registration, const Error& error);
  void interrupt();

  Workspace::Impl& workspace_;
  Mutex mutex_;
  ConditionVariable turn_ended_;
  Registrations registrations_ ALDIS_GUARDED_BY(mutex_);
  bool one_agent_ ALDIS_GUARDED_BY(mutex_) = false;         // all registrations are of the same one
  const void* serving_ ALDIS_GUARDED_BY(mutex_) = nullptr;  // the owner whose turn it is
  bool closed_ ALDIS_GUARDED_BY(mutex_) = false;
  std::stop_source interrupt_ ALDIS_GUARDED_BY(mutex_);
};

void SignalPump::Loop::run() {
  while (std::optional<Round> round = begin_round()) {
    for (const std::weak_ptr<Registration>& due : round->due) {
      const std::shared_ptr<Registration> registration = due.lock();
      if (!registration || !begin_turn(*registration)) continue;
      serve(*registration);
      end_turn();
      round->wake = std::min(round->wake, registration->next_look);
    }
    if (!sleep_after(*round)) return;
  }
}

void SignalPump::Loop::add(SignalSubscription subscription) {
  auto registration = std::make_shared<Registration>(std::move(subscription), this);
  const std::string& agent = registration->subscription.agent;
  const std::array topics{Topic{Topic::Kind::mailbox, agent}};
  registration->mailbox = workspace_.waker().subscribe(topics);
  {
    const MutexLock lock(mutex_);
    one_agent_ = registrations_.empty() || (one_agent_ && registrations_.front()->subscription.agent == agent);
    registrations_.push_back(std::move(registration));
  }
  interrupt();
}

void SignalPump::Loop::remove_owner(const void* owner, bool on_own_thread) {
  Registrations removed;  // goes after the lock: what a callback holds may come back here when it is destroyed
  const MutexLock lock(mutex_);
  removed = take_out([owner](const Registration& registration) { return registration.subscription.owner == owner; });
  while (!on_own_thread && serving_ == owner) turn_ended_.wait(mutex_);
}

// No subscription outlives this, and so none outlives the workspace's waker.
void SignalPump::Loop::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    for (const auto& registration : registrations_) registration->mailbox.reset();
  }
  interrupt();
}

SignalPump::Loop::Registrations SignalPump::Loop::take_out(auto matches) {
  Registrations out;
  std::erase_if(registrations_, [&](const auto& registration) {
    if (!matches(*registration)) return false;
    registration->mailbox.reset();
    out.push_back(registration);
    return true;
  });
  one_agent_ = std::ranges::all_of(registrations_, [this](const auto& registration) ALDIS_REQUIRES(mutex_) {
    return registration->subscription.agent == registrations_.front()->subscription.agent;
  });
  return out;
}

std::optional<SignalPump::Loop::Round> SignalPump::Loop::begin_round() {
  Registrations stopped;  // goes after the lock, as above
  const MutexLock lock(mutex_);
  if (closed_) return std::nullopt;
  if (interrupt_.stop_requested()) {
    interrupt_ = std::stop_source();
    stopped = take_out([](const Registration& one) { return one.subscription.stop.stop_requested(); });
  }
  Round round;
  round.interrupted = interrupt_.get_token();
  round.rings = workspace_.waker().any().rings();
  pick_due(round);
  return round;
}

void SignalPump::Loop::pick_due(Round& round) {
  const SteadyTime now = workspace_.clock().steady_now();
  for (const auto& registration : registrations_) {
    const std::uint64_t rings = registration->mailbox->rings();
    const bool pauses = registration->pause > nanoseconds::zero();
    const bool rang = rings != registration->rings && !pauses;
    if (!rang && now < registration->next_look) {
      if (pauses) registration->rings = rings;  // heard, and no reason to wake before the pause is over
      round.wake = std::min(round.wake, registration->next_look);
      continue;
    }
    registration->rings = rings;
    round.due.emplace_back(registration);
  }
}

// False when the loop was closed. Whoever closes it from another thread waits for this one, so the workspace is there.
bool SignalPump::Loop::sleep_after(const Round& round) {
  std::shared_ptr<Subscription> only;  // of one agent: others' mailboxes do not wake this thread
  std::uint64_t rings = round.rings;
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    if (one_agent_ && !registrations_.empty()) {
      only = registrations_.front()->mailbox;
      rings = registrations_.front()->rings;
    }
  }
  const nanoseconds at_most = std::min(round.wake - workspace_.clock().steady_now(), limits::kQuietMax);
  const Subscription& subscription = only ? *only : workspace_.waker().any();
  if (at_most > nanoseconds::zero()) workspace_.waker().sleep(subscription, rings, at_most, round.interrupted);
  return true;
}

bool SignalPump::Loop::begin_turn(const Registration& registration) {
  const MutexLock lock(mutex_);
  if (closed_ || !registration.mailbox) return false;
  serving_ = registration.subscription.owner;
  return true;
}

void SignalPump::Loop::end_turn() {
  {
    const MutexLock lock(mutex_);
    serving_ = nullptr;
  }
  turn_ended_.notify_all();
}

bool SignalPump::Loop::may_continue(const Registration& registration) {
  const MutexLock lock(mutex_);
  return !closed_ && registration.mailbox && !registration.subscription.stop.stop_requested();
}

void SignalPump::Loop::serve(Registration& registration) {
  const SignalSubscription& subscription = registration.subscription;
  registration.next_look = SteadyTime{};
  for (int takes = 0; takes < kTakesPerTurn && may_continue(registration); ++takes) {
    Result<TakeOutcome> outcome = look_into_mailbox(
        workspace_.signals(), workspace_.processes(),
        {.agent = subscription.agent, .filter = subscription.filter, .options = TakeOptions{}, .self = std::nullopt});
    if (!outcome) return put_off(registration, outcome.error());
    registration.pause = nanoseconds::zero();
    if (const auto* nothing = std::get_if<NothingTaken>(&*outcome)) {
      const nanoseconds quiet = time_until_look(*nothing, workspace_.waker().recheck_interval());
      registration.next_look = workspace_.clock().steady_now() + quiet;
      return;
    }
    subscription.callback(to_news(*std::move(outcome)));
  }
}

void SignalPump::Loop::put_off(Registration& registration, const Error& error) {
  const bool is_news = registration.pause == nanoseconds::zero();
  registration.pause = is_news ? kFirstPause : std::min(registration.pause * 2, workspace_.waker().recheck_interval());
  registration.next_look = workspace_.clock().steady_now() + registration.pause;
  if (is_news && registration.subscription.on_error) registration.subscription.on_error(error);
}

void SignalPump::Loop::interrupt() {
  const std::stop_source interrupt = [this] {
    const MutexLock lock(mutex_);
    return interrupt_;
  }();
  interrupt.request_stop();
}

SignalPump::SignalPump(Workspace::Impl& workspace, std::shared_ptr<Loop> loop, std::thread thread)
    : workspace_(workspace), loop_(std::move(loop)), thread_(std::move(thread)) {}

Result<std::unique_ptr<SignalPump>> SignalPump::start(Workspace::Impl& workspace) {
  auto loop = std::make_shared<Loop>(workspace);
  ALDIS_TRY_ASSIGN(std::thread thread, start_worker_thread([loop] { loop->run(); }));
  return std::unique_ptr<SignalPump>(new SignalPump(workspace, std::move(loop), std::move(thread)));
}

SignalPump::~SignalPump() {
  if (workspace_.in_child()) {
    forget_worker_thread(thread_);
    return;
  }
  loop_->close();
  if (is_own_thread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

bool SignalPump::is_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

void SignalPump::add(SignalSubscription subscription) { loop_->add(std::move(subscription)); }

void SignalPump::remove_owner(const void* owner) { loop_->remove_owner(owner, is_own_thread()); }

}  // namespace aldis
