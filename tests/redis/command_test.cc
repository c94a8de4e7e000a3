#include "engines/redis/command.h"

#include <gtest/gtest.h>

namespace aldis {
namespace {

TEST(Commands, that_are_always_the_same_are_as_hiredis_writes_them) {
  EXPECT_EQ(kAskingCommand, format_command({"ASKING"}));
  EXPECT_EQ(kClusterSlotsCommand, format_command({"CLUSTER", "SLOTS"}));
  EXPECT_EQ(kExecCommand, format_command({"EXEC"}));
  EXPECT_EQ(kHelloCommand, format_command({"HELLO", "2"}));
  EXPECT_EQ(kMultiCommand, format_command({"MULTI"}));
  EXPECT_EQ(kRoleCommand, format_command({"ROLE"}));
}

TEST(Command, is_an_array_of_texts) {
  EXPECT_EQ(format_command({"PING"}), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(format_command({"SET", "key", ""}), "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\n");
}

TEST(Command, carries_any_bytes) {
  using namespace std::string_view_literals;
  EXPECT_EQ(format_command({"ECHO", "a\0%s\r\n$1"sv}), "*2\r\n$4\r\nECHO\r\n$8\r\na\0%s\r\n$1\r\n"sv);
}

TEST(Command, takes_words_that_were_put_together_before) {
  const std::vector<std::string_view> words = {"DEL", "a", "b"};
  EXPECT_EQ(format_command(words), format_command({"DEL", "a", "b"}));
  EXPECT_EQ(format_command({"ECHO", std::string_view()}), "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n");
}

}  // namespace
}  // namespace aldis
