// Routing of one network namespace: addresses, policy rules, tables, and the two questions the IP layer asks.
// twin: net/ipv4/{fib_frontend,fib_semantics,fib_rules,devinet,route}.c
//
// Adding an address adds the routes the kernel adds (local, connected, broadcast). Lookups are longest prefix match
// per table, in the order of the policy rules (default: local, main, default).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "datapath/hook/device.h"
#include "datapath/packet/dst.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

inline constexpr uint32_t kTableDefault = 253, kTableMain = 254, kTableLocal = 255;

struct Nexthop {
  Be32 gateway;  // zero: on link
  Device* device = nullptr;
  bool onlink = false;
  uint32_t weight = 1;
};

struct Route {
  Be32 destination;
  uint8_t length = 0;
  RouteType type = RouteType::kUnicast;
  RouteScope scope = RouteScope::kUniverse;
  uint32_t table = kTableMain;
  uint8_t tos = 0;
  uint32_t metric = 0;
  Be32 preferred_source;
  uint32_t mtu = 0;  // 0: the device's
  std::vector<Nexthop> nexthops;  // empty for blackhole, unreachable, prohibit, throw
  std::string protocol = "boot";  // "kernel" for those that come with an address
};

struct PolicyRule {
  uint32_t preference = 0;
  Be32 from, to;
  uint8_t from_length = 0, to_length = 0;
  std::string iif, oif;
  uint32_t mark = 0, mark_mask = 0;
  uint8_t tos = 0;
  bool invert = false;
  uint32_t table = 0;                       // for action lookup
  RouteType action = RouteType::kUnicast;   // kUnicast: lookup `table`; kBlackhole, kUnreachable, kProhibit
};

struct Address {
  Be32 local;
  Be32 peer;  // == local without a peer
  uint8_t length = 32;
  Be32 broadcast;  // zero: none
  RouteScope scope = RouteScope::kUniverse;
  bool secondary = false;
  std::string label;
};

struct FlowKey {
  Be32 destination, source;
  const Device* in = nullptr;   // null: from this host
  const Device* out = nullptr;  // bound to this device; null: any
  uint8_t tos = 0;
  uint32_t mark = 0;
};

class Routing {
 public:
  // `all` is net.ipv4.conf.all, `loopback` the device lo.
  Routing(const DeviceConf& all, Device& loopback);
  ~Routing();

  Status add_address(Device& dev, const Address& address);
  Status remove_address(Device& dev, Be32 local);
  std::vector<Address> addresses(const Device& dev) const;  // in the kernel's order (ifa_list)
  // Routes with the device appear and vanish with its state. twin: fib_netdev_event
  void device_up(Device& dev);
  void device_down(Device& dev);

  Status add_route(const Route& route);     // "RTNETLINK answers: File exists" and the like, in its words
  Status remove_route(const Route& route);
  Status add_rule(const PolicyRule& rule);
  Status remove_rule(const PolicyRule& rule);
  std::vector<Route> routes() const;

  // A received packet: where does it go? Ok: dst.type is kUnicast, kLocal or kBroadcast, kMulticast. Otherwise the
  // reason, with dst.type telling unreachable kinds apart (ICMP host/net unreachable, prohibited).
  // twin: ip_route_input_noref
  DropReason route_input(Be32 destination, Be32 source, uint8_t tos, uint32_t mark, const Device& in, Dst& dst) const;
  // A packet of this host. Fills dst and, when key.source is zero, chosen_source. kNoRoute and the like otherwise.
  // twin: ip_route_output_key_hash
  DropReason route_output(const FlowKey& key, Dst& dst, Be32& chosen_source) const;
  // "unreachable" routes: which ICMP code belongs to the outcome is told by DropReason (kNoRoute -> net unreachable
  // 3/0, kRouteUnreachable -> host unreachable 3/1, kRouteProhibit -> 3/13). twin: ip_error

  RouteType address_type(Be32 address, const Device* dev) const;
  std::optional<Be32> select_address(const Device& dev, Be32 destination, RouteScope scope) const;
  std::optional<Be32> first_address(const Device& dev) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nf
