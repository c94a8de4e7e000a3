#pragma once
// Reads the URL of a Redis store. Used by whatever opens a store and by the command line; implemented in store_url.cc.
//
// Model: docs/redis.md has the grammar: redis://, redis+unix://, redis+sentinel://, redis+cluster://, and rediss… for
// the same over TLS. User, password, path and options are percent-decoded. Nothing is opened or resolved. Threads: safe
// from any thread. Errors: invalid_argument, with the part that is wrong and what to write instead; no message repeats
// what may be a password. Limits: kRedisStoreUrlBytesMax, kRedisEndpointsMax, kRedisReplicasMax.

#include <string>
#include <string_view>

#include "aldis/result.h"
#include "engines/redis/redis_options.h"

namespace aldis {

// Whether the text begins with a scheme of ours, so that parse_store_url is the one to ask.
bool is_redis_url(std::string_view url);

Result<RedisOptions> parse_store_url(std::string_view url);

// The next two take any bytes, also what parse_store_url refuses or what lacks its ://.
bool has_password(std::string_view url);
std::string mask_store_url(std::string_view url);  // each password is "***"

}  // namespace aldis
