#include "datapath/route/routing.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <map>

#include "datapath/base/random.h"
#include "datapath/route/routing_test_support.h"

namespace nf {
namespace {

static_assert(static_cast<int>(RouteType::kThrow) == RTN_THROW && static_cast<int>(RouteType::kLocal) == RTN_LOCAL);
static_assert(static_cast<int>(RouteScope::kLink) == RT_SCOPE_LINK &&
              static_cast<int>(RouteScope::kNowhere) == RT_SCOPE_NOWHERE);
static_assert(kTableLocal == RT_TABLE_LOCAL && kTableMain == RT_TABLE_MAIN && kTableDefault == RT_TABLE_DEFAULT);

void run_all(RoutingWorld& world, std::initializer_list<const char*> commands) {
  for (const char* c : commands) ASSERT_EQ(world.run(c), "") << c;
}

// `ip route get` tells EINVAL for all of these; which of the kernel's drop reasons it is (SKB_DROP_REASON_IP_*) is
// read from ip_route_input_slow and __fib_validate_source.
TEST(Routing, ReasonsOfRefusedInput) {
  RoutingWorld world;
  run_all(world, {"ip addr add 10.1.0.1/24 dev v0", "ip addr add 10.2.0.1/24 dev v1", "ip link set v0 up",
                  "ip link set v1 up", "ip route add blackhole 10.66.0.0/16", "ip route add unreachable 10.67.0.0/16",
                  "ip route add prohibit 10.68.0.0/16", "sysctl net.ipv4.conf.v1.rp_filter=1",
                  "sysctl net.ipv4.conf.v0.forwarding=1"});
  const struct {
    const char *source, *destination, *in;
    DropReason reason;
    RouteType type;
  } cases[] = {
      {"10.1.0.9", "10.2.0.9", "v0", DropReason::kNone, RouteType::kUnicast},
      {"10.1.0.9", "10.1.0.1", "v0", DropReason::kNone, RouteType::kLocal},
      {"10.1.0.9", "10.1.0.255", "v0", DropReason::kNone, RouteType::kBroadcast},
      {"10.1.0.9", "224.0.0.1", "v0", DropReason::kNone, RouteType::kMulticast},
      {"10.1.0.9", "224.0.0.9", "v0", DropReason::kNoSocket, RouteType::kUnspec},
      {"224.1.1.1", "10.1.0.1", "v0", DropReason::kMartianSource, RouteType::kUnspec},
      {"127.0.0.1", "10.1.0.1", "v0", DropReason::kMartianSource, RouteType::kUnspec},
      {"0.0.0.0", "10.1.0.1", "v0", DropReason::kMartianSource, RouteType::kUnspec},
      {"10.2.0.1", "10.1.0.1", "v0", DropReason::kMartianSource, RouteType::kUnspec},
      {"10.2.0.1", "10.2.0.1", "v1", DropReason::kMartianSource, RouteType::kUnspec},
      {"10.2.0.255", "10.2.0.1", "v1", DropReason::kMartianSource, RouteType::kUnspec},
      {"10.1.0.9", "127.0.0.1", "v0", DropReason::kMartianDestination, RouteType::kUnspec},
      {"10.1.0.9", "0.0.0.0", "v0", DropReason::kMartianDestination, RouteType::kUnspec},
      {"10.1.0.9", "10.2.0.1", "v1", DropReason::kReversePath, RouteType::kUnspec},
      {"9.9.9.9", "10.2.0.1", "v1", DropReason::kReversePath, RouteType::kUnspec},
      {"10.1.0.9", "9.9.9.9", "v0", DropReason::kNoRoute, RouteType::kUnreachable},
      {"10.1.0.9", "10.66.0.1", "v0", DropReason::kRouteBlackhole, RouteType::kBlackhole},
      {"10.1.0.9", "10.67.0.1", "v0", DropReason::kRouteUnreachable, RouteType::kUnreachable},
      {"10.1.0.9", "10.68.0.1", "v0", DropReason::kRouteProhibit, RouteType::kProhibit},
      {"10.2.0.9", "10.68.0.1", "v1", DropReason::kForwardingOff, RouteType::kUnreachable},
      {"10.2.0.9", "10.1.0.9", "v1", DropReason::kForwardingOff, RouteType::kUnreachable},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.source) + " to " + c.destination + " on " + c.in);
    Dst dst;
    EXPECT_EQ(world.routing_.route_input(parse_ip(c.destination), parse_ip(c.source), 0, 0, *world.device(c.in), dst),
              c.reason);
    EXPECT_EQ(dst.type, c.type);
  }
}

TEST(Routing, AddressTypes) {
  RoutingWorld world;
  run_all(world, {"ip addr add 10.1.0.1/24 dev v0", "ip link set v0 up", "ip route add local 10.50.0.0/16 dev lo"});
  const struct {
    const char *address, *device;
    RouteType type;
  } cases[] = {
      {"10.1.0.1", "", RouteType::kLocal},       {"10.1.0.1", "v0", RouteType::kLocal},
      {"10.1.0.1", "v1", RouteType::kUnicast},   {"10.1.0.255", "", RouteType::kBroadcast},
      {"10.1.0.255", "v1", RouteType::kUnicast}, {"10.1.0.0", "", RouteType::kUnicast},
      {"10.1.0.7", "", RouteType::kUnicast},     {"0.0.0.0", "", RouteType::kBroadcast},
      {"0.0.0.1", "", RouteType::kUnicast},      {"255.255.255.255", "v1", RouteType::kBroadcast},
      {"224.0.0.9", "", RouteType::kMulticast},  {"127.3.3.3", "", RouteType::kLocal},
      {"10.50.3.3", "", RouteType::kLocal},      {"8.8.8.8", "", RouteType::kUnicast},
  };
  for (const auto& c : cases)
    EXPECT_EQ(world.routing_.address_type(parse_ip(c.address), *c.device == '\0' ? nullptr : world.device(c.device)),
              c.type)
        << c.address << " " << c.device;
}

