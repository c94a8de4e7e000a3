#include "aldis/signals.h"

#include <atomic>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"
#include "domain/held_signals.h"
#include "domain/mailbox_look.h"
#include "domain/own_events.h"
#include "domain/signal_filters.h"
#include "domain/signal_pump.h"
#include "domain/signal_wait.h"
#include "domain/workspace_impl.h"
#include "ports/signal_address.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// Whatever is no id at all cannot be known either, so both are the same answer.
Result<Id128> find_id(std::string_view signal_id) {
  if (const auto id = parse_id(kSignalIdPrefix, signal_id)) return *id;
  return fail(ErrorCode::not_found, "no signal has the id \"{}\": ids look like {}", signal_id,
              format_id(kSignalIdPrefix, Id128{}));
}

}  // namespace

std::string_view to_string(ReceiptState state) {
  switch (state) {
    case ReceiptState::pending:
      return "pending";
    case ReceiptState::reserved:
      return "reserved";
    case ReceiptState::delivered:
      return "delivered";
    case ReceiptState::expired:
      return "expired";
    case ReceiptState::cleared:
      return "cleared";
  }
  return "unknown";
}

class CoordinationSignals::Impl {
 public:
  Impl(Workspace workspace, std::string agent_id)
      : workspace_(std::move(workspace)), agent_(std::move(agent_id)), self_(identify_self()) {}

  // In a forked child the pump's lock may be held by a thread that does not exist there.
  ~Impl() {
    SignalPump* const pump = pump_.load();
    if (pump != nullptr && !workspace().in_child()) pump->remove_owner(this);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Workspace::Impl& workspace() const { return *workspace_.impl(); }
  SignalStore& store() const { return workspace().signals(); }
  const std::string& agent() const { return agent_; }

  Result<CoordinationSignal> send(std::string_view type, std::optional<std::string_view> target, Json payload,
                                  nanoseconds ttl);
  Result<std::shared_ptr<const SignalFilter>> prepare(const std::vector<std::string>& types, std::string_view source,
                                                      const TakeOptions& options);
  // The process to bind a reservation to; `kept` holds it if it is not our own.
  Result<const std::optional<ProcessIdentity>*> find_holder(const TakeOptions& options,
                                                            std::optional<ProcessIdentity>& kept) const;
  MailboxLook look(const SignalFilter& filter, const TakeOptions& options,
                   const std::optional<ProcessIdentity>* holder) const {
    return {.agent = agent_, .filter = filter, .options = options, .self = *holder};
  }
  // Hands back what dead processes held, as a take would before it.
  Result<void> revive(std::string_view type) const;
  // Remembers what was reserved.
  void note(const Delivered& delivered, const TakeOptions& options) {
    if (options.acknowledge_within) held_.add(delivered.signal);
  }
  Result<void> acknowledge(const Id128& signal_id);
  Result<void> subscribe(SignalSubscription subscription);

 private:
  std::optional<ProcessIdentity> identify_self() const {
    Result<ProcessIdentity> self = workspace().processes().self();
    if (!self) return std::nullopt;  // no /proc: reservations then end by time alone
    return *std::move(self);
  }

  const Workspace workspace_;
  const std::string agent_;
  const std::optional<ProcessIdentity> self_;
  FilterCache filters_;
  HeldSignals held_;
  std::atomic<SignalPump*> pump_{nullptr};  // once something was registered there
};

Result<CoordinationSignal> CoordinationSignals::Impl::send(std::string_view type,
                                                           std::optional<std::string_view> target, Json payload,
                                                           nanoseconds ttl) {
  ALDIS_TRY(workspace().usable());
  ALDIS_TRY(check_name("signal type", type));
  if (target) ALDIS_TRY(check_name("target agent", *target));
  ALDIS_TRY(check_ttl(ttl));
  const WallTime now = workspace().clock().wall_now();
  const OutgoingSignal outgoing{.id = address_signal(make_id(now), target),
                                .type = type,
                                .source = agent_,
                                .target = target,
                                .payload = payload.text(),
                                .sent_at = now,
                                .ttl = ttl};
  ALDIS_TRY(store().send(outgoing));
  CoordinationSignal sent;
  sent.signal_id = format_id(kSignalIdPrefix, outgoing.id);
  sent.signal_type = type;
  sent.source_agent = agent_;
  if (target) sent.target_agent = *target;
  sent.payload = std::move(payload);
  sent.timestamp = now;
  sent.ttl = ttl;
  sent.expires_at = now + std::chrono::duration_cast<std::chrono::microseconds>(ttl);
  tell_of_signal(workspace(), sent);
  return sent;
}

Result<std::shared_ptr<const SignalFilter>> CoordinationSignals::Impl::prepare(const std::vector<std::string>& types,
                                                                               std::string_view source,
                                                                               const TakeOptions& options) {
  ALDIS_TRY(workspace().usable());
  ALDIS_TRY(check_take_options(options));
  return filters_.find(types, source);
}

Result<void> CoordinationSignals::Impl::revive(std::string_view type) const {
  SignalFilter filter;
  if (!type.empty()) filter.types.emplace_back(type);
  TakeOptions only_look;
  only_look.consume = false;
  ALDIS_TRY(look_into_mailbox(store(), workspace().processes(), look(filter, only_look, &self_)));
  return {};
}

Result<const std::optional<ProcessIdentity>*> CoordinationSignals::Impl::find_holder(
    const TakeOptions& options, std::optional<ProcessIdentity>& kept) const {
  if (options.holder.kind == ProcessBinding::Kind::self) return &self_;
  if (options.holder.kind == ProcessBinding::Kind::other) {
    ALDIS_TRY_ASSIGN(kept, workspace().processes().identify(options.holder.pid));
  }
  return &kept;
}

Result<void> CoordinationSignals::Impl::acknowledge(const Id128& signal_id) {
  ALDIS_TRY(store().acknowledge(agent_, signal_id, held_.attempt_of(signal_id)));
  held_.remove(signal_id);
  return {};
}

Result<void> CoordinationSignals::Impl::subscribe(SignalSubscription subscription) {
  ALDIS_TRY_ASSIGN(SignalPump* const pump, workspace().pump());
  pump_.store(pump);
  pump->add(std::move(subscription));
  return {};
}

CoordinationSignals::CoordinationSignals(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CoordinationSignals::~CoordinationSignals() = default;
CoordinationSignals::CoordinationSignals(CoordinationSignals&&) noexcept = default;
CoordinationSignals& CoordinationSignals::operator=(CoordinationSignals&&) noexcept = default;

Result<CoordinationSignals> CoordinationSignals::open(Workspace workspace, std::string agent_id) {
  ALDIS_TRY(workspace.impl()->usable());
  ALDIS_TRY(check_name("agent id", agent_id));
  return CoordinationSignals(std::make_unique<Impl>(std::move(workspace), std::move(agent_id)));
}

Result<CoordinationSignal> CoordinationSignals::signal(std::string_view type, std::string_view target, Json payload,
                                                       nanoseconds ttl) {
  return impl_->send(type, target, std::move(payload), ttl);
}

Result<CoordinationSignal> CoordinationSignals::broadcast(std::string_view type, Json payload, nanoseconds ttl) {
  return impl_->send(type, std::nullopt, std::move(payload), ttl);
}

Result<CheckOutcome> CoordinationSignals::check_signal(const std::vector<std::string>& types, std::string_view source,
                                                       const TakeOptions& options) {
  ALDIS_TRY_ASSIGN(const auto filter, impl_->prepare(types, source, options));
  std::optional<ProcessIdentity> kept;
  ALDIS_TRY_ASSIGN(const auto* const holder, impl_->find_holder(options, kept));
  Result<TakeOutcome> outcome =
      look_into_mailbox(impl_->store(), impl_->workspace().processes(), impl_->look(*filter, options, holder));
  if (!outcome) return std::unexpected(std::move(outcome).error());
  if (std::holds_alternative<NothingTaken>(*outcome)) return CheckOutcome{NothingYet{}};
  if (auto* expired = std::get_if<Expired>(&*outcome)) return CheckOutcome{std::move(*expired)};
  auto& delivered = std::get<Delivered>(*outcome);
  impl_->note(delivered, options);
  return CheckOutcome{std::move(delivered)};
}

Result<WaitOutcome> CoordinationSignals::wait_for_signal(const std::vector<std::string>& types, std::string_view source,
                                                         nanoseconds timeout, const TakeOptions& options,
                                                         std::stop_token stop) {
  ALDIS_TRY_ASSIGN(const auto filter, impl_->prepare(types, source, options));
  ALDIS_TRY_ASSIGN(const nanoseconds patience, check_timeout(timeout));
  std::optional<ProcessIdentity> kept;
  ALDIS_TRY_ASSIGN(const auto* const holder, impl_->find_holder(options, kept));
  Result<WaitOutcome> outcome =
      wait_for_news(impl_->workspace(), impl_->look(*filter, options, holder), patience, stop);
  if (!outcome) return outcome;
  if (const auto* delivered = std::get_if<Delivered>(&*outcome)) impl_->note(*delivered, options);
  return outcome;
}

Result<void> CoordinationSignals::on_signal(const std::vector<std::string>& types, std::string_view source,
                                            std::function<void(const SignalNews&)> callback, std::stop_token stop,
                                            std::function<void(const Error&)> on_error) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_filter(types, source));
  if (!callback) return fail(ErrorCode::invalid_argument, "on_signal needs a function to call");
  ALDIS_TRY(impl_->store().appear(impl_->agent()));
  return impl_->subscribe({.agent = impl_->agent(),
                           .filter = {types, std::string(source)},
                           .callback = std::move(callback),
                           .on_error = std::move(on_error),
                           .stop = std::move(stop),
                           .owner = impl_.get()});
}

