#include "engines/redis/reply_reader.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <algorithm>

#include "aldis/limits.h"

namespace aldis {
namespace {

using ::testing::HasSubstr;
using Kind = Reply::Kind;

Reply text(std::string bytes) { return {.kind = Kind::text, .text = std::move(bytes)}; }
Reply number(std::int64_t value) { return {.kind = Kind::integer, .integer = value}; }
Reply array(std::vector<Reply> elements) { return {.kind = Kind::array, .elements = std::move(elements)}; }

std::string resp(const Reply& reply) {
  switch (reply.kind) {
    case Kind::nil:
      return "$-1\r\n";
    case Kind::status:
      return "+" + reply.text + "\r\n";
    case Kind::error:
      return "-" + reply.text + "\r\n";
    case Kind::integer:
      return ":" + std::to_string(reply.integer) + "\r\n";
    case Kind::text:
      return "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
    case Kind::array:
      break;
  }
  std::string bytes = "*" + std::to_string(reply.elements.size()) + "\r\n";
  for (const Reply& element : reply.elements) bytes += resp(element);
  return bytes;
}

// The one reply that `bytes` are; otherwise the test fails.
Reply only_reply(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  auto reply = reader.next();
  EXPECT_TRUE(reply && *reply && reader.is_at_rest()) << bytes;
  return reply && *reply ? **std::move(reply) : Reply{.kind = Kind::error, .text = "no reply"};
}

std::string refusal(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  const auto reply = reader.next();
  if (reply) return *reply ? "accepted" : "waiting for more";
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(reply.error().retryable);
  reader.feed("+OK\r\n");
  EXPECT_FALSE(reader.next()) << "after an error nothing more is read";
  EXPECT_FALSE(reader.is_at_rest());
  return reply.error().message;
}

TEST(ReplyReader, reads_each_kind_of_reply) {
  EXPECT_EQ(only_reply("+OK\r\n"), (Reply{.kind = Kind::status, .text = "OK"}));
  EXPECT_EQ(only_reply("-ERR no\r\n"), (Reply{.kind = Kind::error, .text = "ERR no"}));
  EXPECT_EQ(only_reply(":-42\r\n"), number(-42));
  EXPECT_EQ(only_reply(":9223372036854775807\r\n"), number(INT64_MAX));
  EXPECT_EQ(only_reply("$3\r\na\r\n\r\n"), text("a\r\n"));
  EXPECT_EQ(only_reply("$0\r\n\r\n"), text(""));
  EXPECT_EQ(only_reply("$-1\r\n"), Reply());
  EXPECT_EQ(only_reply("*-1\r\n"), Reply());
  EXPECT_EQ(only_reply("*0\r\n"), array({}));
  EXPECT_EQ(only_reply("*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n"), array({number(1), array({text("a")}), Reply()}));
}

TEST(ReplyReader, keeps_every_byte_of_a_text) {
  std::string bytes(256, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  EXPECT_EQ(only_reply(resp(text(bytes))), text(bytes));
}

TEST(ReplyReader, reads_replies_one_after_the_other_in_pieces_of_any_size) {
  const std::vector<Reply> replies = {text("first"), array({number(2), Reply()}), {.kind = Kind::status, .text = "OK"}};
  std::string bytes;
  for (const Reply& reply : replies) bytes += resp(reply);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyReader reader;
    std::vector<Reply> read;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.feed(std::string_view(bytes).substr(at, piece));
      for (auto reply = reader.next(); reply && *reply; reply = reader.next()) read.push_back(**reply);
    }
    EXPECT_EQ(read, replies) << "in pieces of " << piece;
    EXPECT_TRUE(reader.is_at_rest());
  }
}

TEST(ReplyReader, is_not_at_rest_inside_a_reply) {
  const std::string bytes = resp(array({text("a"), number(1)}));
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    ReplyReader reader;
    reader.feed(std::string_view(bytes).substr(0, length));
    const auto reply = reader.next();
    EXPECT_TRUE(reply && !*reply) << length;
    EXPECT_FALSE(reader.is_at_rest()) << length;
  }
}

