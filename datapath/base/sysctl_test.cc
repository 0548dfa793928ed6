#include "datapath/base/sysctl.h"

#include <gtest/gtest.h>

namespace nf {
namespace {

TEST(Sysctl, SetAndGet) {
  SysctlTable table;
  int64_t forward = 0, low = 3, high = 4, count = 9;
  int changes = 0;
  table.add("net.ipv4.ip_forward", {.value = &forward, .min = 0, .max = 1, .on_change = [&](int64_t v) {
                                      EXPECT_EQ(v, forward);
                                      ++changes;
                                    }});
  table.add("t.low", {.value = &low, .not_above = &high});
  table.add("t.high", {.value = &high, .not_below = &low});
  table.add("t.count", {.value = &count, .read_only = true});

  const struct {
    const char *name, *value;
    bool ok;
  } kSteps[] = {
      {"net.ipv4.ip_forward", "1", true},
      {"net/ipv4/ip_forward", " 0 \n", true},
      {"net.ipv4.ip_forward", "2", false},
      {"net.ipv4.ip_forward", "-1", false},
      {"net.ipv4.ip_forward", "", false},
      {"net.ipv4.ip_forward", "x", false},
      {"net.ipv4.ip_forward", "1x", false},
      {"net.ipv4.nothing", "1", false},
      {"t.low", "5", false},
      {"t.high", "2", false},
      {"t.high", "-2147483649", false},
      {"t.low", "-2147483648", true},
      {"t.low", "-2147483649", false},
      {"t.high", "2147483647", true},
      {"t.high", "2147483648", false},
      {"t.low", "0x10", true},
      {"t.count", "1", false},
  };
  for (const auto& s : kSteps) EXPECT_EQ(table.set(s.name, s.value).ok(), s.ok) << s.name << " = " << s.value;
  EXPECT_EQ(forward, 0);
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(low, 16);
  EXPECT_EQ(high, INT32_MAX);
  EXPECT_EQ(count, 9);
  EXPECT_EQ(*table.get("t/high"), INT32_MAX);
  EXPECT_FALSE(table.get("t.nothing").ok());
  EXPECT_EQ(table.set("t.nothing", "1").error().str(), "unknown sysctl \"t.nothing\"");
  table.remove("t.low");
  EXPECT_FALSE(table.get("t.low").ok());
}

// sysctl(8): with slashes, a dot belongs to the name. A VLAN device "eth0.5" is net/ipv4/conf/eth0.5/forwarding.
TEST(Sysctl, DotsInInterfaceNames) {
  SysctlTable table;
  int64_t a = 0;
  table.add("net.ipv4.conf.eth0.5.rp_filter", {.value = &a});
  EXPECT_TRUE(table.set("net/ipv4/conf/eth0.5/rp_filter", "2").ok());
  EXPECT_EQ(a, 2);
  EXPECT_TRUE(table.set("net.ipv4.conf.eth0/5.rp_filter", "1").ok());
  EXPECT_EQ(a, 1);
}

}  // namespace
}  // namespace nf
