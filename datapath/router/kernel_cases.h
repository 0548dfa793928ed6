// For tests only: frames and what Linux 6.18 made of them (the *_cases.inc files), played through a Router.
//
// The kernel had the same devices, addresses, routes and neighbours as the two networks below. Each frame was
// written to a TAP and everything that came out was read before the next one; `time` is when. What the host itself
// sends has an IP id by chance: of such packets id and header checksum are compared only for being right.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datapath/packet/testing.h"
#include "datapath/port/memory_port.h"
#include "datapath/port/responder.h"
#include "datapath/router/router.h"

namespace nf::kernel_cases {

struct KernelCase {
  const char* note;
  Time time;
  const char* port;   // "-": only time passes; "=": `frame` tells what the mangle chains counted
  const char* frame;  // hex
  std::vector<std::pair<const char*, const char*>> sent;  // port, hex
};

class TestRouter {
 public:
  TestRouter() : router_(RouterOptions{}), host_(router_.pool()) {
    router_.set_host(&host_);
    router_.connect(host_);
    for (size_t h = 0; h < kHookPoints; ++h)
      router_.hooks().add(static_cast<HookPoint>(h), priority::kMangle, count, this);
  }
  ~TestRouter() {
    for (size_t h = 0; h < kHookPoints; ++h) router_.hooks().remove(static_cast<HookPoint>(h), count, this);
  }

  Router& router() { return router_; }
  void set(const char* name, const char* value) {
    const Status s = router_.sysctl().set(name, value);
    ASSERT_TRUE(s.ok()) << name;
  }

  Device& add_port(const char* name, const MacAddress& mac) {
    Device& dev = router_.add_device(name, DeviceKind::kEthernet, mac, 1500);
    router_.attach_port(dev, *ports_.emplace(name, std::make_unique<MemoryPort>()).first->second);
    return dev;
  }
  void add_address(Device& dev, Be32 address, uint8_t length, Be32 broadcast) {
    Address a;
    a.local = a.peer = address;
    a.length = length;
    a.broadcast = broadcast;
    ASSERT_TRUE(router_.routing().add_address(dev, a).ok());
    own_.push_back(address);
  }
  void add_route(Be32 destination, uint8_t length, RouteType type, Be32 gateway = {}, uint32_t mtu = 0) {
    Route r;
    r.destination = destination;
    r.length = length;
    r.type = type;
    r.mtu = mtu;
    r.scope = Route::default_scope(type, !gateway.is_zero());
    r.table = kTableMain;
    if (!gateway.is_zero()) r.nexthops.push_back({.gateway = gateway});
    ASSERT_TRUE(router_.routing().add_route(r).ok());
  }
  void add_neighbour(const char* device, Be32 address, const MacAddress& mac) {
    router_.neighbours().add_static(*router_.device(device), address, mac, NeighbourState::kPermanent);
  }

  // t0 10.0.0.1/24 and t1 10.0.1.1/24. With `all_neighbours` 10.0.0.2 and 10.0.1.2 are known, too.
  void two_ports(bool all_neighbours = true) {
    Device& t0 = add_port("t0", {2, 0, 0, 0, 1, 0});
    Device& t1 = add_port("t1", {2, 0, 0, 0, 2, 0});
    router_.set_up(t0, true);
    router_.set_up(t1, true);
    add_address(t0, ip4(10, 0, 0, 1), 24, ip4(10, 0, 0, 255));
    add_address(t1, ip4(10, 0, 1, 1), 24, ip4(10, 0, 1, 255));
    if (all_neighbours) {
      add_neighbour("t0", ip4(10, 0, 0, 2), {2, 0, 0, 0, 1, 2});
      add_neighbour("t1", ip4(10, 0, 1, 2), {2, 0, 0, 0, 2, 2});
    }
    add_neighbour("t0", ip4(10, 0, 0, 3), {2, 0, 0, 0, 1, 3});
    add_neighbour("t0", ip4(10, 0, 0, 254), {2, 0, 0, 0, 1, 0xfe});
    add_neighbour("t1", ip4(10, 0, 1, 254), {2, 0, 0, 0, 2, 0xfe});
    add_route(ip4(10, 9, 0, 0), 16, RouteType::kUnicast, ip4(10, 0, 1, 254));
    add_route(ip4(10, 8, 1, 0), 24, RouteType::kUnreachable);
    add_route(ip4(10, 8, 2, 0), 24, RouteType::kProhibit);
    add_route(ip4(10, 8, 3, 0), 24, RouteType::kBlackhole);
    add_route(ip4(10, 8, 4, 0), 24, RouteType::kUnicast, ip4(10, 0, 0, 254));
    set("net.ipv4.ip_forward", "1");
    set("net.ipv4.icmp_ratemask", "0");
  }

