#include "courier/update_check.h"

#include "aldis/limits.h"
#include "courier/request.h"

namespace aldis::courier {

std::optional<std::string> ask_for_update(Http& http, const telemetry::ConsentFile& consent) {
  return parse_update_answer(http.send({
      .url = consent.update_url,
      .headers = {user_agent()},
      .answer_bytes_max = limits::kUpdateAnswerBytesMax,
  }));
}

}  // namespace aldis::courier
