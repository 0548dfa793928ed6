// What Routing::explain says against what ip(8) 6.1 printed in a 6.18 namespace: `ip route get fibmatch X`, without the
// protocol, the scope and "table local", and `ip rule`. v0 and v1 are ends of veth pairs.
#include <gtest/gtest.h>

#include "datapath/route/routing_test_support.h"

namespace nf {
namespace {

Routing::Answer explain(RoutingWorld& world, const char* to, uint32_t mark = 0, const char* from = nullptr,
                        const char* in = nullptr, uint8_t tos = 0) {
  FlowKey key;
  key.destination = parse_ip(to);
  if (from != nullptr) key.source = parse_ip(from);
  if (in != nullptr) key.in = world.device(in);
  key.mark = mark;
  key.tos = tos;
  return world.routing_.explain(key);
}

class RouteText : public testing::Test {
 protected:
  RouteText() {
    for (const char* command : {"ip addr add 10.1.0.1/24 brd + dev v0", "ip addr add 10.2.0.1/24 brd + dev v1",
                                "ip link set v0 up", "ip link set v1 up", "ip route add default via 10.1.0.254",
                                "ip route add 10.20.40.0/24 via 10.2.0.8 src 10.1.0.1 metric 5",
                                "ip route add 10.20.40.7 dev v1", "ip route add 10.7.0.0/16 dev v1 table 77",
                                "ip route add blackhole 10.66.0.0/16", "ip route add throw 10.69.0.0/16"})
      EXPECT_EQ(world_.run(command), "") << command;
  }
  RoutingWorld world_;
};

TEST_F(RouteText, Routes) {
  constexpr struct {
    const char *to, *rule, *route;
  } kRows[] = {
      {"10.1.0.5", "32766: from all lookup main", "10.1.0.0/24 dev v0 src 10.1.0.1"},
      {"8.8.8.8", "32766: from all lookup main", "default via 10.1.0.254 dev v0"},
      {"10.20.40.1", "32766: from all lookup main", "10.20.40.0/24 via 10.2.0.8 dev v1 src 10.1.0.1 metric 5"},
      {"10.20.40.7", "32766: from all lookup main", "10.20.40.7 dev v1"},
      {"10.1.0.1", "0: from all lookup local", "local 10.1.0.1 dev v0 src 10.1.0.1"},
      {"10.1.0.255", "0: from all lookup local", "broadcast 10.1.0.255 dev v0 src 10.1.0.1"},
      {"127.0.0.1", "0: from all lookup local", "local 127.0.0.1 dev lo src 127.0.0.1"},
      {"10.66.1.1", "32766: from all lookup main", "blackhole 10.66.0.0/16"},
  };
  for (const auto& row : kRows) {
    const Routing::Answer answer = explain(world_, row.to);
    EXPECT_EQ(answer.rule, row.rule) << row.to;
    EXPECT_EQ(answer.route, row.route) << row.to;
  }
  // A throw route sends the lookup on to the next rule's table, where nothing is.
  EXPECT_EQ(explain(world_, "10.69.1.1").rule, "");
}

TEST_F(RouteText, Rules) {
  for (const char* command :
       {"ip rule add to 10.7.0.0/16 fwmark 0x3/0xff lookup 77", "ip rule add from 10.9.9.9 oif v1 unreachable",
        "ip rule add from 10.9.9.0/30 blackhole", "ip rule add fwmark 7 lookup 78"})
    EXPECT_EQ(world_.run(command), "") << command;
  EXPECT_EQ(explain(world_, "10.7.1.1", 3).rule, "32765: from all to 10.7.0.0/16 fwmark 0x3/0xff lookup 77");
  EXPECT_EQ(explain(world_, "10.7.1.1", 3).route, "10.7.0.0/16 dev v1 table 77");
  EXPECT_EQ(explain(world_, "10.7.1.1").route, "default via 10.1.0.254 dev v0");
  EXPECT_EQ(explain(world_, "8.8.8.8", 0, "10.9.9.1", "v0").rule, "32763: from 10.9.9.0/30 blackhole");
  EXPECT_EQ(explain(world_, "8.8.8.8", 0, "10.9.9.1", "v0").route, "");
  // Table 78 was never made: its rule is passed over.
  EXPECT_EQ(explain(world_, "8.8.8.8", 7).rule, "32766: from all lookup main");
  EXPECT_EQ(explain(world_, "10.1.0.1").rule, "0: from all lookup local");
  // "not" turns the whole of the rule, so this one takes all but what has every one of its marks; the kernel, asked for
  // 10.7.1.1 mark 3, answers "Permission denied".
  EXPECT_EQ(world_.run("ip rule add not from 10.1.0.0/24 iif v1 tos 0x10 prohibit"), "");
  EXPECT_EQ(explain(world_, "10.7.1.1", 3).rule, "32761: not from 10.1.0.0/24 tos 0x10 iif v1 prohibit");
}

// The route told is the one taken, whatever the tables: device and gateway agree.
TEST_F(RouteText, AgreesWithTheLookup) {
  for (const char* to : {"10.1.0.5", "8.8.8.8", "10.20.40.1", "10.20.40.7", "10.7.1.1", "10.2.0.77"}) {
    FlowKey key;
    key.destination = parse_ip(to);
    Dst dst;
    Be32 source;
    ASSERT_EQ(world_.routing_.route_output(key, dst, source), DropReason::kNone) << to;
    const std::string route = world_.routing_.explain(key).route;
    EXPECT_NE(route.find("dev " + dst.out->name), std::string::npos) << route;
    EXPECT_EQ(route.find("via ") != std::string::npos, dst.via_gateway) << route;
  }
}

}  // namespace
}  // namespace nf
