#include "engines/redis/store_url.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "aldis/limits.h"
#include "engines/redis/password_file.h"
#include "fakes/scratch_directory.h"

namespace aldis {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RedisOptions::Kind;

RedisOptions parsed(std::string_view url) {
  auto options = parse_store_url(url);
  EXPECT_TRUE(options) << url << ": " << options.error().message;
  return options ? *std::move(options) : RedisOptions();
}

std::string refusal(std::string_view url) {
  const auto options = parse_store_url(url);
  if (options) return "accepted";
  EXPECT_EQ(options.error().code, ErrorCode::invalid_argument);
  return options.error().message;
}

Endpoint tcp(std::string host, std::uint16_t port) { return {.host = std::move(host), .port = port}; }

TEST(StoreUrl, names_one_server) {
  const RedisOptions plain = parsed("redis://queue.example.org");
  EXPECT_EQ(plain.kind, Kind::single);
  EXPECT_THAT(plain.endpoints, ElementsAre(tcp("queue.example.org", 6379)));
  EXPECT_EQ(plain.credentials, Credentials());
  EXPECT_EQ(plain.database, 0U);
  EXPECT_FALSE(plain.tls);

  const RedisOptions full = parsed("redis://alice:pa%3Ass%40@10.0.0.1:7000/3?replicas=1");
  EXPECT_THAT(full.endpoints, ElementsAre(tcp("10.0.0.1", 7000)));
  EXPECT_EQ(full.credentials, (Credentials{"alice", "pa:ss@"}));
  EXPECT_EQ(full.database, 3U);
  EXPECT_EQ(full.replicas, 1U);

  EXPECT_EQ(parsed("redis://:a:b@host").credentials, (Credentials{"", "a:b"})) << "the first colon ends the user";
  EXPECT_THAT(parsed("redis://[::1]:7000/").endpoints, ElementsAre(tcp("::1", 7000)));
  EXPECT_THAT(parsed("redis://[2001:db8::1]").endpoints, ElementsAre(tcp("2001:db8::1", 6379)));
  EXPECT_EQ(parsed("redis://alice@host?password_file=/run/secret").password_file, "/run/secret");
}

TEST(StoreUrl, names_a_socket) {
  const RedisOptions options = parsed("redis+unix://alice:secret@/run/my%20redis/redis.sock?db=2&replicas=0");
  EXPECT_EQ(options.kind, Kind::single);
  EXPECT_THAT(options.endpoints, ElementsAre(Endpoint{.unix_path = "/run/my redis/redis.sock"}));
  EXPECT_EQ(options.credentials, (Credentials{"alice", "secret"}));
  EXPECT_EQ(options.database, 2U);
  EXPECT_THAT(parsed("redis+unix:///redis.sock").endpoints, ElementsAre(Endpoint{.unix_path = "/redis.sock"}));
}

TEST(StoreUrl, names_sentinels_and_their_master) {
  const RedisOptions options = parsed(
      "redis+sentinel://alice:secret@one,two:5000,[::1]/my-master/4"
      "?sentinel_user=bob&sentinel_password=p%26w&replicas=2");
  EXPECT_EQ(options.kind, Kind::sentinel);
  EXPECT_THAT(options.endpoints, ElementsAre(tcp("one", 26379), tcp("two", 5000), tcp("::1", 26379)));
  EXPECT_EQ(options.master_name, "my-master");
  EXPECT_EQ(options.database, 4U);
  EXPECT_EQ(options.credentials, (Credentials{"alice", "secret"}));
  EXPECT_EQ(options.sentinel_credentials, (Credentials{"bob", "p&w"}));
  EXPECT_EQ(parsed("redis+sentinel://one/m?sentinel_password_file=/run/s").sentinel_password_file, "/run/s");
  EXPECT_TRUE(parsed("rediss+sentinel://one/m").tls);
}

TEST(StoreUrl, names_nodes_of_a_cluster) {
  const RedisOptions options = parsed("rediss+cluster://alice:secret@one:7000,two?ca=/etc/ca.pem");
  EXPECT_EQ(options.kind, Kind::cluster);
  EXPECT_THAT(options.endpoints, ElementsAre(tcp("one", 7000), tcp("two", 6379)));
  EXPECT_EQ(options.tls, (TlsOptions{.ca_file = "/etc/ca.pem"}));
  EXPECT_FALSE(parsed("redis+cluster://one").tls);
}

TEST(StoreUrl, names_the_files_of_tls) {
  const RedisOptions options = parsed("rediss://host?key=/k%2Bey.pem&cert=/cert.pem");
  EXPECT_EQ(options.tls, (TlsOptions{.ca_file = "", .certificate_file = "/cert.pem", .key_file = "/k+ey.pem"}));
  EXPECT_EQ(parsed("rediss://host").tls, TlsOptions());
}

TEST(StoreUrl, that_is_wrong_says_what_to_write_instead) {
  EXPECT_THAT(refusal("redis:host"), HasSubstr("begins with redis://"));
  EXPECT_THAT(refusal("REDIS://host"), HasSubstr("begins with redis://"));
  EXPECT_THAT(refusal("rediss+unix:///socket"), HasSubstr("begins with redis://"));
  EXPECT_THAT(refusal("redis://"), HasSubstr("a host is missing"));
  EXPECT_THAT(refusal("redis://:6379"), HasSubstr("a host is missing"));
  EXPECT_THAT(refusal("redis://ho%41st"), HasSubstr("more than letters"));
  EXPECT_THAT(refusal("redis://::1"), HasSubstr("IPv6 addresses stand in [ ]"));
  EXPECT_THAT(refusal("redis://[::1"), HasSubstr("between [ and ]"));
  EXPECT_THAT(refusal("redis://[nonsense]"), HasSubstr("IPv6"));
  EXPECT_THAT(refusal("redis://[::1]x"), HasSubstr("only a colon and a port"));
  for (const char* url : {"redis://host:", "redis://host:0", "redis://host:65536", "redis://host:-1", "redis://host:6a",
                          "redis://[::1]:", "redis+cluster://a:1,b:x"}) {
    EXPECT_THAT(refusal(url), HasSubstr("from 1 to 65535")) << url;
  }
  EXPECT_THAT(refusal("redis://one,two"), HasSubstr("redis+cluster://"));
  EXPECT_THAT(refusal("redis+cluster://one,"), HasSubstr("a host is missing"));
  EXPECT_THAT(refusal("redis+cluster://,one"), HasSubstr("a host is missing"));
  EXPECT_THAT(refusal("redis+cluster://one/1"), HasSubstr("no databases"));
  EXPECT_THAT(refusal("redis+sentinel://one"), HasSubstr("/mymaster"));
  EXPECT_THAT(refusal("redis+sentinel://one/a%20b"), HasSubstr("/mymaster"));
  for (const char* url : {"redis://host/a", "redis://host/-1", "redis://host/65536", "redis://host/1/2",
                          "redis+sentinel://one/m/", "redis+unix:///s?db=x"}) {
    EXPECT_THAT(refusal(url), HasSubstr("a database is a number")) << url;
  }
  EXPECT_THAT(refusal("redis+unix://host/socket"), HasSubstr("three slashes"));
  EXPECT_THAT(refusal("redis+unix://"), HasSubstr("path of the socket is missing"));
  EXPECT_THAT(refusal("redis+unix:///"), HasSubstr("path of the socket is missing"));
  EXPECT_THAT(refusal("redis+unix:///" + std::string(108, 'a')), HasSubstr("at most 107 bytes"));
}

TEST(StoreUrl, takes_only_options_that_belong_there) {
  EXPECT_THAT(refusal("redis://host?color=red"), AllOf(HasSubstr("password_file, replicas"), Not(HasSubstr("color"))));
  EXPECT_THAT(refusal("rediss://host?x=1"), HasSubstr("password_file, replicas, ca, cert, key"));
  EXPECT_THAT(refusal("redis://host?ca=/ca.pem"), HasSubstr("ca is for rediss://"));
  EXPECT_THAT(refusal("redis://host?db=1"), HasSubstr("as in /0"));
  EXPECT_THAT(refusal("redis://host?sentinel_user=bob"), HasSubstr("redis+sentinel://"));
  EXPECT_THAT(refusal("redis://host?replicas=1&replicas=1"), HasSubstr("given twice"));
  EXPECT_THAT(refusal("redis://host?replicas=10"), HasSubstr("from 0 to 9"));
  EXPECT_THAT(refusal("redis://host?replicas="), HasSubstr("replicas is empty"));
  EXPECT_THAT(refusal("redis://host?replicas"), HasSubstr("replicas is empty"));
  EXPECT_THAT(refusal("redis://host?password_file=secret"), HasSubstr("absolute"));
  EXPECT_THAT(refusal("redis://host?password_file=/a%0"), HasSubstr("two hexadecimal digits"));
  EXPECT_THAT(refusal("redis://host?password_file=/a%00"), HasSubstr("two hexadecimal digits"));
  EXPECT_THAT(refusal("rediss://host?cert=/cert.pem"), HasSubstr("come together"));
  EXPECT_THAT(refusal("redis://host?&"), HasSubstr("the options are"));
}

TEST(StoreUrl, takes_a_password_from_one_place) {
  EXPECT_THAT(refusal("redis://:secret@host?password_file=/s"), HasSubstr("give one of them"));
  EXPECT_THAT(refusal("redis://alice@host"), HasSubstr("user without a password"));
  EXPECT_THAT(refusal("redis://alice:@host"), HasSubstr("password is empty"));
  EXPECT_THAT(refusal("redis://@host"), HasSubstr("nothing before the @"));
  EXPECT_THAT(refusal("redis+sentinel://one/m?sentinel_user=bob"), HasSubstr("Sentinels"));
  EXPECT_THAT(refusal("redis+sentinel://one/m?sentinel_password=a&sentinel_password_file=/s"), HasSubstr("Sentinels"));
}

TEST(StoreUrl, has_a_bounded_length_and_number_of_hosts) {
  std::string hosts = "h";
  for (std::size_t i = 1; i < limits::kRedisEndpointsMax; ++i) hosts += ",h";
  EXPECT_EQ(parsed("redis+cluster://" + hosts).endpoints.size(), limits::kRedisEndpointsMax);
  EXPECT_THAT(refusal("redis+cluster://" + hosts + ",h"), HasSubstr("more than 64 hosts"));
  EXPECT_THAT(refusal("redis+unix:///" + std::string(limits::kRedisStoreUrlBytesMax, 'a')), HasSubstr("longer than"));
}

TEST(StoreUrl, that_is_refused_tells_no_password) {
  for (const char* url : {"redis://alice:hunter2@host:x",
                          "redis://alice:hunter2",
                          "redis://alice:hunter2/x@host",
                          "redis://a:hunter2?@h",
                          "redis://a:hunter2@b@host",
                          "redis://hunter2@host",
                          "redis://alice:%hunter2@host",
                          "redis://a:b#hunter2@host",
                          "redis://a:1?hunter2@host",
                          "redis://a:1/hunter2@host",
                          "redis://a:b hunter2@host",
                          "redis:a:hunter2@host",
                          "redis+sentinel://one/m?sentinel_password=hunter2&x=1",
                          "redis+sentinel://one/m?sentinel_password=%hunter2",
                          "redis://one?sentinel_password=hunter2",
                          "redis+unix://a:hunter2/redis.sock",
                          "hunter2://host",
                          "redis+sentinel://a:1/hunter2@host",
                          "redis://host?password=hunter2",
                          "redis://host?hunter2=1"}) {
    EXPECT_THAT(refusal(url), AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("accepted")))) << url;
  }
}

