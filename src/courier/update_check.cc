#include "courier/update_check.h"

#include "aldis/limits.h"
#include "courier/request.h"

namespace aldis::courier {

bool is_update_check_due(const telemetry::ConsentFile& consent, const telemetry::GateRecord& gate,
                         std::chrono::sys_seconds now) {
  if (consent.update_url.empty()) return false;
  return now < gate.update_checked_at || now - gate.update_checked_at >= limits::kUpdateCheckInterval;
}

std::optional<std::string> ask_for_update(Http& http, const telemetry::ConsentFile& consent) {
  return parse_update_answer(http.send({
      .url = consent.update_url,
      .headers = {user_agent()},
      .answer_bytes_max = limits::kUpdateAnswerBytesMax,
  }));
}

}  // namespace aldis::courier
