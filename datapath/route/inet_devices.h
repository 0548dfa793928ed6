// The addresses of devices, and choosing one of them. No routes here: Routing adds those.
// twin: struct in_device and ifa_list, net/ipv4/devinet.c
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/hook/device.h"
#include "datapath/route/routing.h"

namespace nf {

// Does `a` lie in the subnet of the address? twin: inet_ifa_match
inline bool same_subnet(Be32 a, const Address& ifa) {
  return ((a.raw() ^ ifa.peer.raw()) & prefix_mask(ifa.length).raw()) == 0;
}

class InetDevices {
 public:
  // `all` is net.ipv4.conf.all.
  explicit InetDevices(const DeviceConf& all) : all_(all) {}

  // Makes the device known; its place among others is by ifindex. Idempotent.
  void know(Device& dev);
  // null: no address was ever given to it.
  const std::vector<Address>* find(const Device& dev) const {
    const auto i = static_cast<size_t>(dev.ifindex);
    return i < by_index_.size() && by_index_[i].dev == &dev ? &by_index_[i].addresses : nullptr;
  }
  bool has_address(const Device& dev) const {
    const auto* list = find(dev);
    return list != nullptr && !list->empty();
  }

  // Puts the address in its place and decides `secondary`. twin: __inet_insert_ifa
  Status insert(Device& dev, Address& address);
  // Takes one out; `index` is its place in the list.
  Address take(Device& dev, size_t index);
  // The first with this subnet, which is the primary one. twin: inet_ifa_byprefix
  const Address* by_prefix(const Device& dev, Be32 address, uint8_t length) const;

  // A device with this local address, null if there is none. twin: inet_lookup_ifaddr_rcu
  Device* owner(Be32 local) const;

  // Zero when there is none. twin: inet_select_addr
  Be32 select(const Device& dev, Be32 destination, RouteScope scope) const;
  bool on_link(const Device& dev, Be32 a, Be32 b) const;

 private:
  struct Known {
    Device* dev = nullptr;
    std::vector<Address> addresses;
  };
  struct Owner {
    Be32 local;
    Device* dev = nullptr;
  };
  void add_owner(Be32 local, Device* dev);
  void rebuild_owners();

  const DeviceConf& all_;
  std::vector<Known> by_index_;  // by ifindex
  // All local addresses, the last added first; and the same as an open hash of a power of two (null: free slot).
  std::vector<Owner> owners_;
  std::vector<Owner> owner_hash_;
};

}  // namespace nf
