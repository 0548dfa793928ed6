#include "conntrack/siphash.h"

#include <gtest/gtest.h>

namespace nf::ct {
namespace {

// The reference implementation's vector for the sixteen bytes 00..0f under the key 00..0f (vectors_sip64[16]).
TEST(SipHash, TwoFour) {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ((siphash16<2, 4>(key, 0x0706050403020100, 0x0f0e0d0c0b0a0908)), 0x3f2acc7f57c29bdb);
}

// hash() of CPython 3.11 is SipHash-1-3; with PYTHONHASHSEED=0 its key is zero.
TEST(SipHash, OneThree) {
  EXPECT_EQ((siphash16<1, 3>({}, 0, 0)), 0x76be999e3e25b2a0);
  EXPECT_EQ((siphash16<1, 3>({}, 0x0706050403020100, 0x0f0e0d0c0b0a0908)), 0x8972188433a5c5b7);
  EXPECT_EQ((siphash16<1, 3>({}, 0x6867666564636261, 0x706f6e6d6c6b6a69)), 0x94f60d3d29e6a312);
}

}  // namespace
}  // namespace nf::ct
