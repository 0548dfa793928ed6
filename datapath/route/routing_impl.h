// The parts of Routing, for its own sources only.
#pragma once

#include "datapath/route/address_class.h"
#include "datapath/route/fib.h"
#include "datapath/route/inet_devices.h"
#include "datapath/route/policy_rules.h"
#include "datapath/route/routing.h"

namespace nf {

// twin: struct flowi4
struct Flow {
  Be32 destination, source;
  const Device* in = nullptr;  // never null in a lookup
  const Device* out = nullptr;
  uint8_t tos = 0;
  uint32_t mark = 0;
  RouteScope scope = RouteScope::kUniverse;
};

struct Routing::Impl {
  Impl(const DeviceConf& all_conf, Device& lo) : all(all_conf), loopback(lo), devices(all_conf) {}

  // --- lookups (routing.cc)
  FibError lookup(const Flow& key, FibResult& result) const;
  RouteType address_type(Be32 address, const Device* dev, uint32_t table) const;
  // Which nexthop of a multipath route this flow takes; with `source`, one that would choose this source address is
  // preferred. twin: fib_select_multipath
  const FibNexthop* select_nexthop(const FibEntry& entry, Be32 destination, Be32 source, Be32 preferred) const;
  // Fills out, nexthop, gateway and mtu; `entry` null: on link without a route. twin: rt_set_nexthop
  static void set_nexthop(Dst& dst, const Device& out, Be32 destination, const FibEntry* entry, const FibNexthop* nh);

  // --- changes (routes.cc)
  // twin: fib_create_info
  Result<std::unique_ptr<FibEntry>> create_entry(const Route& route) const;
  Status check_nexthop(FibNexthop& nh, const Route& route) const;
  bool remove_entry(const Route& route, FibTrie& trie);
  // twin: fib_sync_down_dev; `force`: also what has host scope
  void sync_down(const Device& dev, bool force);
  // twin: fib_sync_up
  void sync_up(const Device& dev);

  // --- addresses (ifaddr.cc)
  // twin: fib_magic
  void kernel_route(bool add, RouteType type, Be32 destination, unsigned length, const Address& source, Device& dev);
  // twin: fib_add_ifaddr, fib_del_ifaddr
  void add_routes_of(Device& dev, const Address& address);
  void remove_routes_of(Device& dev, const Address& address);
  void address_removed(Device& dev, const Address& address);

  // --- conf of a device combined with conf.all. twin: IN_DEV_ORCONF, IN_DEV_MAXCONF, IN_DEV_ANDCONF
  bool either(const Device& dev, int64_t DeviceConf::*option) const { return (all.*option | dev.conf.*option) != 0; }
  bool both(const Device& dev, int64_t DeviceConf::*option) const { return all.*option != 0 && dev.conf.*option != 0; }
  int64_t larger(const Device& dev, int64_t DeviceConf::*option) const {
    return all.*option > dev.conf.*option ? all.*option : dev.conf.*option;
  }

  const DeviceConf& all;
  Device& loopback;
  InetDevices devices;
  Fib fib;
  PolicyRules rules;
  bool custom_local_routes = false;  // a local route was added by hand, ever
};

inline bool is_loopback(const Device& dev) { return dev.kind == DeviceKind::kLoopback; }

}  // namespace nf
