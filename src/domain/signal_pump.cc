#include "domain/signal_pump.h"

#include <algorithm>
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
    bool removed = false;  // guarded by mutex_; the next two are the thread's alone
    SteadyTime next_look;  // when it needs a look although nothing rang; past: at once
    nanoseconds pause{0};  // longer than 0 while its store fails
    std::stop_callback<Interrupt> on_stop;
  };
  using Registrations = std::vector<std::shared_ptr<Registration>>;
  // What a round begins with: nothing that happens later is missed.
  struct Round {
    Listening listening;
    std::stop_token interrupted;
  };

  Registrations take_out(auto matches) ALDIS_REQUIRES(mutex_);
  void drop_stopped();
  std::optional<Round> begin_round();
  Topic topic() const ALDIS_REQUIRES(mutex_);
  bool sleep_until(SteadyTime wake, const Round& round);
  std::shared_ptr<Registration> begin_turn(std::size_t index);
  void end_turn();
  bool may_continue(const Registration& registration);
  void serve(Registration& registration);
  void put_off(Registration& registration, const Error& error);
  void interrupt();

  Workspace::Impl& workspace_;
  Mutex mutex_;
  ConditionVariable turn_ended_;
  Registrations registrations_ ALDIS_GUARDED_BY(mutex_);
  const void* serving_ ALDIS_GUARDED_BY(mutex_) = nullptr;  // the owner whose turn it is
  bool closed_ ALDIS_GUARDED_BY(mutex_) = false;
  std::stop_source interrupt_ ALDIS_GUARDED_BY(mutex_);
};

void SignalPump::Loop::run() {
  for (;;) {
    drop_stopped();
    const std::optional<Round> round = begin_round();
    if (!round) return;
    SteadyTime wake = SteadyTime::max();
    for (std::size_t index = 0; const std::shared_ptr<Registration> registration = begin_turn(index); ++index) {
      serve(*registration);
      end_turn();
      wake = std::min(wake, registration->next_look);
    }
    if (!sleep_until(wake, *round)) return;
  }
}

void SignalPump::Loop::add(SignalSubscription subscription) {
  auto registration = std::make_shared<Registration>(std::move(subscription), this);
  {
    const MutexLock lock(mutex_);
    registrations_.push_back(std::move(registration));
  }
  interrupt();
}

void SignalPump::Loop::remove_owner(const void* owner, bool on_own_thread) {
  Registrations removed;  // goes after the lock: what a callback holds may come back here when it is destroyed
  {
    const MutexLock lock(mutex_);
    removed = take_out([owner](const Registration& registration) { return registration.subscription.owner == owner; });
    while (!on_own_thread && serving_ == owner) turn_ended_.wait(mutex_);
  }
  interrupt();  // a round under way may have skipped the registration that moved into a free place
}

void SignalPump::Loop::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  interrupt();
}

SignalPump::Loop::Registrations SignalPump::Loop::take_out(auto matches) {
  Registrations out;
  for (const auto& registration : registrations_) {
    registration->removed = matches(*registration);
    if (registration->removed) out.push_back(registration);
  }
  std::erase_if(registrations_, [](const auto& registration) { return registration->removed; });
  return out;
}

void SignalPump::Loop::drop_stopped() {
  Registrations stopped;  // goes after the lock, as above
  const MutexLock lock(mutex_);
  stopped = take_out([](const Registration& registration) { return registration.subscription.stop.stop_requested(); });
}

std::optional<SignalPump::Loop::Round> SignalPump::Loop::begin_round() {
  const MutexLock lock(mutex_);
  if (closed_) return std::nullopt;
  if (interrupt_.stop_requested()) interrupt_ = std::stop_source();
  return Round{workspace_.waker().listen(topic()), interrupt_.get_token()};
}

Topic SignalPump::Loop::topic() const {
  const auto is_another_agent = [this](const auto& registration) ALDIS_REQUIRES(mutex_) {
    return registration->subscription.agent != registrations_.front()->subscription.agent;
  };
  if (registrations_.empty() || std::ranges::any_of(registrations_, is_another_agent)) return {};
  return {Topic::Kind::mailbox, registrations_.front()->subscription.agent};
}

// False when the loop was closed. Whoever closes it from another thread waits for this one, so the workspace is there.
bool SignalPump::Loop::sleep_until(SteadyTime wake, const Round& round) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
  }
  const nanoseconds at_most = std::min(wake - workspace_.clock().steady_now(), workspace_.waker().recheck_interval());
  if (at_most > nanoseconds::zero()) workspace_.waker().sleep(round.listening, at_most, round.interrupted);
  return true;
}

std::shared_ptr<SignalPump::Loop::Registration> SignalPump::Loop::begin_turn(std::size_t index) {
  const MutexLock lock(mutex_);
  if (closed_ || index >= registrations_.size()) return nullptr;
  serving_ = registrations_[index]->subscription.owner;
  return registrations_[index];
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
  return !closed_ && !registration.removed && !registration.subscription.stop.stop_requested();
}

void SignalPump::Loop::serve(Registration& registration) {
  const SignalSubscription& subscription = registration.subscription;
  if (registration.pause > nanoseconds::zero() && workspace_.clock().steady_now() < registration.next_look) return;
  registration.next_look = SteadyTime{};
  for (int takes = 0; takes < kTakesPerTurn && may_continue(registration); ++takes) {
    Result<TakeOutcome> outcome = look_into_mailbox(
        workspace_.signals(), workspace_.processes(),
        {.agent = subscription.agent, .filter = subscription.filter, .options = TakeOptions{}, .self = std::nullopt});
    if (!outcome) return put_off(registration, outcome.error());
    registration.pause = nanoseconds::zero();
    if (const auto* nothing = std::get_if<NothingTaken>(&*outcome)) {
      const nanoseconds quiet = time_until_due(*nothing, workspace_.waker().recheck_interval());
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
