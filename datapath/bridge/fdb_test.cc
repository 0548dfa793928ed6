// Expected values were read off a bridge with three TAP ports in a network namespace (Linux 6.18): frames written to
// one port, the others read, /sys/class/net/br0/statistics/rx_packets for what goes up, `bridge fdb show` for entries.
#include "datapath/bridge/fdb.h"

#include <gtest/gtest.h>

#include <string>

namespace nf {
namespace {

constexpr MacAddress kBridgeMac{2, 0, 0, 0, 0, 0xb0};
constexpr MacAddress port_mac(uint8_t i) { return {2, 0, 0, 0, 1, i}; }
constexpr MacAddress host(uint8_t i) { return {2, 0, 0, 0, 2, i}; }
constexpr MacAddress kMulticast{1, 0, 0x5e, 1, 2, 3};
constexpr Time kNow = 1'000 * kSecond;

class BridgeTest : public testing::Test {
 protected:
  BridgeTest() : bridge(br0, {}) {
    br0.kind = DeviceKind::kBridge;
    br0.name = "br0";
    br0.mac = kBridgeMac;
    br0.up = br0.running = true;
    for (uint8_t i = 1; i <= 3; ++i) {
      Device& t = tap[i];
      t.ifindex = i + 1;
      t.mac = port_mac(i);
      t.up = t.running = true;
      bridge.add_port({.device = &t});
    }
  }
  BridgePort& port(int i) { return *bridge.port(tap[i]); }

  // What a frame does, as "2 3 up": ports it leaves by and whether it goes up. in 0: from the bridge device.
  std::string frame(int in, const MacAddress& destination, const MacAddress& source, Time now = kNow) {
    const Device* from = in == 0 ? nullptr : &tap[in];
    if (from != nullptr) {
      const Bridge::Arrival arrival = Bridge::arrive(source, destination);
      if (arrival == Bridge::Arrival::kDrop || !bridge.forwarding(port(in))) return "drop";
      bridge.learn(source, *from, now);
      if (arrival == Bridge::Arrival::kPortOnly) return "port";
    }
    const Bridge::Decision d = bridge.decide(destination, now);
    using Kind = Bridge::Decision::Kind;
    std::string out;
    const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
    for (int i = 1; i <= 3; ++i) {
      const bool leaves = d.kind == Kind::kFlood ? bridge.should_flood(from, port(i), destination)
                          : d.kind == Kind::kForward || from == nullptr
                              ? d.port == &tap[i] && bridge.should_deliver(from, port(i))
                              : false;
      if (leaves) add(std::to_string(i));
    }
    if (from != nullptr && (d.kind == Kind::kLocal || d.also_local)) add("up");
    return out;
  }

