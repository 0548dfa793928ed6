// Where a received packet goes. twin: net/ipv4/route.c (ip_route_input_rcu), fib_validate_source
#include "datapath/route/routing_impl.h"

namespace nf {
namespace {

struct SourceCheck {
  DropReason reason = DropReason::kNone;
  bool direct = false;  // the source is on the link itself
};

// twin: __fib_validate_source
SourceCheck look_up_source(const Routing::Impl& r, Be32 source, Be32 destination, uint8_t tos, uint32_t mark,
                           const Device& in, const Device* out, int64_t rp_filter) {
  Flow flow;
  flow.destination = source;
  flow.source = destination;
  flow.in = out != nullptr ? out : &r.loopback;
  flow.tos = tos;
  flow.mark = r.either(in, &DeviceConf::src_valid_mark) ? mark : 0;
  const SourceCheck last_resort{rp_filter != 0 ? DropReason::kReversePath : DropReason::kNone, false};

  FibResult result;
  if (r.lookup(flow, result) != FibError::kNone) return last_resort;
  const RouteType type = result.entry->type;
  if (type != RouteType::kUnicast && (type != RouteType::kLocal || !r.either(in, &DeviceConf::accept_local)))
    return {DropReason::kMartianSource, false};
  bool same_device = type == RouteType::kLocal && &in == &r.loopback;
  for (const FibNexthop& nh : result.entry->nexthops) same_device |= nh.device == &in;
  if (same_device) return {DropReason::kNone, result.nexthop->scope >= RouteScope::kHost};
  if (!r.devices.has_address(in)) return last_resort;
  if (rp_filter == 1) return {DropReason::kReversePath, false};

  flow.out = &in;
  SourceCheck check;
  if (r.lookup(flow, result) == FibError::kNone && result.entry->type == RouteType::kUnicast)
    check.direct = result.nexthop->scope >= RouteScope::kHost;
  return check;
}

// `out`: where the packet would leave; null: it stays. twin: fib_validate_source
SourceCheck validate_source(const Routing::Impl& r, Be32 source, Be32 destination, uint8_t tos, uint32_t mark,
                            const Device& in, const Device* out) {
  const int64_t rp_filter = r.larger(in, &DeviceConf::rp_filter);
  if (rp_filter == 0 && (&in != out || !r.either(in, &DeviceConf::send_redirects))) {
    if (r.either(in, &DeviceConf::accept_local)) return {};
    // With local routes or rules made by hand, the list of addresses is not the whole truth.
    if (!r.custom_local_routes && !r.rules.custom()) {
      if (r.devices.owner(source) != nullptr) return {DropReason::kMartianSource, false};
      return {};
    }
  }
  return look_up_source(r, source, destination, tos, mark, in, out, rp_filter);
}

void set_local(Dst& dst, const Device& loopback, RouteType type, Be32 destination) {
  Routing::Impl::set_nexthop(dst, loopback, destination, nullptr, nullptr);
  dst.type = type;
}

// twin: ip_mc_validate_source
DropReason input_multicast(const Routing::Impl& r, Be32 destination, Be32 source, uint8_t tos, uint32_t mark,
                           const Device& in, Dst& dst) {
  constexpr Be32 kAllHosts = ip4(224, 0, 0, 1);
  if (destination != kAllHosts || !in.up) return DropReason::kNoSocket;
  if (is_multicast(source) || is_limited_broadcast(source)) return DropReason::kMartianSource;
  if (is_loopback(source) && !r.either(in, &DeviceConf::route_localnet)) return DropReason::kMartianSource;
  if (!source.is_zero()) {
    const SourceCheck check = validate_source(r, source, {}, tos, mark, in, nullptr);
    if (check.reason != DropReason::kNone) return check.reason;
  }
  set_local(dst, r.loopback, RouteType::kMulticast, destination);
  return DropReason::kNone;
}

DropReason input_broadcast(const Routing::Impl& r, Be32 destination, Be32 source, uint8_t tos, uint32_t mark,
                           const Device& in, Dst& dst) {
  if (!source.is_zero()) {
    const SourceCheck check = validate_source(r, source, {}, tos, mark, in, nullptr);
    if (check.reason != DropReason::kNone) return check.reason;
  }
  set_local(dst, r.loopback, RouteType::kBroadcast, destination);
  return DropReason::kNone;
}

// The outcome of ip_error: which ICMP error there is, if any.
DropReason no_route(FibError error, bool forwarding, Dst& dst) {
  dst.type = RouteType::kUnreachable;
  if (!forwarding) return DropReason::kForwardingOff;
  switch (error) {
    case FibError::kHostUnreachable:
      return DropReason::kRouteUnreachable;
    case FibError::kAccess:
      dst.type = RouteType::kProhibit;
      return DropReason::kRouteProhibit;
    case FibError::kInvalid:
      dst.type = RouteType::kBlackhole;
      return DropReason::kRouteBlackhole;
    default:
      return DropReason::kNoRoute;
  }
}

// twin: ip_route_input_slow
DropReason input(const Routing::Impl& r, Be32 destination, Be32 source, uint8_t tos, uint32_t mark, const Device& in,
                 Dst& dst) {
  if (is_multicast(destination)) return input_multicast(r, destination, source, tos, mark, in, dst);
  if (is_multicast(source) || is_limited_broadcast(source)) return DropReason::kMartianSource;
  if (is_limited_broadcast(destination) || (source.is_zero() && destination.is_zero()))
    return input_broadcast(r, destination, source, tos, mark, in, dst);
  if (source.is_zero()) return DropReason::kMartianSource;
  if (destination.is_zero()) return DropReason::kMartianDestination;
  if (is_loopback(destination)) {
    if (!r.either(in, &DeviceConf::route_localnet)) return DropReason::kMartianDestination;
  } else if (is_loopback(source) && !r.either(in, &DeviceConf::route_localnet)) {
    return DropReason::kMartianSource;
  }

  Flow flow;
  flow.destination = destination;
  flow.source = source;
  flow.in = &in;
  flow.tos = tos;
  flow.mark = mark;
  FibResult result;
  const bool forwarding = in.conf.forwarding != 0;
  const FibError error = r.lookup(flow, result);
  if (error != FibError::kNone) return no_route(error, forwarding, dst);

  const RouteType type = result.entry->type;
  const bool forward_broadcast = type == RouteType::kBroadcast && r.both(in, &DeviceConf::bc_forwarding);
  if (type == RouteType::kBroadcast && !forward_broadcast)
    return input_broadcast(r, destination, source, tos, mark, in, dst);
  if (type == RouteType::kLocal) {
    const SourceCheck check = validate_source(r, source, destination, tos, mark, in, nullptr);
    if (check.reason != DropReason::kNone) return check.reason;
    set_local(dst, r.loopback, RouteType::kLocal, destination);
    return DropReason::kNone;
  }
  if (!forward_broadcast) {
    if (!forwarding) return no_route(FibError::kHostUnreachable, false, dst);
    if (type != RouteType::kUnicast) return DropReason::kMartianDestination;
  }

  const FibNexthop* nh = result.nexthop;
  if (result.entry->nexthops.size() > 1)
    if (const FibNexthop* chosen = r.select_nexthop(*result.entry, destination, source, {})) nh = chosen;
  const SourceCheck check = validate_source(r, source, destination, tos, mark, in, nh->device);
  if (check.reason != DropReason::kNone) return check.reason;
  Routing::Impl::set_nexthop(dst, *nh->device, destination, result.entry, nh);
  dst.type = type;
  // shared_media is on by default, so the sender need not be on the gateway's subnet.
  dst.do_redirect = nh->device == &in && check.direct && r.either(in, &DeviceConf::send_redirects);
  return DropReason::kNone;
}

}  // namespace

DropReason Routing::route_input(Be32 destination, Be32 source, uint8_t tos, uint32_t mark, const Device& in,
                                Dst& dst) const {
  dst = Dst{};
  const DropReason refused = input(*impl_, destination, source, tos, mark, in, dst);
  dst.received_by = &in;
  return refused;
}

}  // namespace nf