// REDIRECT takes the first address of a device, MASQUERADE the one on the next hop's subnet.
TEST(Routing, AddressesOfADevice) {
  RoutingWorld world;
  Device& v0 = *world.device("v0");
  EXPECT_EQ(world.routing_.first_address(v0), std::nullopt);
  EXPECT_EQ(world.routing_.select_address(v0, {}, RouteScope::kUniverse), std::nullopt);
  run_all(world, {"ip addr add 10.1.0.1/24 dev v0", "ip addr add 10.3.0.1/24 dev v0", "ip addr add 10.3.0.2/24 dev v0",
                  "ip link set v0 up"});
  EXPECT_EQ(world.routing_.first_address(v0), ip4(10, 1, 0, 1));
  EXPECT_EQ(world.routing_.select_address(v0, ip4(10, 3, 0, 9), RouteScope::kUniverse), ip4(10, 3, 0, 1));
  EXPECT_EQ(world.routing_.select_address(v0, ip4(9, 9, 9, 9), RouteScope::kUniverse), ip4(10, 1, 0, 1));
  EXPECT_EQ(world.routing_.select_address(*world.device("v1"), {}, RouteScope::kUniverse), ip4(10, 1, 0, 1));
  EXPECT_EQ(world.routing_.broadcast_mask(v0, ip4(10, 1, 0, 255)), std::nullopt)
      << "a route, but not the address's own";
  run_all(world, {"ip addr add 10.5.0.1/20 brd 10.5.0.7 dev v0", "ip addr add 10.5.0.2/20 brd 10.5.0.8 dev v0"});
  EXPECT_EQ(world.routing_.broadcast_mask(v0, ip4(10, 5, 0, 7)), prefix_mask(20));
  EXPECT_EQ(world.routing_.broadcast_mask(v0, ip4(10, 5, 0, 8)), std::nullopt) << "of a secondary address";
  EXPECT_TRUE(world.routing_.on_link(v0, ip4(10, 1, 0, 9), ip4(10, 1, 0, 254)));
  EXPECT_FALSE(world.routing_.on_link(v0, ip4(10, 1, 0, 9), ip4(10, 3, 0, 9)));
}

TEST(Routing, AForeignSourceNeedsPermission) {
  RoutingWorld world;
  run_all(world, {"ip addr add 10.1.0.1/24 dev v0", "ip link set v0 up"});
  FlowKey key;
  key.destination = ip4(10, 1, 0, 9);
  key.source = ip4(9, 9, 9, 9);
  Dst dst;
  Be32 chosen;
  EXPECT_EQ(world.routing_.route_output(key, dst, chosen), DropReason::kNoRoute);
  key.any_source = true;
  EXPECT_EQ(world.routing_.route_output(key, dst, chosen), DropReason::kNone);
  EXPECT_EQ(dst.out, world.device("v0"));
  EXPECT_EQ(chosen, key.source);
}

// Flows divide by weight and stay where they are.
TEST(Routing, MultipathByWeight) {
  RoutingWorld world;
  run_all(world,
          {"ip addr add 10.1.0.1/24 dev v0", "ip addr add 10.2.0.1/24 dev v1", "ip link set v0 up", "ip link set v1 up",
           "ip route add default nexthop via 10.1.0.9 nexthop via 10.2.0.9 weight 3", "sysctl net.ipv4.ip_forward=1"});
  Random random(3);
  std::map<std::string, int> count;
  for (int i = 0; i < 20'000; ++i) {
    const Be32 source = be32(0x0a010000 | (2 + random.below(200))), destination = be32(0x14000000 | random.u16());
    Dst dst, again;
    ASSERT_EQ(world.routing_.route_input(destination, source, 0, 0, *world.device("v0"), dst), DropReason::kNone);
    ASSERT_EQ(world.routing_.route_input(destination, source, 0, 0, *world.device("v0"), again), DropReason::kNone);
    ASSERT_EQ(dst.out, again.out);
    ++count[dst.out->name];
  }
  EXPECT_NEAR(count["v0"], 5'000, 300);
  EXPECT_NEAR(count["v1"], 15'000, 300);
}

// What an address brought goes with it, whatever the order: after adding and removing at random nothing is left.
TEST(Routing, AddressesLeaveNothingBehind) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    RoutingWorld world;
    run_all(world, {"ip link set v0 up", "ip link set v1 up"});
    const std::string before = world.run("show");
    for (int i = 0; i < 200; ++i) {
      Device& dev = *world.device(random.below(2) == 0 ? "v0" : "v1");
      Address a;
      a.local = be32(0x0a000000 | random.below(4) << 8 | (1 + random.below(6)));
      a.length = static_cast<uint8_t>(22 + random.below(11));
      if (random.below(2) == 0) a.broadcast = a.local | ~prefix_mask(a.length);
      if (random.below(3) != 0)
        static_cast<void>(world.routing_.add_address(dev, a));
      else
        static_cast<void>(world.routing_.remove_address(dev, a.local));
    }
    for (const char* name : {"v0", "v1"}) {
      Device& dev = *world.device(name);
      while (const auto first = world.routing_.first_address(dev))
        ASSERT_TRUE(world.routing_.remove_address(dev, *first));
    }
    EXPECT_EQ(world.run("show"), before);
  }
}

}  // namespace
}  // namespace nf
