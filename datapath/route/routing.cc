#include "datapath/route/routing.h"

#include <algorithm>

#include "datapath/route/routing_impl.h"

namespace nf {

Routing::Routing(const DeviceConf& all, Device& loopback) : impl_(std::make_unique<Impl>(all, loopback)) {
  impl_->devices.know(loopback);
}
Routing::~Routing() = default;

FibError Routing::Impl::lookup(const Flow& key, FibResult& result) const {
  const FibKey fib_key{key.destination, key.scope, key.out, key.tos};
  if (!rules.custom()) {
    FibError error = FibError::kAgain;
    if (const FibTrie* main = fib.main()) error = main->lookup(fib_key, result);
    if (error != FibError::kAgain) return error;
    if (const FibTrie* fallback = fib.fallback()) error = fallback->lookup(fib_key, result);
    return error == FibError::kAgain ? FibError::kNetUnreachable : error;
  }
  for (const PolicyRule& r : rules.list()) {
    if (!PolicyRules::match(r, key.destination, key.source, *key.in, key.out, key.tos, key.mark)) continue;
    switch (r.action) {
      case RouteType::kUnicast:
        break;
      case RouteType::kUnreachable:
        return FibError::kNetUnreachable;
      case RouteType::kProhibit:
        return FibError::kAccess;
      default:
        return FibError::kInvalid;
    }
    const FibTrie* trie = fib.table(r.table);
    if (trie == nullptr) continue;
    const FibError error = trie->lookup(fib_key, result);
    if (error != FibError::kAgain) return error;
  }
  return FibError::kNetUnreachable;
}

RouteType Routing::Impl::address_type(Be32 address, const Device* dev, uint32_t table) const {
  if (address.is_zero() || is_limited_broadcast(address)) return RouteType::kBroadcast;
  if (is_multicast(address)) return RouteType::kMulticast;
  const FibTrie* trie = fib.table(table);
  if (trie == nullptr) return RouteType::kBroadcast;
  FibResult result;
  if (trie->lookup({address}, result) != FibError::kNone) return RouteType::kUnicast;
  if (dev != nullptr && result.entry->nexthops.front().device != dev) return RouteType::kUnicast;
  return result.entry->type;
}

namespace {

// The kernel's hash has a secret seed; any even spread of address pairs over 31 bits serves.
int32_t multipath_hash(Be32 source, Be32 destination) {
  uint64_t h = (uint64_t{source.raw()} << 32 | destination.raw()) * 0x9e3779b97f4a7c15;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93;
  return static_cast<int32_t>(h >> 33);
}

}  // namespace

const FibNexthop* Routing::Impl::select_nexthop(const FibEntry& entry, Be32 destination, Be32 source,
                                                Be32 preferred) const {
  const int32_t hash = multipath_hash(source, destination);
  const FibNexthop* chosen = nullptr;
  bool found = false;
  for (const FibNexthop& nh : entry.nexthops) {
    if (nh.upper_bound == -1) continue;
    const bool suits = preferred.is_zero() || devices.select(*nh.device, nh.gateway, entry.scope) == preferred;
    if (!found) {
      chosen = &nh;
      found = suits;
    }
    if (hash > nh.upper_bound) continue;
    if (suits) return &nh;
    if (found) return chosen;
  }
  return chosen;
}

void Routing::Impl::set_nexthop(Dst& dst, const Device& out, Be32 destination, const FibEntry* entry,
                                const FibNexthop* nh) {
  dst.out = &out;
  dst.nexthop = destination;
  dst.mtu = out.mtu;
  if (entry != nullptr) {
    // A gateway that is an address of this host (scope host) makes the route a direct one.
    if (!nh->gateway.is_zero() && nh->scope == RouteScope::kLink) {
      dst.nexthop = nh->gateway;
      dst.via_gateway = true;
    }
    if (entry->mtu != 0) dst.mtu = entry->mtu;
  }
  dst.mtu = std::min<uint32_t>(dst.mtu, 0xffff);
}

RouteType Routing::address_type(Be32 address, const Device* dev) const {
  return impl_->address_type(address, dev, kTableLocal);
}

std::optional<Be32> Routing::select_address(const Device& dev, Be32 destination, RouteScope scope) const {
  const Be32 a = impl_->devices.select(dev, destination, scope);
  return a.is_zero() ? std::nullopt : std::optional(a);
}

std::optional<Be32> Routing::first_address(const Device& dev) const {
  const auto* list = impl_->devices.find(dev);
  return list == nullptr || list->empty() ? std::nullopt : std::optional(list->front().local);
}

std::optional<Be32> Routing::broadcast_mask(const Device& dev, Be32 broadcast) const {
  const auto* list = impl_->devices.find(dev);
  if (list == nullptr) return std::nullopt;
  for (const Address& a : *list)
    if (!a.secondary && a.broadcast == broadcast) return prefix_mask(a.length);
  return std::nullopt;
}

bool Routing::on_link(const Device& dev, Be32 a, Be32 b) const { return impl_->devices.on_link(dev, a, b); }

}  // namespace nf
