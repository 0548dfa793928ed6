// Routing of one network namespace: addresses, policy rules, tables, and the two questions the IP layer asks.
// twin: net/ipv4/{fib_frontend,fib_semantics,fib_trie,fib_rules,devinet,route}.c
//
// Adding an address adds the routes the kernel adds (local, connected, broadcast). Lookups are longest prefix match
// per table, in the order of the policy rules (default: local, main, default). Until the first rule is added or
// removed, local and main are one table, as in the kernel: a longer prefix in main wins over a shorter one in local.
//
// Devices belong to the caller and outlive this; their `up` flag is read, never written. Whoever changes it calls
// device_up or device_down afterwards. Errors carry the words `ip` prints, without a place.
#pragma once

#include <cstdint>
#include <functional>
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
  Be32 gateway;              // zero: on link
  Device* device = nullptr;  // null: the device by which the gateway is reached
  bool onlink = false;
  uint32_t weight = 1;
  bool dead = false;  // its device went down; told by routes(), ignored by the others
};

// What the kernel would be told. `ip` fills in a scope and a table where the user gave none: see default_scope and
// default_table.
struct Route {
  Be32 destination;
  uint8_t length = 0;
  RouteType type = RouteType::kUnicast;
  RouteScope scope = RouteScope::kUniverse;
  uint32_t table = kTableMain;  // zero is main
  uint8_t tos = 0;
  uint32_t metric = 0;
  Be32 preferred_source;
  uint32_t mtu = 0;               // 0: the device's
  std::vector<Nexthop> nexthops;  // empty for blackhole, unreachable, prohibit, throw
  std::string protocol = "boot";  // "kernel" for those that come with an address

  // What ip(8) uses for `ip route add` without `scope` and without `table`.
  static RouteScope default_scope(RouteType type, bool has_gateway_or_nexthops);
  static uint32_t default_table(RouteType type);
};

// twin: NLM_F_*, as ip route {add,append,prepend,replace,change} sets them
enum class RouteMode : uint8_t { kAdd, kAppend, kPrepend, kReplace, kChange };

struct PolicyRule {
  static constexpr uint32_t kNoPreference = UINT32_MAX;  // add: one before the second rule; remove: any

  uint32_t preference = 0;
  Be32 from, to;
  uint8_t from_length = 0, to_length = 0;
  std::string iif, oif;              // iif "lo": packets of this host
  uint32_t mark = 0, mark_mask = 0;  // a mark without a mask compares all bits
  uint8_t tos = 0;
  bool invert = false;
  uint32_t table = 0;                      // for action lookup; zero is main
  RouteType action = RouteType::kUnicast;  // kUnicast: lookup `table`; kBlackhole, kUnreachable, kProhibit
  bool built_in = false;  // one of the three there from the start; told by rules(), ignored by the others
};

struct Address {
  Be32 local;
  Be32 peer;  // == local (or zero) without a peer
  uint8_t length = 32;
  Be32 broadcast;  // zero: none
  RouteScope scope = RouteScope::kUniverse;
  bool secondary = false;  // decided by add_address
  std::string label;       // empty: the device's name
};

struct FlowKey {
  Be32 destination, source;
  const Device* in = nullptr;   // null: from this host. Only policy rules look at it
  const Device* out = nullptr;  // bound to this device; null: any
  uint8_t tos = 0;
  uint32_t mark = 0;
  bool any_source = false;  // the source need not be an address of this host. twin: FLOWI_FLAG_ANYSRC
};

class Routing {
 public:
  // `all` is net.ipv4.conf.all, `loopback` the device lo. Both outlive this.
  Routing(const DeviceConf& all, Device& loopback);
  ~Routing();

