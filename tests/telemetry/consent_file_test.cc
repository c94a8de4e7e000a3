#include "telemetry/consent_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "fakes/scratch_directory.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

using aldis::testing::ScratchDirectory;

constexpr std::string_view kText =
    "aldis-telemetry 1\n"
    "enabled yes\n"
    "endpoint https://telemetry.example/v1/logs\n"
    "format jsonl\n"
    "lifetime-ms 750\n"
    "update-url https://updates.example/newest.json\n"
    "install-id 000102030405060708090a0b0c0d0eff\n";

ConsentFile consent() {
  return {.enabled = true,
          .endpoint = "https://telemetry.example/v1/logs",
          .format = BodyFormat::jsonl,
          .lifetime = std::chrono::milliseconds(750),
          .update_url = "https://updates.example/newest.json",
          .install_id = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}};
}

std::string with(std::string_view from, std::string_view to) {
  std::string text(kText);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void put(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), 0600);
}

TEST(ConsentFile, is_written_as_the_document_says) { EXPECT_EQ(format_consent(consent()), kText); }

TEST(ConsentFile, what_is_written_reads_back) {
  EXPECT_EQ(parse_consent(kText), consent());
  const ConsentFile nothing;
  EXPECT_EQ(parse_consent(format_consent(nothing)), nothing);
  EXPECT_TRUE(format_consent(nothing).contains("endpoint -\n"));
  EXPECT_TRUE(format_consent(nothing).contains("update-url -\n"));
}

TEST(ConsentFile, of_another_version_is_no_consent) {
  EXPECT_FALSE(parse_consent(with("aldis-telemetry 1", "aldis-telemetry 2")));
  EXPECT_FALSE(parse_consent(with("aldis-telemetry 1", "aldis-telemetry 01")));
  EXPECT_FALSE(parse_consent(with("aldis-telemetry 1", "aldis-telemetry")));
}

TEST(ConsentFile, with_a_missing_further_or_repeated_line_is_no_consent) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(kText)};
  for (std::string line; std::getline(text, line);) lines.push_back(line + "\n");
  ASSERT_EQ(lines.size(), 7u);
  for (std::size_t line = 0; line < lines.size(); ++line) {
    std::string missing;
    std::string repeated;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i != line) missing += lines[i];
      repeated += i == line ? lines[i] + lines[i] : lines[i];
    }
    EXPECT_FALSE(parse_consent(missing)) << lines[line];
    EXPECT_FALSE(parse_consent(repeated)) << lines[line];
  }
  EXPECT_FALSE(parse_consent(std::string(kText) + "more yes\n"));
  EXPECT_FALSE(parse_consent(std::string(kText) + "\n"));
  EXPECT_FALSE(parse_consent(kText.substr(0, kText.size() - 1))) << "the last line was torn off";
  EXPECT_FALSE(parse_consent(""));
}

TEST(ConsentFile, with_a_value_out_of_bounds_is_no_consent) {
  for (const char* wrong : {"enabled maybe", "enabled", "enabled  yes", "enabled YES", "Enabled yes"})
    EXPECT_FALSE(parse_consent(with("enabled yes", wrong))) << wrong;
  for (const char* wrong : {"99", "10001", "-500", "+500", "0500", "5e2", "500 ", "", "99999999999999999999"})
    EXPECT_FALSE(parse_consent(with("lifetime-ms 750", std::string("lifetime-ms ") + wrong))) << wrong;
  EXPECT_TRUE(parse_consent(with("lifetime-ms 750", "lifetime-ms 100")));
  EXPECT_TRUE(parse_consent(with("lifetime-ms 750", "lifetime-ms 10000")));
  for (const char* wrong : {"format xml", "format OTLP", "format "})
    EXPECT_FALSE(parse_consent(with("format jsonl", wrong))) << wrong;
  for (const char* wrong : {"0102", "000102030405060708090A0B0C0D0EFF", "000102030405060708090a0b0c0d0e0g",
                            "000102030405060708090a0b0c0d0eff00", "+00102030405060708090a0b0c0d0eff"})
    EXPECT_FALSE(parse_consent(with("000102030405060708090a0b0c0d0eff", wrong))) << wrong;
}

TEST(ConsentFile, with_a_url_that_enable_would_refuse_is_no_consent) {
  for (const char* wrong : {"ftp://telemetry.example", "https://ann@telemetry.example", "https://a b", "", "--"})
    EXPECT_FALSE(parse_consent(with("https://telemetry.example/v1/logs", wrong))) << wrong;
  EXPECT_FALSE(parse_consent(with("https://updates.example/newest.json", "https://")));
  EXPECT_TRUE(parse_consent(with("https://telemetry.example/v1/logs", "http://telemetry.example/v1/logs")))
      << "the user has insisted with --allow-http when it was written";
}

