// Where a packet of this host goes, and from which address. twin: net/ipv4/route.c (ip_route_output_key_hash_rcu,
// __mkroute_output), fib_result_prefsrc
#include "datapath/route/routing_impl.h"

namespace nf {
namespace {

DropReason lookup_failed(FibError error) {
  switch (error) {
    case FibError::kHostUnreachable:
      return DropReason::kRouteUnreachable;
    case FibError::kAccess:
      return DropReason::kRouteProhibit;
    case FibError::kInvalid:
      return DropReason::kRouteBlackhole;
    default:
      return DropReason::kNoRoute;
  }
}

// twin: __mkroute_output
DropReason make_route(const Routing::Impl& r, RouteType type, const FibResult& result, Be32 destination, Be32 source,
                      const Device& out, Dst& dst) {
  if (is_loopback(source) && !is_loopback(out) && !r.either(out, &DeviceConf::route_localnet))
    return DropReason::kMartianSource;
  const FibEntry* entry = result.entry;
  if (is_limited_broadcast(destination)) {
    type = RouteType::kBroadcast;
    entry = nullptr;
  } else if (is_multicast(destination)) {
    type = RouteType::kMulticast;
    // Only a route for multicast may name a gateway, not a default route.
    if (result.length < 4) entry = nullptr;
  } else if (destination.is_zero()) {
    return DropReason::kMartianDestination;
  }
  Routing::Impl::set_nexthop(dst, out, destination, entry, result.nexthop);
  dst.type = type;
  dst.preferred_source = source;
  return DropReason::kNone;
}

// twin: fib_result_prefsrc
Be32 preferred_source(const Routing::Impl& r, const FibResult& result) {
  const FibEntry& entry = *result.entry;
  return entry.preferred_source.is_zero()
             ? r.devices.select(*result.nexthop->device, result.nexthop->gateway, entry.scope)
             : entry.preferred_source;
}

Flow flow_of(const Routing::Impl& r, const FlowKey& key) {
  Flow flow;
  flow.destination = key.destination;
  flow.source = key.source;
  flow.in = key.in != nullptr ? key.in : &r.loopback;
  flow.out = key.out;
  flow.tos = key.tos;
  flow.mark = key.mark;
  return flow;
}

}  // namespace

std::optional<Be32> Routing::source_along(const FlowKey& key) const {
  FibResult result;
  if (impl_->lookup(flow_of(*impl_, key), result) != FibError::kNone) return std::nullopt;
  return preferred_source(*impl_, result);
}

DropReason Routing::route_output(const FlowKey& key, Dst& dst, Be32& chosen_source) const {
  const Impl& r = *impl_;
  dst = Dst{};
  Be32& source = chosen_source;
  source = key.source;
  Be32 destination = key.destination;
  FibResult result;

  // A device of the host's own that has the source address: by its address, or by a local route.
  const auto device_of = [&](Be32 local) -> const Device* {
    if (const Device* d = r.devices.owner(local)) return d;
    const FibTrie* trie = r.fib.table(kTableLocal);
    FibResult found;
    if (trie == nullptr || trie->lookup({local}, found) != FibError::kNone) return nullptr;
    return found.entry->type == RouteType::kLocal ? found.nexthop->device : nullptr;
  };

  if (!source.is_zero()) {
    if (is_multicast(source) || is_limited_broadcast(source)) return DropReason::kMartianSource;
    if (key.out == nullptr && (is_multicast(destination) || is_limited_broadcast(destination))) {
      const Device* out = device_of(source);
      if (out == nullptr) return DropReason::kNoRoute;
      return make_route(r, RouteType::kUnspec, result, destination, source, *out, dst);
    }
    if (!key.any_source && device_of(source) == nullptr) return DropReason::kNoRoute;
  }
  if (key.out != nullptr) {
    if (!key.out->up) return DropReason::kDeviceDown;
    if (is_local_multicast(destination) || is_limited_broadcast(destination)) {
      if (source.is_zero()) source = r.devices.select(*key.out, {}, RouteScope::kLink);
      return make_route(r, RouteType::kUnspec, result, destination, source, *key.out, dst);
    }
    if (source.is_zero()) {
      if (is_multicast(destination))
        source = r.devices.select(*key.out, {}, RouteScope::kUniverse);
      else if (destination.is_zero())
        source = r.devices.select(*key.out, {}, RouteScope::kHost);
    }
  }
  if (destination.is_zero()) {
    if (source.is_zero()) source = ip4(127, 0, 0, 1);
    destination = source;
    return make_route(r, RouteType::kLocal, result, destination, source, r.loopback, dst);
  }

  Flow flow = flow_of(r, key);
  flow.destination = destination;
  flow.source = source;
  const FibError error = r.lookup(flow, result);
  if (error != FibError::kNone) {
    if (key.out == nullptr) return lookup_failed(error);
    // Bound to a device: without a route the destination is taken to be on its link.
    result = {};
    if (source.is_zero()) source = r.devices.select(*key.out, {}, RouteScope::kLink);
    return make_route(r, RouteType::kUnicast, result, destination, source, *key.out, dst);
  }
  const FibEntry& entry = *result.entry;
  if (entry.type == RouteType::kLocal) {
    if (source.is_zero()) source = entry.preferred_source.is_zero() ? destination : entry.preferred_source;
    return make_route(r, RouteType::kLocal, result, destination, source, r.loopback, dst);
  }
  if (key.out == nullptr && entry.nexthops.size() > 1)
    if (const FibNexthop* chosen = r.select_nexthop(entry, destination, source, source)) result.nexthop = chosen;
  if (source.is_zero()) source = preferred_source(r, result);
  return make_route(r, entry.type, result, destination, source, *result.nexthop->device, dst);
}

}  // namespace nf
