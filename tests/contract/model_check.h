#pragma once
// Random histories on an engine, compared with the in-memory twin, which is the model. Header only.
//
// A history is a class whose run(call) and inspect() say in words what the engine answered; `make_history` makes one of
// an engine. What differs is shown with all that was answered before it.

#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "contract/engines.h"

namespace aldis::testing {

inline std::vector<EngineKind> engines_but_the_model() {
  std::vector<EngineKind> engines = all_engines();
  engines.erase(engines.begin());
  return engines;
}

template <class Call, class MakeHistory>
bool answers_like_the_model(const EngineKind& kind, const rc::Gen<Call>& any_call, MakeHistory make_history) {
  const EngineKind model_kind = all_engines().front();
  return rc::check("same answers", [&] {
    const auto calls = *rc::gen::resize(250, rc::gen::container<std::vector<Call>>(any_call));
    const auto model_engine = model_kind.make();
    const auto engine = kind.make();
    auto expected = make_history(*model_engine);
    auto found = make_history(*engine);
    std::string log;
    for (const Call& call : calls) {
      const std::string wanted = expected.run(call);
      const std::string got = found.run(call);
      log += wanted;
      if (got != wanted) RC_FAIL(log + "but got " + got);
    }
    const std::string wanted = expected.inspect();
    const std::string got = found.inspect();
    if (got != wanted) RC_FAIL(log + wanted + "but got\n" + got);
  });
}

}  // namespace aldis::testing