TEST(ConsentFile, no_flipped_bit_turns_a_disabled_one_on) {
  const std::string off = with("enabled yes", "enabled no");
  for (std::size_t bit = 0; bit < 8 * off.size(); ++bit) {
    std::string damaged = off;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const auto parsed = parse_consent(damaged);
    EXPECT_FALSE(parsed && parsed->enabled) << damaged;
  }
}

TEST(ConsentFile, body_formats_read_back) {
  for (const BodyFormat format : {BodyFormat::otlp, BodyFormat::jsonl})
    EXPECT_EQ(parse_body_format(to_string(format)), format);
  EXPECT_FALSE(parse_body_format("json"));
}

TEST(ConsentFile, every_install_id_is_new) {
  std::set<InstallId> seen;
  for (int i = 0; i < 100; ++i) seen.insert(make_install_id());
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_FALSE(seen.contains(InstallId{}));
}

TEST(ConsentFile, is_kept_on_disk_for_us_alone) {
  const ScratchDirectory scratch;
  const std::string directory = scratch.file("config/tool");
  EXPECT_FALSE(read_consent(directory));
  EXPECT_FALSE(std::filesystem::exists(directory)) << "reading makes nothing";
  ASSERT_TRUE(write_consent(directory, consent()));
  EXPECT_EQ(read_consent(directory), consent());
  struct stat found{};
  ASSERT_EQ(::stat((directory + "/telemetry").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(directory + "/telemetry.new"));
}

TEST(ConsentFile, lies_in_an_ordinary_configuration_directory_too) {
  const ScratchDirectory scratch;
  ASSERT_EQ(::chmod(scratch.path().c_str(), 0755), 0);
  ASSERT_TRUE(write_consent(scratch.path(), consent()));
  EXPECT_EQ(read_consent(scratch.path()), consent());
}

TEST(ConsentFile, in_a_directory_that_others_may_write_is_no_consent) {
  const ScratchDirectory scratch;
  ASSERT_TRUE(write_consent(scratch.path(), consent()));
  ASSERT_EQ(::chmod(scratch.path().c_str(), 0777), 0);
  EXPECT_FALSE(read_consent(scratch.path()));
}

TEST(ConsentFile, that_others_may_write_is_no_consent) {
  const ScratchDirectory scratch;
  ASSERT_TRUE(write_consent(scratch.path(), consent()));
  for (const mode_t mode : {0666, 0620, 0602}) {
    ASSERT_EQ(::chmod(scratch.file(std::string(kConsentName)).c_str(), mode), 0);
    EXPECT_FALSE(read_consent(scratch.path())) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(scratch.file(std::string(kConsentName)).c_str(), 0644), 0);
  EXPECT_TRUE(read_consent(scratch.path()));
}

TEST(ConsentFile, behind_a_link_is_no_consent) {
  const ScratchDirectory scratch;
  put(scratch.file("elsewhere"), kText);
  ASSERT_EQ(::symlink("elsewhere", scratch.file("telemetry").c_str()), 0);
  EXPECT_FALSE(read_consent(scratch.path()));
}

TEST(ConsentFile, of_a_second_name_a_pipe_or_a_directory_is_no_consent) {
  const ScratchDirectory scratch;
  put(scratch.file("elsewhere"), kText);
  ASSERT_EQ(::link(scratch.file("elsewhere").c_str(), scratch.file("telemetry").c_str()), 0);
  EXPECT_FALSE(read_consent(scratch.path()));
  std::filesystem::remove(scratch.file("telemetry"));
  ASSERT_EQ(::mkfifo(scratch.file("telemetry").c_str(), 0600), 0);
  EXPECT_FALSE(read_consent(scratch.path())) << "and reading did not wait for a writer";
  std::filesystem::remove(scratch.file("telemetry"));
  std::filesystem::create_directory(scratch.file("telemetry"));
  EXPECT_FALSE(read_consent(scratch.path()));
}

TEST(ConsentFile, that_never_ends_is_no_consent) {
  const ScratchDirectory scratch;
  put(scratch.file("telemetry"), std::string(kText) + std::string(1 << 20, '\n'));
  EXPECT_FALSE(read_consent(scratch.path()));
}

TEST(ConsentFile, with_the_longest_urls_fits) {
  const ScratchDirectory scratch;
  ConsentFile longest = consent();
  longest.endpoint = "https://telemetry.example/";
  longest.endpoint.resize(limits::kTelemetryEndpointBytesMax, 'a');
  longest.update_url = longest.endpoint;
  ASSERT_TRUE(write_consent(scratch.path(), longest));
  EXPECT_EQ(read_consent(scratch.path()), longest);
}

TEST(ConsentFile, can_be_removed_again_and_again) {
  const ScratchDirectory scratch;
  EXPECT_TRUE(remove_consent(scratch.file("nowhere")));
  ASSERT_TRUE(write_consent(scratch.path(), consent()));
  put(scratch.file("telemetry.new"), "left by one who was killed");
  EXPECT_TRUE(remove_consent(scratch.path()));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  EXPECT_TRUE(remove_consent(scratch.path()));
}

}  // namespace
}  // namespace aldis::telemetry