TEST(ReplyReader, says_what_to_do_when_the_server_is_no_redis) {
  EXPECT_THAT(refusal("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("is this a Redis server?"));
  EXPECT_THAT(refusal("\x15\x03\x03"), HasSubstr("rediss://"));
}

TEST(ReplyReader, refuses_what_is_no_reply) {
  for (const char* bytes : {"$a\r\n", "$-2\r\n", "*-2\r\n", "*99999999999999999999\r\n", ":1x\r\n", ":\r\n",
                            ":9223372036854775808\r\n", "_\r\n", "\r\n", "*1\r\n?"}) {
    EXPECT_THAT(refusal(bytes), HasSubstr("not RESP")) << bytes;
  }
}

TEST(ReplyReader, bears_only_so_many_elements_and_so_much_nesting) {
  const std::string most = std::to_string(limits::kRedisReplyElementsMax);
  EXPECT_EQ(refusal("*" + most + "\r\n"), "waiting for more");
  EXPECT_THAT(refusal("*1000001\r\n"), HasSubstr("not RESP"));
  std::string many = "*2\r\n*" + most + "\r\n";
  for (std::size_t i = 0; i < limits::kRedisReplyElementsMax; ++i) many += ":1\r\n";
  EXPECT_THAT(refusal(many), HasSubstr("not RESP")) << "all arrays of a reply count together";

  std::string nested;
  for (int depth = 0; depth < 7; ++depth) nested += "*1\r\n";
  EXPECT_EQ(refusal(nested + ":1\r\n"), "accepted");
  for (int depth = 0; depth < 100; ++depth) nested += "*1\r\n";
  EXPECT_THAT(refusal(nested), HasSubstr("not RESP"));
}

TEST(ReplyReader, waits_for_no_line_without_end) {
  EXPECT_EQ(refusal("+" + std::string(limits::kRedisReplyLineBytesMax - 1, 'a')), "waiting for more");
  EXPECT_THAT(refusal("+" + std::string(limits::kRedisReplyLineBytesMax + 1, 'a')), HasSubstr("too long"));
}

TEST(ReplyReader, waits_for_no_text_beyond_the_limit) {
  const std::string most(limits::kRedisReplyBytesMax, 'a');
  EXPECT_EQ(refusal(resp(text(most))), "accepted");
  EXPECT_THAT(refusal(resp(text(most + "a"))), HasSubstr("not RESP"));
  EXPECT_THAT(refusal("$9223372036854775807\r\n" + most + std::string(limits::kRedisReplyLineBytesMax, 'a')),
              HasSubstr("too long"));
}

Reply any_reply(int depth) {
  const auto kind = *rc::gen::inRange(0, depth > 0 ? 6 : 5);
  const auto line = [] { return *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~')); };
  if (kind == 1) return {.kind = Kind::status, .text = line()};
  if (kind == 2) return {.kind = Kind::error, .text = line()};
  if (kind == 3) return number(*rc::gen::arbitrary<std::int64_t>());
  if (kind == 4) return text(*rc::gen::arbitrary<std::string>());
  if (kind != 5) return {};
  std::vector<Reply> elements(*rc::gen::inRange<std::size_t>(0, 4));
  for (Reply& element : elements) element = any_reply(depth - 1);
  return array(std::move(elements));
}

TEST(ReplyReader, reads_whatever_a_server_writes) {
  EXPECT_TRUE(rc::check("a reply, written and read, is itself", [] {
    const Reply reply = any_reply(6);
    const std::string bytes = resp(reply);
    ReplyReader reader;
    const auto cut = *rc::gen::inRange<std::size_t>(0, bytes.size());
    reader.feed(std::string_view(bytes).substr(0, cut));
    const auto early = reader.next();
    RC_ASSERT(early && !*early);
    reader.feed(std::string_view(bytes).substr(cut));
    const auto read = reader.next();
    RC_ASSERT(read && *read && **read == reply);
    RC_ASSERT(reader.is_at_rest());
  }));
}

}  // namespace
}  // namespace aldis
