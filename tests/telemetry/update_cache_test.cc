#include "telemetry/update_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "core/private_files.h"
#include "fakes/scratch_directory.h"

namespace aldis::telemetry {
namespace {

using aldis::testing::ScratchDirectory;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// https://semver.org, "Is there a suggested regular expression": the strings that its expression takes and refuses.
constexpr const char* kVersions[] = {"0.0.4",
                                     "1.2.3",
                                     "10.20.30",
                                     "1.1.2-prerelease+meta",
                                     "1.1.2+meta",
                                     "1.1.2+meta-valid",
                                     "1.0.0-alpha",
                                     "1.0.0-beta",
                                     "1.0.0-alpha.beta",
                                     "1.0.0-alpha.beta.1",
                                     "1.0.0-alpha.1",
                                     "1.0.0-alpha0.valid",
                                     "1.0.0-alpha.0valid",
                                     "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay",
                                     "1.0.0-rc.1+build.1",
                                     "2.0.0-rc.1+build.123",
                                     "1.2.3-beta",
                                     "10.2.3-DEV-SNAPSHOT",
                                     "1.2.3-SNAPSHOT-123",
                                     "1.0.0",
                                     "2.0.0",
                                     "1.1.7",
                                     "2.0.0+build.1848",
                                     "2.0.1-alpha.1227",
                                     "1.0.0-alpha+beta",
                                     "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
                                     "1.2.3----R-S.12.9.1--.12+meta",
                                     "1.2.3----RC-SNAPSHOT.12.9.1--.12",
                                     "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
                                     "99999999999999999999999.999999999999999999.99999999999999999",
                                     "1.0.0-0A.is.legal"};
constexpr const char* kOthers[] = {
    "1",
    "1.2",
    "1.2.3-0123",
    "1.2.3-0123.0123",
    "1.1.2+.123",
    "+invalid",
    "-invalid",
    "-invalid+invalid",
    "-invalid.01",
    "alpha",
    "alpha.beta",
    "alpha.beta.1",
    "alpha.1",
    "alpha+beta",
    "alpha_beta",
    "alpha.",
    "alpha..",
    "beta",
    "1.0.0-alpha_beta",
    "-alpha.",
    "1.0.0-alpha..",
    "1.0.0-alpha..1",
    "1.0.0-alpha...1",
    "1.0.0-alpha....1",
    "1.0.0-alpha.....1",
    "1.0.0-alpha......1",
    "1.0.0-alpha.......1",
    "01.1.1",
    "1.01.1",
    "1.1.01",
    "1.2",
    "1.2.3.DEV",
    "1.2-SNAPSHOT",
    "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788",
    "1.2-RC-SNAPSHOT",
    "-1.0.3-gamma+b7718",
    "+justmeta",
    "9.8.7+meta+meta",
    "9.8.7-whatever+meta+meta",
    "99999999999999999999999.999999999999999999.99999999999999999----RC-SNAPSHOT.12.09.1--------------..12",
    "",
    "v1.2.3",
    " 1.2.3",
    "1.2.3 ",
    "1.2.3\n",
    "1.2.3-",
    "1.2.3+",
    "1.2.3-\xc3\xa4",
    "1..3",
    ".1.2.3",
    "1.2.3."};

TEST(Version, is_strictly_semantic) {
  for (const char* version : kVersions) EXPECT_TRUE(is_version(version)) << version;
  for (const char* other : kOthers) EXPECT_FALSE(is_version(other)) << other;
  EXPECT_FALSE(is_version(std::string_view("1.2.3\0", 6)));
}

TEST(Version, precedence_is_that_of_section_11) {
  // Its examples first, then numbers that no machine word holds.
  constexpr const char* kRising[] = {"0.0.0-0",
                                     "0.9.9",
                                     "1.0.0--",
                                     "1.0.0-alpha",
                                     "1.0.0-alpha.1",
                                     "1.0.0-alpha.beta",
                                     "1.0.0-beta",
                                     "1.0.0-beta.2",
                                     "1.0.0-beta.11",
                                     "1.0.0-beta.99999999999999999999998",
                                     "1.0.0-beta.99999999999999999999999",
                                     "1.0.0-beta.a",
                                     "1.0.0-rc.1",
                                     "1.0.0",
                                     "2.0.0",
                                     "2.1.0",
                                     "2.1.1",
                                     "2.1.10",
                                     "2.10.0",
                                     "18446744073709551616.0.0",
                                     "18446744073709551617.0.0",
                                     "99999999999999999999999.0.0"};
  for (std::size_t i = 0; i < std::size(kRising); ++i) {
    ASSERT_TRUE(is_version(kRising[i])) << kRising[i];
    for (std::size_t j = 0; j < std::size(kRising); ++j)
      EXPECT_TRUE(compare_versions(kRising[i], kRising[j]) == (i <=> j)) << kRising[i] << " " << kRising[j];
  }
}

TEST(Version, numbers_come_before_words_and_capitals_before_small_letters) {
  EXPECT_TRUE(compare_versions("1.0.0-99", "1.0.0-a") == std::strong_ordering::less);
  EXPECT_TRUE(compare_versions("1.0.0-99", "1.0.0--1") == std::strong_ordering::less);
  EXPECT_TRUE(compare_versions("1.0.0-Z", "1.0.0-a") == std::strong_ordering::less);
}

TEST(Version, build_metadata_does_not_count) {
  EXPECT_TRUE(compare_versions("1.0.0+1", "1.0.0+2.a-b") == std::strong_ordering::equal);
  EXPECT_TRUE(compare_versions("1.0.0-rc.1+x", "1.0.0-rc.1") == std::strong_ordering::equal);
  EXPECT_TRUE(compare_versions("1.0.0-rc.1+9", "1.0.0+1") == std::strong_ordering::less);
}

class UpdateCache : public ::testing::Test {
 protected:
  FileDescriptor directory() const { return std::move(*open_own_directory(scratch_.path(), Others::nothing)); }
  void put(std::string_view text) const {
    const std::string path = scratch_.file("update");
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), 0600);
  }
  std::string text() const {
    std::ifstream file(scratch_.file("update"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  ScratchDirectory scratch_;
};

TEST_F(UpdateCache, keeps_the_version_and_when_it_was_seen) {
  ASSERT_TRUE(write_update(directory(), {"1.10.0-rc.1", sys_seconds(seconds(1'790'000'000))}));
  EXPECT_EQ(text(), "1.10.0-rc.1 1790000000\n");
  const auto read = read_update(directory());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "1.10.0-rc.1");
  EXPECT_EQ(read->checked_at, sys_seconds(seconds(1'790'000'000)));
}

TEST_F(UpdateCache, is_empty_at_first) { EXPECT_FALSE(read_update(directory())); }

TEST_F(UpdateCache, what_is_damaged_is_nothing) {
  for (const std::string_view damaged : {"", "1.2.3", "1.2.3\n", "1.2.3 5", "1.2.3 5\n\n", "1.2.3  5\n", "1.2.3 -5\n",
                                         "1.2.3 05\n", "1.2.3 5 \n", "1.2.3 99999999999999999999\n", "1.2 5\n",
                                         "\x1b[31m1.2.3 5\n", "1.2.3 5\n1.2.4 6\n", " 1.2.3 5\n", "1.2.3 x\n"}) {
    put(damaged);
    EXPECT_FALSE(read_update(directory())) << damaged;
  }
  put("1.2.3 5\n");
  EXPECT_TRUE(read_update(directory()));
}

TEST_F(UpdateCache, of_more_than_1_kib_is_neither_written_nor_read) {
  const std::string longest(1019, '9');
  ASSERT_TRUE(write_update(directory(), {"1.0." + longest.substr(0, 1000), sys_seconds(seconds(5))}));
  EXPECT_TRUE(read_update(directory()));
  const auto written = write_update(directory(), {"1.0." + longest, sys_seconds(seconds(5))});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::invalid_argument);
  put("1.0." + longest + " 5\n");
  EXPECT_FALSE(read_update(directory()));
}

TEST_F(UpdateCache, takes_only_versions) {
  for (const char* wrong : {"", "latest", "1.2", "1.2.3 4"}) {
    const auto written = write_update(directory(), {wrong, sys_seconds(seconds(5))});
    ASSERT_FALSE(written) << wrong;
    EXPECT_EQ(written.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(read_update(directory()));
}

}  // namespace
}  // namespace aldis::telemetry
