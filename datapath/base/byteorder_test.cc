#include "datapath/base/byteorder.h"

#include <gtest/gtest.h>

#include "datapath/base/random.h"

namespace nf {
namespace {

TEST(ByteOrder, BytesAreBigEndian) {
  const Be32 a = ip4(1, 2, 3, 4);
  const uint8_t want[] = {1, 2, 3, 4};
  EXPECT_EQ(std::memcmp(&a, want, 4), 0);
  EXPECT_EQ(a.host(), 0x01020304u);
  const Be16 b = be16(0x0102);
  EXPECT_EQ(std::memcmp(&b, want, 2), 0);
  EXPECT_EQ(b.host(), 0x0102);
}

TEST(ByteOrder, RoundTripAndOrder) {
  Random random(51);
  for (int i = 0; i < 1000; ++i) {
    const uint32_t x = random.u32(), y = random.u32();
    EXPECT_EQ(be32(x).host(), x);
    EXPECT_EQ(Be32::from_raw(be32(x).raw()), be32(x));
    EXPECT_EQ(be32(x) < be32(y), x < y);
    EXPECT_EQ((be32(x) & be32(y)).host(), x & y);
    EXPECT_EQ((be32(x) | be32(y)).host(), x | y);
    EXPECT_EQ((~be32(x)).host(), ~x);
    const auto s = static_cast<uint16_t>(x), t = static_cast<uint16_t>(y);
    EXPECT_EQ(be16(s).host(), s);
    EXPECT_EQ(Be16::from_raw(be16(s).raw()), be16(s));
    EXPECT_EQ(be16(s) < be16(t), s < t);
  }
  EXPECT_TRUE(Be32{}.is_zero());
  EXPECT_FALSE(ip4(0, 0, 0, 1).is_zero());
}

TEST(ByteOrder, PrefixMask) {
  EXPECT_EQ(prefix_mask(0), ip4(0, 0, 0, 0));
  EXPECT_EQ(prefix_mask(1), ip4(128, 0, 0, 0));
  EXPECT_EQ(prefix_mask(20), ip4(255, 255, 240, 0));
  EXPECT_EQ(prefix_mask(32), ip4(255, 255, 255, 255));
}

}  // namespace
}  // namespace nf