Result<std::vector<CoordinationSignal>> CoordinationSignals::get_pending_signals(std::string_view type) {
  ALDIS_TRY(impl_->workspace().usable());
  if (!type.empty()) ALDIS_TRY(check_name("signal type", type));
  ALDIS_TRY(impl_->revive(type));
  return impl_->store().pending(impl_->agent(), type);
}

Result<std::uint64_t> CoordinationSignals::clear_signals(std::string_view type) {
  ALDIS_TRY(impl_->workspace().usable());
  if (!type.empty()) ALDIS_TRY(check_name("signal type", type));
  ALDIS_TRY(impl_->revive(type));
  return impl_->store().clear(impl_->agent(), type);
}

Result<void> CoordinationSignals::acknowledge(std::string_view signal_id) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(signal_id));
  return impl_->acknowledge(id);
}

Result<Receipt> CoordinationSignals::receipt(std::string_view signal_id) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(signal_id));
  ALDIS_TRY_ASSIGN(ReceiptReading reading, impl_->store().receipt(id));
  return std::move(reading.receipt);
}

Result<Receipt> CoordinationSignals::wait_for_receipt(std::string_view signal_id, nanoseconds timeout,
                                                      std::stop_token stop) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const Id128 id, find_id(signal_id));
  ALDIS_TRY_ASSIGN(const nanoseconds patience, check_timeout(timeout));
  return wait_for_final_receipt(impl_->workspace(), id, patience, stop);
}

}  // namespace aldis
