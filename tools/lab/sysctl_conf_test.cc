#include "tools/lab/sysctl_conf.h"

#include <gtest/gtest.h>

namespace nf::lab {
namespace {

TEST(SysctlConf, Lines) {
  const auto s = parse_sysctl_conf(
      "# comment\n; comment\n\nnet.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter=2\r\n"
      "  -net/netfilter/nf_conntrack_max =  65536  \nnet.ipv4.ip_local_port_range = 32768\t60999\nkernel.x = a = b",
      "sysctl.conf");
  ASSERT_TRUE(s.ok()) << s.error().str();
  const struct {
    const char *name, *value;
    bool ignore;
    int line;
  } kWant[] = {{"net.ipv4.ip_forward", "1", false, 4},
               {"net.ipv4.conf.all.rp_filter", "2", false, 5},
               {"net/netfilter/nf_conntrack_max", "65536", true, 6},
               {"net.ipv4.ip_local_port_range", "32768\t60999", false, 7},
               {"kernel.x", "a = b", false, 8}};
  ASSERT_EQ(s->size(), std::size(kWant));
  for (size_t i = 0; i < s->size(); ++i) {
    EXPECT_EQ((*s)[i].name, kWant[i].name);
    EXPECT_EQ((*s)[i].value, kWant[i].value);
    EXPECT_EQ((*s)[i].ignore_error, kWant[i].ignore);
    EXPECT_EQ((*s)[i].line, kWant[i].line);
  }
  EXPECT_TRUE(parse_sysctl_conf("", "sysctl.conf")->empty());
}

TEST(SysctlConf, Errors) {
  const struct {
    const char *text, *error;
  } kCases[] = {
      {"\nnet.ipv4.ip_forward 1", "sysctl.conf:2: \"net.ipv4.ip_forward 1\" is not \"name = value\""},
      {"net.ipv4.ip_forward =", "sysctl.conf:1: \"net.ipv4.ip_forward\" has no value"},
      {"= 1", "sysctl.conf:1: \"\" is not a sysctl's name"},
      {"a b = 1", "sysctl.conf:1: \"a b\" is not a sysctl's name"},
      {"net.ipv4.conf.*.rp_filter = 0", "sysctl.conf:1: \"net.ipv4.conf.*.rp_filter\": patterns are not supported"},
  };
  for (const auto& c : kCases) {
    const auto s = parse_sysctl_conf(c.text, "sysctl.conf");
    ASSERT_FALSE(s.ok()) << c.text;
    EXPECT_EQ(s.error().str(), c.error);
  }
}

}  // namespace
}  // namespace nf::lab
