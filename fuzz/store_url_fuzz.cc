// Any bytes as the URL of a store: refused with advice, or options within the limits. What is shown of it is the same
// URL with other passwords.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aldis/limits.h"
#include "engines/redis/store_url.h"
#include "require.h"

using aldis::RedisOptions;
using aldis::fuzz::require;

namespace {

void look_at_options(const RedisOptions& options) {
  require(!options.endpoints.empty() && options.endpoints.size() <= aldis::limits::kRedisEndpointsMax);
  for (const aldis::Endpoint& endpoint : options.endpoints) {
    require(endpoint.unix_path.empty() ? !endpoint.host.empty() && endpoint.port != 0
                                       : endpoint.unix_path.starts_with('/'));
  }
  require(options.master_name.empty() == (options.kind != RedisOptions::Kind::sentinel));
  require(options.replicas <= aldis::limits::kRedisReplicasMax);
  require(!options.tls || options.tls->certificate_file.empty() == options.tls->key_file.empty());
}

// True if there was one.
bool hide(std::string& password) {
  const bool is_there = !password.empty();
  if (is_there) password = "***";
  return is_there;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  const std::string masked = aldis::mask_store_url(url);
  require((masked == url) || aldis::has_password(url));

  auto options = aldis::parse_store_url(url);
  if (!options) {
    require(options.error().code == aldis::ErrorCode::invalid_argument && !options.error().message.empty());
    return 0;
  }
  require(aldis::is_redis_url(url));
  look_at_options(*options);
  const bool has_password = hide(options->credentials.password);
  const bool has_another = hide(options->sentinel_credentials.password);
  require(aldis::has_password(url) == (has_password || has_another));
  if (masked.size() > aldis::limits::kRedisStoreUrlBytesMax) return 0;
  const auto shown = aldis::parse_store_url(masked);
  require(shown && *shown == *options);
  return 0;
}
