#include "core/failure.h"

#include <system_error>

namespace aldis {

Error system_error(ErrorCode code, std::string_view what, int errno_value) {
  return make_error(code, "{}: {}", what, std::generic_category().message(errno_value));
}

}  // namespace aldis
