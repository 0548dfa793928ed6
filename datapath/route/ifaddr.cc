// Addresses and the routes that come and go with them.
// twin: net/ipv4/devinet.c (__inet_del_ifa), net/ipv4/fib_frontend.c (fib_add_ifaddr, fib_del_ifaddr,
// fib_netdev_event)
#include "datapath/route/routing_impl.h"

namespace nf {

void Routing::Impl::kernel_route(bool add, RouteType type, Be32 destination, unsigned length, const Address& source,
                                 Device& dev) {
  Route r;
  r.destination = destination;
  r.length = static_cast<uint8_t>(length);
  r.type = type;
  r.scope = type == RouteType::kLocal ? RouteScope::kHost : RouteScope::kLink;
  r.table = type == RouteType::kUnicast ? kTableMain : kTableLocal;
  r.preferred_source = source.local;
  r.protocol = "kernel";
  r.nexthops = {{.gateway = {}, .device = &dev}};
  FibTrie& trie = fib.make_table(r.table);
  if (!add) {
    remove_entry(r, trie);
    return;
  }
  // The kernel ignores a refusal here: the same route may be there already.
  if (auto entry = create_entry(r)) trie.insert(destination, length, entry.take(), RouteMode::kAppend);
}

void Routing::Impl::add_routes_of(Device& dev, const Address& address) {
  const Be32 mask = prefix_mask(address.length);
  const Be32 prefix = address.peer & mask;
  const Address* primary = &address;
  if (address.secondary) primary = devices.by_prefix(dev, prefix, address.length);
  if (primary == nullptr) return;

  kernel_route(true, RouteType::kLocal, address.local, 32, *primary, dev);
  if (!dev.up) return;
  if (!address.broadcast.is_zero() && !is_limited_broadcast(address.broadcast))
    kernel_route(true, RouteType::kBroadcast, address.broadcast, 32, *primary, dev);
  if (prefix.is_zero() || address.secondary || (prefix == address.local && address.length == 32)) return;
  kernel_route(true, is_loopback(dev) ? RouteType::kLocal : RouteType::kUnicast, prefix, address.length, *primary, dev);
  if (address.length < 31) kernel_route(true, RouteType::kBroadcast, prefix | ~mask, 32, *primary, dev);
}

// `address` is no longer in the device's list.
void Routing::Impl::remove_routes_of(Device& dev, const Address& address) {
  const Be32 mask = prefix_mask(address.length);
  const Be32 broadcast = address.peer | ~mask;
  const Be32 network = address.peer & mask;
  const Address* primary = &address;
  bool subnet = false;
  if (address.secondary) {
    primary = devices.by_prefix(dev, network, address.length);
    if (primary == nullptr) return;
  } else if (!network.is_zero() && (network != address.local || address.length < 32)) {
    kernel_route(false, is_loopback(dev) ? RouteType::kLocal : RouteType::kUnicast, network, address.length, *primary,
                 dev);
    subnet = true;
  }

  // What another address that names the same primary still needs stays.
  bool local_ok = false, given_ok = false, all_ones_ok = false, all_zeros_ok = false;
  bool same_source = false;  // another primary with the same address
  const Address* other_primary = nullptr;
  const std::vector<Address>& list = *devices.find(dev);
  for (const Address& other : list) {
    if (other.secondary) {
      if (other.length == primary->length && same_subnet(other.peer, *primary)) {
        other_primary = primary;
      } else {
        if (!same_source) continue;
        if (other_primary == nullptr || other.length != other_primary->length ||
            !same_subnet(other.peer, *other_primary))
          other_primary = devices.by_prefix(dev, other.peer, other.length);
        if (other_primary == nullptr || other_primary->local != primary->local) continue;
      }
    } else {
      if (primary->local != other.local) continue;
      other_primary = &other;
      if (primary != other_primary) same_source = true;
    }
    local_ok |= address.local == other.local;
    given_ok |= address.broadcast == other.broadcast;
    all_ones_ok |= broadcast == other.broadcast;
    all_zeros_ok |= network == other.broadcast;
    if (other_primary != &other || other.length >= 31) continue;
    const Be32 other_mask = prefix_mask(other.length);
    const Be32 ones = other.peer | ~other_mask, zeros = other.peer & other_mask;
    if (zeros.is_zero()) continue;
    given_ok |= address.broadcast == ones || address.broadcast == zeros;
    all_ones_ok |= broadcast == ones || broadcast == zeros;
    all_zeros_ok |= network == ones || network == zeros;
  }

  if (!given_ok) kernel_route(false, RouteType::kBroadcast, address.broadcast, 32, *primary, dev);
  if (subnet && address.length < 31) {
    if (!all_ones_ok) kernel_route(false, RouteType::kBroadcast, broadcast, 32, *primary, dev);
    if (!all_zeros_ok) kernel_route(false, RouteType::kBroadcast, network, 32, *primary, dev);
  }
  if (local_ok) return;
  kernel_route(false, RouteType::kLocal, address.local, 32, *primary, dev);
  if (address_type(address.local, nullptr, kTableLocal) == RouteType::kLocal) return;
  // The address is gone from this host: routes of main that prefer it as their source go, too.
  fib.for_each_trie([&](FibTrie& trie) {
    trie.for_each_entry([&](FibEntry& e) {
      if (e.table == kTableMain && e.preferred_source == address.local) e.dead = true;
    });
  });
  fib.flush();
}

void Routing::Impl::address_removed(Device& dev, const Address& address) {
  remove_routes_of(dev, address);
  if (!devices.has_address(dev)) sync_down(dev, true);
}

Status Routing::add_address(Device& dev, const Address& given) {
  Address address = given;
  if (address.length > 32) return error("Error: ipv4: Invalid prefix length.");
  if (address.local.is_zero()) return {};
  if (address.peer.is_zero()) address.peer = address.local;
  if (address.label.empty()) address.label = dev.name;
  if (Status s = impl_->devices.insert(dev, address); !s) return s;
  impl_->add_routes_of(dev, address);
  impl_->sync_up(dev);
  return {};
}

Status Routing::remove_address(Device& dev, Be32 local, int length, Be32 peer) {
  const auto remove = [&](size_t i) {
    const Address gone = impl_->devices.take(dev, i);
    impl_->address_removed(dev, gone);
    if (on_address_removed) on_address_removed(dev, gone.local);
  };
  const std::vector<Address>* list = impl_->devices.find(dev);
  const auto wanted = [&](const Address& a) {
    return a.local == local && (length < 0 || (a.length == length && same_subnet(peer.is_zero() ? local : peer, a)));
  };
  size_t at = 0;
  while (list != nullptr && at < list->size() && !wanted((*list)[at])) ++at;
  if (list == nullptr || at == list->size()) return error("Error: ipv4: Address not found.");
  if (!(*list)[at].secondary) {
    // A primary address takes its secondaries along, before it goes itself.
    const Be32 network = (*list)[at].peer;
    const uint8_t prefix_length = (*list)[at].length;
    for (size_t i = at + 1; i < list->size();) {
      const Address& a = (*list)[i];
      if (!a.secondary || a.length != prefix_length || !same_subnet(network, a)) {
        ++i;
        continue;
      }
      remove(i);
    }
  }
  remove(at);
  return {};
}

std::vector<Address> Routing::addresses(const Device& dev) const {
  const auto* list = impl_->devices.find(dev);
  return list == nullptr ? std::vector<Address>{} : *list;
}

void Routing::device_up(Device& dev) {
  impl_->devices.know(dev);
  if (is_loopback(dev)) {
    Address a;
    a.local = ip4(127, 0, 0, 1);
    a.length = 8;
    a.scope = RouteScope::kHost;
    // Refused when it is there already, which is fine.
    static_cast<void>(add_address(dev, a));
  }
  for (const Address& a : *impl_->devices.find(dev)) impl_->add_routes_of(dev, a);
  impl_->sync_up(dev);
}

void Routing::device_down(Device& dev) { impl_->sync_down(dev, false); }

}  // namespace nf