  Status add_address(Device& dev, const Address& address);
  // `length` -1: the first with this local address; otherwise the first with this length, too, and with `peer` (zero:
  // `local`) in its subnet, which is what `ip addr del LOCAL [peer PEER]/LENGTH` asks for. Removing a primary address
  // removes its secondaries (promote_secondaries off). When the last address of a device goes, so do all its routes,
  // and the caller tells the neighbour table. twin: inet_rtm_deladdr
  Status remove_address(Device& dev, Be32 local, int length = -1, Be32 peer = {});
  // Called for each address that is gone, secondaries too. twin: NETDEV_DOWN of inetaddr_chain
  std::function<void(const Device& dev, Be32 local)> on_address_removed;
  std::vector<Address> addresses(const Device& dev) const;  // in the kernel's order (ifa_list)
  // Routes with the device appear and vanish with its state; lo gets 127.0.0.1/8 when it comes up. Local addresses
  // of a downed device stay local; static routes by way of it are gone for good. twin: fib_netdev_event
  void device_up(Device& dev);
  void device_down(Device& dev);

  // "RTNETLINK answers: File exists" and the like, in its words
  Status add_route(const Route& route, RouteMode mode = RouteMode::kAdd);
  // Removes the first route of this destination, length and tos that agrees with the rest; type kUnspec, scope
  // kNowhere, an empty protocol, no nexthops and zeros match anything (what `ip route del` sends).
  Status remove_route(const Route& route);
  Status add_rule(const PolicyRule& rule);
  // The first rule that agrees with everything given (action kUnicast without table, and kUnspec: any action).
  Status remove_rule(const PolicyRule& rule);
  // In the order of `ip route show table all`, and of `ip rule`.
  std::vector<Route> routes() const;
  std::vector<PolicyRule> rules() const;

  // A received packet: where does it go? Ok (kNone): dst.type is kUnicast, kLocal, kBroadcast or kMulticast. With
  // kBroadcast, dst.out is lo for local delivery, another device when it is to be forwarded (bc_forwarding).
  // Otherwise the reason, with dst.type telling unreachable kinds apart (ICMP host/net unreachable, prohibited).
  // Multicast is local for 224.0.0.1 only (no group membership is modelled); others give kNoSocket.
  // twin: ip_route_input_noref
  DropReason route_input(Be32 destination, Be32 source, uint8_t tos, uint32_t mark, const Device& in, Dst& dst) const;
  // A packet of this host. Fills dst; chosen_source is key.source or, when that is zero, the selected one (zero when
  // there is no address). A destination of zero becomes this host: dst.nexthop says which address.
  // kNoRoute and the like otherwise. twin: ip_route_output_key_hash
  DropReason route_output(const FlowKey& key, Dst& dst, Be32& chosen_source) const;
  // The address this host speaks from along the route of `key`, which is taken as it stands; nullopt: no route.
  // twin: fib_lookup and fib_result_prefsrc
  std::optional<Be32> source_along(const FlowKey& key) const;
  // What answers a lookup, as ip(8) prints it: "32766: from all lookup main" and "172.17.0.0/16 dev docker0". `route`
  // is empty when no table has one; both are when no rule matches. The other questions agree with it.
  struct Answer {
    std::string rule, route;
  };
  Answer explain(const FlowKey& key) const;
  // "unreachable" routes: which ICMP code belongs to the outcome is told by DropReason (kNoRoute -> net unreachable
  // 3/0, kRouteUnreachable -> host unreachable 3/1, kRouteProhibit -> 3/13; an `ip rule` unreachable is kNoRoute).
  // twin: ip_error

  RouteType address_type(Be32 address, const Device* dev) const;
  std::optional<Be32> select_address(const Device& dev, Be32 destination, RouteScope scope) const;
  std::optional<Be32> first_address(const Device& dev) const;
  // The netmask of the first primary address with this broadcast address.
  std::optional<Be32> broadcast_mask(const Device& dev, Be32 broadcast) const;
  // Is `a` on a subnet of the device (and `b` on the same one, unless zero)? twin: inet_addr_onlink
  bool on_link(const Device& dev, Be32 a, Be32 b) const;

  struct Impl;  // routing_impl.h

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nf
