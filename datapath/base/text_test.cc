#include "datapath/base/text.h"

#include <gtest/gtest.h>

#include "datapath/base/random.h"

namespace nf {
namespace {

TEST(Text, Strf) {
  EXPECT_EQ(strf("%d-%s", 7, "x"), "7-x");
  EXPECT_EQ(strf("%s", ""), "");
  const std::string longer(5000, 'a');
  EXPECT_EQ(strf("%s!", longer.c_str()), longer + "!");
}

TEST(Text, Trim) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("x"), "x");
}

TEST(Text, Split) {
  using V = std::vector<std::string_view>;
  EXPECT_EQ(split("a,,b", ','), (V{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (V{""}));
  EXPECT_EQ(split(",", ','), (V{"", ""}));
  EXPECT_EQ(split_words("  a\tb  c "), (V{"a", "b", "c"}));
  EXPECT_EQ(split_words(" \t"), V{});
  EXPECT_EQ(split_words("a"), (V{"a"}));
}

TEST(Text, ParseNumber) {
  const struct {
    const char* text;
    uint64_t max;
    std::optional<uint64_t> want;
  } kCases[] = {
      {"0", 9, 0},
      {"007", 9, 7},
      {"10", 9, std::nullopt},
      {"", 9, std::nullopt},
      {"+1", 9, std::nullopt},
      {"-1", 9, std::nullopt},
      {"1 ", 9, std::nullopt},
      {"0x", 9, std::nullopt},
      {"0xfF", 255, 255},
      {"0X10", 16, 16},
      {"ff", 255, std::nullopt},
      {"0xg", 255, std::nullopt},
      {"18446744073709551615", UINT64_MAX, UINT64_MAX},
      {"18446744073709551616", UINT64_MAX, std::nullopt},
      {"0xffffffffffffffff", UINT64_MAX, UINT64_MAX},
      {"0x10000000000000000", UINT64_MAX, std::nullopt},
      {"99999999999999999999", UINT64_MAX, std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(parse_number(c.text, c.max), c.want) << c.text;
}

TEST(Text, Ipv4) {
  EXPECT_EQ(parse_ipv4("192.0.2.255"), ip4(192, 0, 2, 255));
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.-4", "1.2.3.", " 1.2.3.4", "1.2.3.4 ",
                          "a.b.c.d", "1..2.3", "0x1.2.3.4", "0X1.2.3.4", "1.2.3.0x4"})
    EXPECT_EQ(parse_ipv4(bad), std::nullopt) << bad;
  Random random(41);
  for (int i = 0; i < 1000; ++i) {
    const Be32 a = be32(random.u32());
    EXPECT_EQ(parse_ipv4(format_ipv4(a)), a);
  }
  EXPECT_EQ(format_ipv4(ip4(0, 10, 200, 255)), "0.10.200.255");
}

TEST(Text, Prefix) {
  const auto p = parse_prefix4("10.1.2.3/8");
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(p->address, ip4(10, 1, 2, 3));
  EXPECT_EQ(p->length, 8);
  EXPECT_EQ(parse_prefix4("10.1.2.3")->length, 32);
  EXPECT_EQ(parse_prefix4("0.0.0.0/0")->length, 0);
  for (const char* bad : {"10.1.2.3/33", "10.1.2.3/", "10.1/8", "/8", "10.1.2.3/8/8", "10.1.2.3/-1"})
    EXPECT_FALSE(parse_prefix4(bad).has_value()) << bad;
}

}  // namespace
}  // namespace nf
