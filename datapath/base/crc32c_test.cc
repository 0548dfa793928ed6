#include "datapath/base/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace nf {
namespace {

// RFC 3720, B.4, and the check value of the CRC catalogue.
TEST(Crc32c, PublishedValues) {
  using Bytes = std::vector<uint8_t>;
  Bytes rising(32);
  std::iota(rising.begin(), rising.end(), uint8_t{0});
  EXPECT_EQ(crc32c(Bytes{'1', '2', '3', '4', '5', '6', '7', '8', '9'}), 0xe3069283u);
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
}

}  // namespace
}  // namespace nf
