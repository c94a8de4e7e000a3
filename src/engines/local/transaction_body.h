#pragma once
// A body of any type and answer, run by a virtual function that knows neither. Used by board.h and ledger.h. Header
// only.

#include <optional>
#include <type_traits>
#include <utility>

#include "aldis/result.h"

namespace aldis {

template <class Transaction>
using TransactionBody = Result<void> (*)(void* context, Transaction& transaction);

// Answers what `body` answered in the transaction that `run(TransactionBody, context)` ran it in, or why that failed.
template <class Transaction, class Body, class Run>
auto run_body(Body& body, Run run) -> std::invoke_result_t<Body&, Transaction&> {
  using Answer = std::invoke_result_t<Body&, Transaction&>;
  struct Context {
    Body& body;
    std::optional<Answer> answer;
  } context{body, std::nullopt};
  const Result<void> ran = run(
      [](void* raw, Transaction& transaction) -> Result<void> {
        auto& self = *static_cast<Context*>(raw);
        self.answer.emplace(self.body(transaction));
        if (!*self.answer) return std::unexpected(self.answer->error());
        return {};
      },
      &context);
  if (!ran) return std::unexpected(ran.error());
  return std::move(*context.answer);
}

}  // namespace aldis
