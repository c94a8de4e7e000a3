#pragma once
// What the tests of the client have in common: two scripts, and a client of a URL. Header only.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engines/redis/client.h"
#include "engines/redis/store_url.h"
#include "engines/redis/topology.h"

namespace aldis::testing {

// Appends a word to a list of the group, and says how long it is then.
inline constexpr ScriptText kAppendText = {
    "redis.call('RPUSH', KEYS[1] .. ':list', ARGV[2]) return redis.call('LLEN', KEYS[1] .. ':list')",
    "c0cb811cafcc5913345374dff0727edc4e5bd8ba"};
inline constexpr Script kAppend = {"append", kAppendText, kAppendText};

inline constexpr ScriptText kArgumentsText = {"return ARGV", "4cf2342858f27cba86b2b790280b0ba54885a7d0"};
inline constexpr Script kArguments = {"arguments", kArgumentsText, kArgumentsText};

inline const std::string kGroup = "aldis1:{t/m/00}";

inline Result<std::shared_ptr<RedisClient>> try_connect(const std::string& url,
                                                        std::chrono::nanoseconds call_timeout = std::chrono::seconds{
                                                            10}) {
  return RedisClient::open(*parse_store_url(url), call_timeout, std::make_shared<SystemClock>());
}

inline std::shared_ptr<RedisClient> connect(const std::string& url,
                                            std::chrono::nanoseconds call_timeout = std::chrono::seconds{10}) {
  auto client = try_connect(url, call_timeout);
  if (!client) ADD_FAILURE() << client.error().message;
  return client ? *client : nullptr;
}

inline Result<Reply> append(RedisClient& client, std::string_view word, std::string_view group = kGroup,
                            Durability durability = Durability::fleeting) {
  return client.run(kAppend, group, std::array{word}, durability);
}

// How long the list is after one more word; -1 with a failure of the test.
inline std::int64_t length_after(RedisClient& client, std::string_view word = "w", std::string_view group = kGroup) {
  const Result<Reply> reply = append(client, word, group);
  if (!reply) ADD_FAILURE() << reply.error().message;
  return reply ? reply->integer : -1;
}

inline ReadRequest length_of(const std::string& group = kGroup) {
  return {.group = group, .commands = {{"LLEN", group + ":list"}}};
}

}  // namespace aldis::testing
