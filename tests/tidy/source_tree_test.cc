#include "source_tree.h"

#include <gtest/gtest.h>

namespace aldis::tidy {
namespace {

TEST(SourceTree, holds_this_file) { EXPECT_TRUE(project().contains("tests/tidy/source_tree_test.cc")); }

TEST(SourceTree, code_is_what_is_neither_comment_nor_literal) {
  EXPECT_EQ(code_of("a // b\nc"), "a     \nc");
  EXPECT_EQ(code_of("a /* b\n c */ d"), "a     \n      d");
  EXPECT_EQ(code_of(R"(f("x\"y", 'z'))"), R"(f("    ", ' '))");
  EXPECT_EQ(code_of("R\"(a\nb)\" c"), "R\"  \n    c");
  EXPECT_EQ(code_of("1'000'000 + 'a'"), "1'000'000 + ' '");
}

}  // namespace
}  // namespace aldis::tidy
