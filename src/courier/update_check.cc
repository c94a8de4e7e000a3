#include "courier/update_check.h"

#include "aldis/limits.h"
#include "courier/request.h"
#include "telemetry/update_cache.h"

namespace aldis::courier {

bool is_update_check_due(const telemetry::ConsentFile& consent, const telemetry::GateRecord& gate,
                         std::chrono::sys_seconds now) {
  if (consent.update_url.empty()) return false;
  return now < gate.update_checked_at || now - gate.update_checked_at >= limits::kUpdateCheckInterval;
}

bool check_for_update(Http& http, const FileDescriptor& state_directory, const telemetry::ConsentFile& consent,
                      std::chrono::sys_seconds now) {
  const HttpAnswer answer = http.send({
      .url = consent.update_url,
      .headers = {user_agent()},
      .answer_bytes_max = limits::kUpdateAnswerBytesMax,
  });
  // A version that cannot be written down is seen again in a week.
  if (const auto version = parse_update_answer(answer)) {
    static_cast<void>(telemetry::write_update(state_directory, {.version = *version, .checked_at = now}));
  }
  return answer.status != 0;
}

}  // namespace aldis::courier
