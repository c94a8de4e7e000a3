// One table says what an error becomes.

#include "cli/exit_codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

namespace aldis::cli {
namespace {

constexpr ErrorCode kErrorCodes[] = {
    ErrorCode::invalid_argument,   ErrorCode::not_found,           ErrorCode::already_exists,
    ErrorCode::conflict,           ErrorCode::failed_precondition, ErrorCode::permission_denied,
    ErrorCode::resource_exhausted, ErrorCode::deadline_exceeded,   ErrorCode::unavailable,
    ErrorCode::data_loss,          ErrorCode::unimplemented,       ErrorCode::internal,
};

int exit_of(ErrorCode code) { return static_cast<int>(map_error(code).exit); }

TEST(ExitCodes, every_error_has_its_own_line_in_the_table) {
  EXPECT_EQ(error_table().size(), std::size(kErrorCodes));
  std::set<std::string_view> names;
  for (const ErrorCode code : kErrorCodes) {
    EXPECT_EQ(map_error(code).error, code);
    EXPECT_TRUE(names.insert(map_error(code).code).second) << map_error(code).code;
    EXPECT_TRUE(std::regex_match(std::string(map_error(code).code), std::regex("[A-Z][A-Z0-9_]+")));
  }
}

TEST(ExitCodes, errors_become_the_codes_of_the_public_spec) {
  EXPECT_EQ(exit_of(ErrorCode::invalid_argument), 2);
  EXPECT_EQ(exit_of(ErrorCode::failed_precondition), 4);
  EXPECT_EQ(exit_of(ErrorCode::not_found), 5);
  EXPECT_EQ(exit_of(ErrorCode::already_exists), 6);
  EXPECT_EQ(exit_of(ErrorCode::conflict), 6);
  EXPECT_EQ(exit_of(ErrorCode::permission_denied), 7);
  EXPECT_EQ(exit_of(ErrorCode::deadline_exceeded), 10);
  EXPECT_EQ(exit_of(ErrorCode::unavailable), 12);
  EXPECT_EQ(exit_of(ErrorCode::resource_exhausted), 12);
  EXPECT_EQ(exit_of(ErrorCode::unimplemented), 12);
  EXPECT_EQ(exit_of(ErrorCode::data_loss), 1);
  EXPECT_EQ(exit_of(ErrorCode::internal), 1);
}

TEST(ExitCodes, a_code_that_may_be_retried_has_done_nothing) {
  for (const ExitCodeEntry& entry : exit_code_table()) {
    EXPECT_TRUE(!entry.retryable || entry.side_effects == "none") << entry.name;
    EXPECT_LE(entry.description.size(), 120u) << entry.name;
    EXPECT_FALSE(entry.description.empty()) << entry.name;
  }
}

TEST(ExitCodes, each_is_described_once) {
  std::set<ExitCode> codes;
  for (const ExitCodeEntry& entry : exit_code_table()) {
    EXPECT_TRUE(codes.insert(entry.code).second) << entry.name;
    EXPECT_EQ(&describe(entry.code), &entry);
  }
}

}  // namespace
}  // namespace aldis::cli