  // A Docker host: t0 192.168.66.100/24, and the bridge br0 172.17.0.1/16 with the ports t1, t2, t3.
  void docker_host() {
    Device& t0 = add_port("t0", {2, 0, 0, 0, 1, 0});
    router_.set_up(t0, true);
    add_address(t0, ip4(192, 168, 66, 100), 24, ip4(192, 168, 66, 255));
    Device& br0 = router_.add_device("br0", DeviceKind::kBridge, {2, 0x42, 0x5f, 0x9a, 0xdc, 0x2c}, 1500);
    router_.bridges().add(br0, {});
    add_address(br0, ip4(172, 17, 0, 1), 16, ip4(172, 17, 255, 255));
    router_.set_up(br0, true);
    for (uint8_t i = 1; i <= 3; ++i) {
      Device& port = add_port(i == 1 ? "t1" : i == 2 ? "t2" : "t3", {0xfa, 0x9f, 0x74, 0, 0, i});
      router_.bridges().set_master(port, &br0);
      router_.set_up(port, true);
    }
    add_route({}, 0, RouteType::kUnicast, ip4(192, 168, 66, 254));
    add_neighbour("t0", ip4(192, 168, 66, 1), {2, 0, 0, 0, 1, 1});
    add_neighbour("t0", ip4(192, 168, 66, 254), {2, 0, 0, 0, 1, 0xfe});
    add_neighbour("br0", ip4(172, 17, 0, 2), {2, 0, 0, 0, 0x11, 2});
    add_neighbour("br0", ip4(172, 17, 0, 3), {2, 0, 0, 0, 0x11, 3});
    set("net.ipv4.ip_forward", "1");
    set("net.ipv4.icmp_ratemask", "0");
  }

  std::vector<PacketPtr> take_sent(const char* port) { return ports_.at(port)->take_sent(); }

  void play(std::span<const KernelCase> cases) {
    for (const KernelCase& c : cases) {
      if (*c.port == '=') {
        EXPECT_EQ(counted(), c.frame);
        continue;
      }
      advance(c.time);
      if (*c.port != '-') receive(c.port, c.frame);
      Sent expected, got;
      for (const auto& [port, hex] : c.sent) expected[port].push_back(comparable(testing_packets::from_hex(hex)));
      for (auto& [name, port] : ports_) {
        for (const PacketPtr& p : port->take_sent())
          got[name].push_back(comparable({p->bytes().begin(), p->bytes().end()}));
      }
      EXPECT_EQ(got, expected) << c.note << "\n" << c.port << " < " << c.frame;
    }
    // Whoever still waits for ARP or for fragments gives up.
    advance(now_ + 40 * kSecond);
    for (auto& [name, port] : ports_) port->take_sent();
    EXPECT_EQ(router_.reassembly().waiting(), 0u);
    EXPECT_EQ(router_.pool().in_use(), 0u);
  }

 private:
  using Sent = std::map<std::string, std::vector<std::string>>;
  struct Counter {
    uint64_t packets = 0, bytes = 0;
  };

  static Verdict count(void* self, PacketPtr& p, const HookState& state) {
    Counter& c = static_cast<TestRouter*>(self)->counters_[static_cast<size_t>(state.hook)];
    ++c.packets;
    c.bytes += p->length();
    return Verdict::kAccept;
  }
  std::string counted() const {
    std::string text;
    for (size_t h = 0; h < kHookPoints; ++h) {
      if (h > 0) text += ", ";
      text += std::string(hook_name(static_cast<HookPoint>(h))) + " " + std::to_string(counters_[h].packets) + " " +
              std::to_string(counters_[h].bytes);
    }
    return text;
  }

  void advance(Time to) {
    if (now_ == 0) now_ = to;
    while (now_ < to) now_ = std::min(std::max(router_.run_timers(now_), now_ + kMillisecond), to);
    router_.run_timers(now_);
  }
  void receive(const char* port, const char* frame) {
    const std::vector<uint8_t> bytes = testing_packets::from_hex(frame);
    PacketPtr p = router_.pool().allocate(static_cast<uint32_t>(bytes.size()));
    testing_packets::append(*p, bytes);
    router_.receive(*router_.device(port), {&p, 1}, now_);
  }

  std::string comparable(std::vector<uint8_t> frame) const {
    constexpr size_t kIp = sizeof(EthernetHeader);
    Ipv4Header* ip = view<Ipv4Header>(std::span<uint8_t>(frame), kIp);
    std::string mark;
    if (ip != nullptr && frame[12] == 0x08 && frame[13] == 0x00 && !ip->dont_fragment() &&
        std::find(own_.begin(), own_.end(), ip->source) != own_.end()) {
      const bool right = checksum_fold(checksum_add({frame.data() + kIp, ip->header_length()})) == 0xffff;
      mark = right ? " (id by chance)" : " (wrong header checksum)";
      ip->id = ip->checksum = {};
    }
    return testing_packets::to_hex(frame) + mark;
  }

  std::map<std::string, std::unique_ptr<MemoryPort>> ports_;
  Router router_;
  Responder host_;
  std::vector<Be32> own_{ip4(127, 0, 0, 1)};
  Counter counters_[kHookPoints];
  Time now_ = 0;
};

}  // namespace nf::kernel_cases