TEST(StoreUrl, is_shown_without_its_passwords) {
  EXPECT_EQ(mask_store_url("redis://alice:hunter2@host:6379/0"), "redis://alice:***@host:6379/0");
  EXPECT_EQ(mask_store_url("redis+unix://:hunter2@/run/redis.sock?db=1"), "redis+unix://:***@/run/redis.sock?db=1");
  EXPECT_EQ(mask_store_url("redis+sentinel://a:b@h/m?sentinel_password=hunter2&replicas=1"),
            "redis+sentinel://a:***@h/m?sentinel_password=***&replicas=1");
  EXPECT_EQ(mask_store_url("redis://alice@host?password_file=/run/s"), "redis://alice@host?password_file=/run/s");
  EXPECT_EQ(mask_store_url("redis://a:p@ss/w?rd@host"), "redis://a:***@host");
  EXPECT_EQ(mask_store_url("a:hunter2@host"), "a:***@host");
  EXPECT_EQ(mask_store_url("redis://a:my-password=b@host"), "redis://a:***@host");
  EXPECT_EQ(mask_store_url("redis+sentinel://h:1/m?sentinel_password=a@b&x=1"), "redis+sentinel://h:***&x=1");
  EXPECT_EQ(mask_store_url("local:"), "local:");
  EXPECT_EQ(mask_store_url(""), "");
}

