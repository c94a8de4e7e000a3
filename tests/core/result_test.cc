#include "aldis/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::invalid_argument, "{} is odd", value);
  return value / 2;
}

Result<std::unique_ptr<int>> quarter(int value) {
  ALDIS_TRY_ASSIGN(const int first, half(value));
  ALDIS_TRY_ASSIGN(const int second, half(first));
  return std::make_unique<int>(second);
}

Result<void> is_even(int value) {
  ALDIS_TRY(half(value));
  return {};
}

TEST(Result, is_a_value_or_an_error) {
  EXPECT_EQ(*half(4), 2);
  EXPECT_EQ(half(3).error(), (Error{ErrorCode::invalid_argument, "3 is odd", false}));
}

TEST(Result, try_hands_errors_up_and_moves_values_out) {
  EXPECT_EQ(**quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_TRUE(is_even(2));
  EXPECT_FALSE(is_even(1));
}

TEST(Errors, spell_their_code_as_the_enumerator) {
  EXPECT_EQ(to_string(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(to_string(ErrorCode::resource_exhausted), "resource_exhausted");
  EXPECT_EQ(to_string(ErrorCode::internal), "internal");
}

TEST(Errors, say_whether_a_retry_can_help) {
  EXPECT_TRUE(make_error(ErrorCode::unavailable, "x").retryable);
  EXPECT_FALSE(make_error(ErrorCode::conflict, "x").retryable);
}

TEST(Errors, of_system_calls_carry_their_reason) {
  EXPECT_EQ(system_error(ErrorCode::unavailable, "cannot open /x", ENOENT).message,
            "cannot open /x: No such file or directory");
}

}  // namespace
}  // namespace aldis
