#include "core/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace aldis {
namespace {

TEST(Bytes, what_is_written_reads_back) {
  Id128 id;
  id.bytes[3] = 9;
  const std::string bytes = ByteWriter()
                                .number<std::uint8_t>(7)
                                .number<std::uint16_t>(0xABCD)
                                .number<std::uint64_t>(std::numeric_limits<std::uint64_t>::max() - 1)
                                .signed_number(-5)
                                .real(-0.25)
                                .id(id)
                                .name("agent")
                                .blob(std::string(70'000, 'x'))
                                .bytes();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.number<std::uint8_t>(), 7);
  EXPECT_EQ(reader.number<std::uint16_t>(), 0xABCD);
  EXPECT_EQ(reader.number<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_EQ(reader.signed_number(), -5);
  EXPECT_EQ(reader.real(), -0.25);
  EXPECT_EQ(reader.id(), id);
  EXPECT_EQ(reader.name(), "agent");
  EXPECT_EQ(reader.blob().size(), 70'000u);
  EXPECT_TRUE(reader.at_end());
}

TEST(Bytes, byte_order_is_number_order) {
  EXPECT_LT(ByteWriter().number<std::uint64_t>(255).bytes(), ByteWriter().number<std::uint64_t>(256).bytes());
}

TEST(Bytes, a_reader_that_runs_out_says_so_and_gives_zeros) {
  ByteReader reader("\x00\x05xy");
  EXPECT_EQ(reader.name(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.number<std::uint32_t>(), 0u);
  EXPECT_TRUE(reader.id().is_nil());
  EXPECT_FALSE(reader.at_end());
}

}  // namespace
}  // namespace aldis