TEST(StoreUrl, tells_whether_it_has_a_password) {
  for (const char* url : {"redis://a:b@host", "redis://:b@host", "redis+sentinel://h/m?sentinel_password=b", "a:b@h"}) {
    EXPECT_TRUE(has_password(url)) << url;
  }
  for (const char* url : {"redis://host:6379/0", "redis://a@host?password_file=/s", "local:", "",
                          "redis+sentinel://h/m?sentinel_password_file=/s"}) {
    EXPECT_FALSE(has_password(url)) << url;
  }
}

TEST(StoreUrl, is_told_from_other_stores) {
  EXPECT_TRUE(is_redis_url("redis+cluster://a"));
  EXPECT_FALSE(is_redis_url("local:"));
  EXPECT_FALSE(is_redis_url("http://a"));
}

class PasswordFile : public ::testing::Test {
 protected:
  std::string file_with(std::string_view content, mode_t mode = 0600) {
    std::string path = scratch_.file("secret");
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  static Error failure(const std::string& path) {
    RedisOptions options{.password_file = path};
    const auto loaded = load_password_files(options);
    return loaded ? Error{ErrorCode::internal, "read as " + options.credentials.password} : loaded.error();
  }

  testing::ScratchDirectory scratch_;
};

TEST_F(PasswordFile, gives_the_password_without_the_newline_at_its_end) {
  RedisOptions options{.credentials = {.user = "alice"}, .password_file = file_with(" se\ncret\n\n")};
  ASSERT_TRUE(load_password_files(options));
  EXPECT_EQ(options.credentials, (Credentials{"alice", " se\ncret\n"}));

  RedisOptions sentinel{.sentinel_password_file = file_with("secret", 0400)};
  ASSERT_TRUE(load_password_files(sentinel));
  EXPECT_EQ(sentinel.sentinel_credentials.password, "secret");
  EXPECT_EQ(sentinel.credentials.password, "");
}

TEST_F(PasswordFile, is_not_needed) {
  RedisOptions options{.credentials = {.user = "a", .password = "b"}};
  ASSERT_TRUE(load_password_files(options));
  EXPECT_EQ(options.credentials.password, "b");
}

TEST_F(PasswordFile, must_be_closed_to_others) {
  const Error error = failure(file_with("secret", 0640));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, AllOf(HasSubstr("chmod 600"), Not(HasSubstr("cret\n"))));
}

TEST_F(PasswordFile, must_be_there_and_hold_one_password) {
  EXPECT_EQ(failure(scratch_.file("missing")).code, ErrorCode::failed_precondition);
  EXPECT_THAT(failure(scratch_.file("missing")).message, HasSubstr("missing"));
  EXPECT_THAT(failure(file_with("")).message, HasSubstr("holds no password"));
  EXPECT_THAT(failure(file_with("\n")).message, HasSubstr("holds no password"));
  EXPECT_THAT(failure(scratch_.path()).message, HasSubstr("no regular file"));
  EXPECT_THAT(failure(file_with(std::string(limits::kRedisPasswordBytesMax + 1, 'a'))).message, HasSubstr("longer"));
  const std::string pipe = scratch_.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(failure(pipe).message, HasSubstr("no regular file")) << "and nobody waits for a writer";
}

}  // namespace
}  // namespace aldis
