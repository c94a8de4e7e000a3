#include "engines/local/local_audit.h"

#include <utility>

#include "core/failure.h"
#include "engines/local/audit_rows.h"

namespace aldis {
namespace {

class LocalAudit final : public AuditStore {
 public:
  explicit LocalAudit(std::shared_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}

  Result<AuditBounds> bounds() override {
    return ledger_->read([](LedgerTransaction& transaction) -> Result<AuditBounds> {
      AuditRows rows(transaction);
      AuditBounds bounds = rows.bounds();
      bounds.stray = rows.stray();
      return bounds;
    });
  }

  Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) override {
    return ledger_->read([&](LedgerTransaction& transaction) -> Result<std::vector<AuditEntry>> {
      return AuditRows(transaction).behind(after, count);
    });
  }

  Result<std::uint64_t> rotate(const AuditHead& through, std::string_view actor) override {
    return ledger_->write(LedgerSync::full, [&](LedgerTransaction& transaction) -> Result<std::uint64_t> {
      if (const auto removed = AuditRows(transaction).rotate(through, actor)) return *removed;
      return fail(ErrorCode::failed_precondition,
                  "the audit log holds no entry {}:{}; its entries are listed by "
                  "`aldis audit list`",
                  through.number, through.hash);
    });
  }

 private:
  const std::shared_ptr<Ledger> ledger_;
};

}  // namespace

std::shared_ptr<AuditStore> make_local_audit(std::shared_ptr<Ledger> ledger) {
  return std::make_shared<LocalAudit>(std::move(ledger));
}

}  // namespace aldis