  Device br0;
  Device tap[4];
  Bridge bridge;
};

TEST_F(BridgeTest, LearnsAndForwards) {
  EXPECT_EQ(frame(1, host(2), host(1)), "2 3");
  EXPECT_EQ(frame(2, host(1), host(2)), "1");
  EXPECT_EQ(frame(1, host(1), host(3)), "");  // back where it came from
  EXPECT_EQ(frame(1, kBroadcastMac, host(1)), "2 3 up");
  EXPECT_EQ(frame(1, kMulticast, host(1)), "2 3 up");
  EXPECT_EQ(frame(1, MacAddress{}, host(1)), "2 3");
  EXPECT_EQ(frame(3, host(2), host(1)), "2");  // host 1 moved to port 3
  EXPECT_EQ(frame(2, host(1), host(2)), "3");
}

TEST_F(BridgeTest, FloodsNewestPortFirst) {
  std::vector<const Device*> order;
  for (const BridgePort& p : bridge.ports()) order.push_back(p.device);
  EXPECT_EQ(order, (std::vector<const Device*>{&tap[3], &tap[2], &tap[1]}));
}

TEST_F(BridgeTest, LinkLocalGroup) {
  for (uint8_t x = 0; x <= 0x10; ++x) {
    const char* want = x == 0 || x == 0x10 ? "2 3 up" : x == 1 ? "drop" : "port";
    EXPECT_EQ(frame(1, {1, 0x80, 0xc2, 0, 0, x}, {2, 0, 0, 0, 3, x}), want) << unsigned{x};
    const char* learned = x == 1 ? "1 3" : "1";  // all but the pause frame's source
    EXPECT_EQ(frame(2, {2, 0, 0, 0, 3, x}, host(2)), learned) << unsigned{x};
  }
  EXPECT_EQ(frame(0, {1, 0x80, 0xc2, 0, 0, 5}, kBridgeMac), "1 2 3");
}

TEST_F(BridgeTest, LocalAddresses) {
  EXPECT_EQ(frame(1, port_mac(1), host(1)), "up");
  EXPECT_EQ(frame(1, port_mac(2), host(1)), "up");
  EXPECT_EQ(frame(1, kBridgeMac, host(1)), "up");
  // As sources they are forwarded but not learned.
  EXPECT_EQ(frame(2, host(1), host(2)), "1");
  EXPECT_EQ(frame(1, host(2), port_mac(2)), "2");
  EXPECT_EQ(frame(1, host(2), kBridgeMac), "2");
  EXPECT_EQ(frame(3, port_mac(2), host(3)), "up");
  EXPECT_EQ(frame(3, kBridgeMac, host(3)), "up");
}

TEST_F(BridgeTest, ImpossibleSourcesAreDropped) {
  EXPECT_EQ(frame(1, host(2), {1, 0, 0x5e, 0, 0, 1}), "drop");
  EXPECT_EQ(frame(1, host(2), MacAddress{}), "drop");
  EXPECT_EQ(bridge.fdb_size(), 0u);
}

TEST_F(BridgeTest, StaticEntryMovesButStays) {
  const MacAddress mac{2, 0, 0, 0, 4, 1};
  bridge.add_static(mac, tap[1]);
  EXPECT_EQ(frame(2, mac, host(2)), "1");
  EXPECT_EQ(frame(3, host(2), mac), "2");
  EXPECT_EQ(frame(2, mac, host(2)), "3");
  EXPECT_EQ(frame(2, mac, host(2), kNow + 1000 * kSecond), "3");
  bridge.port_down(tap[3]);
  EXPECT_EQ(frame(2, mac, host(2)), "3");
  bridge.remove_port(tap[3]);
  EXPECT_EQ(bridge.decide(mac, kNow).kind, Bridge::Decision::Kind::kFlood);
}

TEST_F(BridgeTest, Hairpin) {
  frame(1, host(2), host(1));
  port(1).hairpin = true;
  EXPECT_EQ(frame(1, host(1), host(1)), "1");
  EXPECT_EQ(frame(1, kBroadcastMac, host(1)), "1 2 3 up");
}

TEST_F(BridgeTest, Isolated) {
  frame(2, kBroadcastMac, host(2));
  port(1).isolated = port(2).isolated = true;
  EXPECT_EQ(frame(1, host(2), host(1)), "");
  EXPECT_EQ(frame(1, kBroadcastMac, host(1)), "3 up");
  EXPECT_EQ(frame(3, host(2), host(3)), "2");
  EXPECT_EQ(frame(0, host(2), kBridgeMac), "2");
}

TEST_F(BridgeTest, FloodFlags) {
  const MacAddress unknown{2, 0, 0, 0, 9, 9};
  port(2).flood = port(2).multicast_flood = false;
  EXPECT_EQ(frame(1, unknown, host(1)), "3");
  EXPECT_EQ(frame(1, kMulticast, host(1)), "3 up");
  EXPECT_EQ(frame(1, kBroadcastMac, host(1)), "2 3 up");
  port(2).broadcast_flood = false;
  EXPECT_EQ(frame(1, kBroadcastMac, host(1)), "3 up");
  EXPECT_EQ(frame(0, kBroadcastMac, kBridgeMac), "1 2 3");
  EXPECT_EQ(frame(0, kMulticast, kBridgeMac), "1 2 3");
  EXPECT_EQ(frame(0, unknown, kBridgeMac), "1 3");
}

TEST_F(BridgeTest, FromTheBridge) {
  frame(2, kBroadcastMac, host(2));
  EXPECT_EQ(frame(0, host(2), kBridgeMac), "2");
  EXPECT_EQ(frame(0, port_mac(2), kBridgeMac), "2");
  EXPECT_EQ(frame(0, kBridgeMac, kBridgeMac), "");
}

TEST_F(BridgeTest, PortDownForgetsAndDoesNotForward) {
  frame(2, kBroadcastMac, host(2));
  tap[2].up = false;
  bridge.port_down(tap[2]);
  EXPECT_EQ(frame(1, host(2), host(1)), "3");
  EXPECT_EQ(frame(2, host(1), host(2)), "drop");
  tap[2].up = true;
  EXPECT_EQ(frame(1, host(2), host(1)), "2 3");
  tap[2].running = false;
  EXPECT_EQ(frame(1, host(2), host(1)), "3");
}

TEST_F(BridgeTest, BridgeDownForgetsAll) {
  frame(1, host(2), host(1));
  br0.up = false;
  bridge.port_down(br0);
  EXPECT_EQ(bridge.fdb_size(), 0u);
  EXPECT_EQ(frame(1, host(2), host(1)), "drop");
}

TEST_F(BridgeTest, LearningOff) {
  port(1).learning = false;
  frame(1, host(2), host(1));
  EXPECT_EQ(frame(2, host(1), host(2)), "1 3");
}

TEST_F(BridgeTest, AgeingZeroLearnsNothing) {
  bridge.set_ageing_time(0);
  frame(1, host(2), host(1));
  EXPECT_EQ(frame(2, host(1), host(2)), "1 3");
}

// twin: br_fdb_cleanup deletes an entry when updated + ageing_time has come.
TEST_F(BridgeTest, Ageing) {
  bridge.set_ageing_time(10 * kSecond);
  frame(1, host(2), host(1), kNow);
  using Kind = Bridge::Decision::Kind;
  EXPECT_EQ(bridge.decide(host(1), kNow + 10 * kSecond - 1).kind, Kind::kForward);
  EXPECT_EQ(bridge.decide(host(1), kNow + 10 * kSecond).kind, Kind::kFlood);
  frame(1, host(2), host(1), kNow + 5 * kSecond);  // seen again
  bridge.sweep(kNow + 15 * kSecond - 1);
  EXPECT_EQ(bridge.fdb_size(), 1u);
  bridge.sweep(kNow + 15 * kSecond);
  EXPECT_EQ(bridge.fdb_size(), 0u);
}

TEST_F(BridgeTest, NewPortTakesItsAddressFromTheTable) {
  const MacAddress mac{2, 0, 0, 0, 6, 1};
  frame(1, host(2), mac);
  Device late;
  late.mac = mac;
  late.up = late.running = true;
  bridge.add_port({.device = &late});
  EXPECT_EQ(bridge.decide(mac, kNow).kind, Bridge::Decision::Kind::kLocal);
  bridge.remove_port(late);
  EXPECT_EQ(bridge.decide(mac, kNow).kind, Bridge::Decision::Kind::kFlood);
}

TEST_F(BridgeTest, AddressChange) {
  const MacAddress mac{2, 0, 0, 0, 6, 2};
  frame(1, host(2), mac);
  tap[2].mac = mac;
  bridge.address_changed(tap[2]);
  EXPECT_EQ(frame(3, mac, host(3)), "up");
}

TEST_F(BridgeTest, AutomaticAddressIsTheSmallest) {
  EXPECT_EQ(bridge.automatic_address(), port_mac(1));
  bridge.remove_port(tap[1]);
  EXPECT_EQ(bridge.automatic_address(), port_mac(2));
  Device alone;
  EXPECT_EQ(Bridge(alone, {}).automatic_address(), std::nullopt);
}

}  // namespace
}  // namespace nf
