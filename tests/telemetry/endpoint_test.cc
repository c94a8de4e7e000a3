#include "telemetry/endpoint.h"

#include <gtest/gtest.h>

#include "aldis/limits.h"

namespace aldis::telemetry {
namespace {

void expect_refused(std::string_view url, std::string_view reason, bool allow_http = false) {
  const auto checked = check_endpoint(url, allow_http);
  ASSERT_FALSE(checked) << url;
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(checked.error().message.contains(reason)) << url << ": " << checked.error().message;
}

TEST(Endpoint, https_is_taken) {
  for (const char* url :
       {"https://telemetry.example", "https://telemetry.example/v1/logs", "https://t.example:8443/a?b=c",
        "https://10.0.0.1/", "https://[2001:db8::1]:4318/v1/logs", "https://[::1]", "https://t.example/a@b",
        "https://t.example?user=a@b", "https://T_1.example/%20"})
    EXPECT_TRUE(check_endpoint(url, false)) << url;
}

TEST(Endpoint, http_is_taken_for_this_host_only) {
  for (const char* url : {"http://localhost", "http://LocalHost:4318/v1/logs", "http://127.0.0.1:4318",
                          "http://127.255.1.2/", "http://[::1]:4318/v1/logs", "http://[::1]"})
    EXPECT_TRUE(check_endpoint(url, false)) << url;
  for (const char* url :
       {"http://telemetry.example", "http://localhost.example", "http://localhost.", "http://127.0.0.1.example",
        "http://127.0.0.1.", "http://127.1", "http://127.0.0.256", "http://127.0.0.1.1", "http://128.0.0.1",
        "http://[::2]", "http://[::ffff:127.0.0.1]", "http://0.0.0.0", "http://127.0.0.x", "http://127.0..1"})
    expect_refused(url, "--allow-http");
}

TEST(Endpoint, http_is_taken_when_the_user_insists) {
  EXPECT_TRUE(check_endpoint("http://telemetry.example/v1/logs", true));
  expect_refused("http://ann:secret@telemetry.example", "password", true);
}

TEST(Endpoint, other_protocols_are_refused) {
  for (const char* url : {"ftp://t.example", "file:///etc/passwd", "telemetry.example", "//t.example",
                          "https:/t.example", "HTTPS://t.example", "javascript:1", ""})
    expect_refused(url, "https://", true);
}

TEST(Endpoint, a_user_name_or_password_is_refused_and_not_repeated) {
  for (const char* url : {"https://ann@t.example", "https://ann:secret@t.example/a", "https://@t.example",
                          "http://localhost:80@evil.example/", "http://127.0.0.1\\@evil.example"}) {
    expect_refused(url, "password");
    EXPECT_FALSE(check_endpoint(url, false).error().message.contains("secret"));
  }
}

TEST(Endpoint, a_fragment_a_space_or_a_control_byte_is_refused) {
  expect_refused("https://t.example/#a", "fragment");
  for (const std::string_view url :
       {"https://t.example/a b", "https://t.example/\n", "https://t.example/\r\nX-Header: a", "https://t.example/\t",
        "https://t.example/\x7f", " https://t.example"})
    expect_refused(url, "control character");
  expect_refused(std::string_view("https://t.example/\0a", 20), "control character");
}

TEST(Endpoint, what_is_not_ascii_is_refused) { expect_refused("https://t\xc3\xa9l\xc3\xa9.example", "ASCII"); }

TEST(Endpoint, needs_a_host_and_a_port_that_is_one) {
  for (const char* url :
       {"https://", "https:///a", "https://?a", "https://:443", "https://a%2eb", "https://a,b",
        "https://localhost\\.example", "https://[::1", "https://[]", "https://[::1]x", "https://a[b]"})
    expect_refused(url, "host");
  for (const char* url : {"https://a:", "https://a:0", "https://a:65536", "https://a:80a", "https://a:-1",
                          "https://a:99999999999999999999", "https://a:1:2", "https://[::1]:"})
    expect_refused(url, "port");
  EXPECT_TRUE(check_endpoint("https://a:65535", false));
}

TEST(Endpoint, of_this_host_is_known_whatever_the_protocol) {
  for (const char* url :
       {"http://localhost", "https://LocalHost:4318/v1/logs", "http://127.255.1.2?a", "https://[::1]:4318/v1/logs"})
    EXPECT_TRUE(is_loopback(url)) << url;
  for (const char* url : {"https://t.example/127.0.0.1", "http://localhost.example", "https://t.example?localhost",
                          "http://0.0.0.0", "ftp://localhost", ""})
    EXPECT_FALSE(is_loopback(url)) << url;
}

TEST(Endpoint, is_at_most_2_kib_long) {
  std::string url = "https://t.example/";
  url.resize(limits::kTelemetryEndpointBytesMax, 'a');
  EXPECT_TRUE(check_endpoint(url, false));
  expect_refused(url + "a", "longer");
}

}  // namespace
}  // namespace aldis::telemetry
