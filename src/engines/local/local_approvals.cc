#include "engines/local/local_approvals.h"

#include <array>
#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/approval_rows.h"

namespace aldis {
namespace {

class LocalApprovals final : public ApprovalStore {
 public:
  LocalApprovals(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell)
      : ledger_(std::move(ledger)), doorbell_(std::move(doorbell)) {}

  Result<OpenedApproval> open(const ApprovalSubject& subject) override {
    ALDIS_TRY_ASSIGN(OpenedApproval opened, write([&](ApprovalRows& rows) -> Result<OpenedApproval> {
                       ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> known, rows.find_asked(subject));
                       if (known) return OpenedApproval{*std::move(known), true};
                       ALDIS_TRY(rows.check_room());
                       rows.add(subject);
                       ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> added, rows.find(subject.id));
                       return OpenedApproval{std::move(added).value_or(ApprovalReading{}), false};
                     }));
    if (!opened.existed) ring(subject.id);
    return opened;
  }

  Result<std::optional<ApprovalReading>> read(const Id128& id) override {
    auto found = look([&](ApprovalRows& rows) { return rows.find(id); });
    return found ? found : read_unsettled(id, found.error());
  }

  Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) override {
    return look([&](ApprovalRows& rows) { return rows.list(page); });
  }

  Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) override {
    bool changed = false;
    ALDIS_TRY_ASSIGN(ChangeOutcome outcome, write([&](ApprovalRows& rows) -> Result<ChangeOutcome> {
                       ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> known, rows.find(id));
                       if (!known) {
                         return fail(ErrorCode::not_found, "there is no approval request {}, or it is older than kept",
                                     format_id(kApprovalIdPrefix, id));
                       }
                       if (rows.was_made(id, change.id)) return ApprovalChanged{*std::move(known)};
                       const ApprovalRecord& record = known->record;
                       if (record.state != ApprovalState::pending || record.version != change.seen_version)
                         return ApprovalSuperseded{*std::move(known)};
                       rows.change(record, change);
                       changed = true;
                       ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> after, rows.find(id));
                       return ApprovalChanged{std::move(after).value_or(ApprovalReading{})};
                     }));
    if (changed) ring(id);
    return outcome;
  }

  Result<std::uint64_t> remove_timed_out(std::chrono::nanoseconds age) override {
    const auto remove = [&](ApprovalRows& rows) -> Result<std::uint64_t> { return rows.remove_timed_out(age); };
    ALDIS_TRY_ASSIGN(const std::uint64_t removed, ledger_->write(LedgerSync::full, [&](LedgerTransaction& transaction) {
      ApprovalRows rows(transaction);
      return remove(rows);
    }));
    if (removed > 0) return removed;
    return write(remove);
  }

  Result<std::string> store_id() override {
    return ledger_->read([](LedgerTransaction& transaction) -> Result<std::string> {
      auto row = transaction.query("SELECT value FROM meta WHERE key = 'store_id'");
      if (!row.next()) return fail(ErrorCode::data_loss, "the ledger has lost its store id");
      return std::string(row.text(0));
    });
  }

 private:
  // Runs `body` in a transaction that finds nothing due. What is due is settled in transactions before: it stays
  // settled when `body` fails.
  template <class Body>
  auto write(Body body) -> std::invoke_result_t<Body&, ApprovalRows&> {
    using Answer = std::optional<typename std::invoke_result_t<Body&, ApprovalRows&>::value_type>;
    for (;;) {
      ALDIS_TRY_ASSIGN(Answer answer,
                       ledger_->write(LedgerSync::full, [&](LedgerTransaction& transaction) -> Result<Answer> {
                         ApprovalRows rows(transaction);
                         if (rows.settle() > 0) return std::nullopt;
                         return body(rows);
                       }));
      if (answer) return *std::move(answer);
    }
  }

  template <class Body>
  auto look(Body body) -> std::invoke_result_t<Body&, ApprovalRows&> {
    using Answer = std::optional<typename std::invoke_result_t<Body&, ApprovalRows&>::value_type>;
    ALDIS_TRY_ASSIGN(Answer answer, ledger_->read([&](LedgerTransaction& transaction) -> Result<Answer> {
      ApprovalRows rows(transaction);
      if (rows.is_due()) return std::nullopt;
      return body(rows);
    }));
    return answer ? *std::move(answer) : write(body);
  }

  // Where others cannot be settled (no room, a writer that is stopped), what is not due itself can be read.
  Result<std::optional<ApprovalReading>> read_unsettled(const Id128& id, const Error& reason) {
    return ledger_->read([&](LedgerTransaction& transaction) -> Result<std::optional<ApprovalReading>> {
      ApprovalRows rows(transaction);
      if (rows.is_due(id)) return std::unexpected(reason);
      return rows.find(id);
    });
  }

  void ring(const Id128& id) {
    const std::string name = format_id({}, id);
    doorbell_->ring(std::array{Topic{Topic::Kind::approval, name}, Topic{Topic::Kind::approvals, {}}});
  }

  const std::shared_ptr<Ledger> ledger_;
  const std::shared_ptr<Doorbell> doorbell_;
};

}  // namespace

std::shared_ptr<ApprovalStore> make_local_approvals(std::shared_ptr<Ledger> ledger,
                                                    std::shared_ptr<Doorbell> doorbell) {
  return std::make_shared<LocalApprovals>(std::move(ledger), std::move(doorbell));
}

}  // namespace aldis
