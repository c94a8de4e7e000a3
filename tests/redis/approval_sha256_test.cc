// The SHA-256 that scripts calculate, beside that of core/sha256.h, on a real server.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>

#include "core/clock.h"
#include "core/sha256.h"
#include "engines/redis/client.h"
#include "engines/redis/store_url.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

std::string library() {
  std::ostringstream text;
  text << std::ifstream(ALDIS_SHA256_LUA).rdbuf();
  return text.str();
}

class RedisSha256 : public ::testing::Test {
 protected:
  std::string in_lua(std::string_view bytes) {
    const std::array<std::string_view, 1> arguments{bytes};
    return client_->run(script_, "aldis1:{sha256}", arguments).value().text;
  }

 private:
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket}};
  const std::shared_ptr<RedisClient> client_ =
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value();
  const std::string text_ = library() + "return sha256_hex(ARGV[2])\n";
  // No server knows it by this name: its text is sent.
  const ScriptText sent_{text_, "0000000000000000000000000000000000000000"};
  const Script script_{"sha256", sent_, sent_};
};

TEST_F(RedisSha256, is_the_same_for_every_length_of_random_bytes) {
  constexpr std::size_t kLengths = 300;
  std::mt19937_64 random(1);
  for (std::size_t length = 0; length <= kLengths; ++length) {
    std::string bytes(length, '\0');
    std::ranges::generate(bytes, [&] { return static_cast<char>(random()); });
    EXPECT_EQ(in_lua(bytes), sha256_hex(bytes)) << length;
  }
}

TEST_F(RedisSha256, is_the_same_for_the_heaviest_and_the_lightest_words) {
  for (const char byte : {'\0', '\x7f', '\x80', '\xff'}) {
    for (const std::size_t length : {64, 1'000, 100'000}) {
      const std::string bytes(length, byte);
      EXPECT_EQ(in_lua(bytes), sha256_hex(bytes)) << length;
    }
  }
}

}  // namespace
}  // namespace aldis::testing
