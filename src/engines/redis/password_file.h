#pragma once
// Passwords from files, so that they stand in no URL, environment or process list. Used when a store is opened;
// implemented in password_file.cc.
//
// Model: the whole file without one newline at its end is the password. Errors: permission_denied;
// failed_precondition if there is none or other users may read it; invalid_argument if it is empty, no regular file or
// longer than kRedisPasswordBytesMax.

#include "aldis/result.h"
#include "engines/redis/redis_options.h"

namespace aldis {

// Fills in the passwords whose files `options` names.
Result<void> load_password_files(RedisOptions& options);

}  // namespace aldis
