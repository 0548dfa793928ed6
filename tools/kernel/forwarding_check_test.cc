#include "tools/kernel/forwarding_check.h"

#include "datapath/port/test_namespace.h"

namespace nf {
namespace {

using Words = std::vector<std::string>;

Words conflicts(const Words& links) {
  auto r = forwarding_conflicts(links);
  EXPECT_TRUE(r.ok()) << (r.ok() ? "" : r.error().str());
  return r.ok() ? r.take() : Words{"error"};
}

TEST(ForwardingCheck, NamesEveryReason) {
  in_namespace([] {
    run("ip link add v0 type veth peer name v1 && ip link add br0 type bridge");
    ASSERT_TRUE(write_proc_file("/proc/sys/net/ipv4/ip_forward", "0"));
    EXPECT_EQ(conflicts({}), Words{});
    EXPECT_EQ(conflicts({"v0", "v1"}), Words{});

    run("ip addr add 10.0.0.1/24 dev v0 && ip addr add 10.0.0.2/24 dev v0 && ip addr add fd00::1/64 dev v0");
    EXPECT_EQ(conflicts({"v0", "v1"}), (Words{"v0 has the address 10.0.0.1/24", "v0 has the address 10.0.0.2/24"}));
    EXPECT_EQ(conflicts({"v1"}), Words{});

    run("ip link set v1 master br0");
    EXPECT_EQ(conflicts({"v1"}), Words{"v1 is a port of br0"});

    ASSERT_TRUE(write_proc_file("/proc/sys/net/ipv4/conf/v1/forwarding", "1"));
    EXPECT_EQ(conflicts({"v1"}), (Words{"net.ipv4.conf.v1.forwarding = 1", "v1 is a port of br0"}));
    ASSERT_TRUE(write_proc_file("/proc/sys/net/ipv4/ip_forward", "1"));
    EXPECT_EQ(conflicts({"v1"}), (Words{"net.ipv4.ip_forward = 1", "v1 is a port of br0"}));

    const auto missing = forwarding_conflicts({"v9"});
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().str(), "v9: no such link");
  });
}

}  // namespace
}  // namespace nf
