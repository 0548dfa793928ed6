// PREROUTING, the routing decision, INPUT. twin: net/ipv4/ip_input.c
#include "datapath/packet/checksum.h"
#include "datapath/router/router.h"

namespace nf {

void IpLayer::add_sysctls(SysctlTable& sysctl) {
  sysctl.add("net.ipv4.ip_default_ttl", {.value = &default_ttl_, .min = 1, .max = 255});
}

DropReason IpLayer::validate(Packet& p) {
  if (p.length() < sizeof(Ipv4Header)) return DropReason::kIpHeader;
  const Ipv4Header& ip = p.ip();
  const unsigned header = ip.header_length();
  if (header < sizeof(Ipv4Header) || ip.version() != 4 || p.length() < header) return DropReason::kIpHeader;
  if (checksum_fold(checksum_add({p.data(), header})) != 0xffff) return DropReason::kIpChecksum;
  const uint32_t total = ip.total_length.host();
  if (p.length() < total) return DropReason::kIpTruncated;
  if (total < header) return DropReason::kIpHeader;
  p.trim(total);
  return DropReason::kNone;
}

void IpLayer::rcv(PacketPtr p) {
  if (p->type == PacketType::kOtherHost) return r_.drop(std::move(p), DropReason::kOtherHost);
  if (const DropReason bad = validate(*p); bad != DropReason::kNone) return r_.drop(std::move(p), bad);
  if (r_.options().assume_neighbours) r_.assumed_neighbours().saw(*p);
  if (p->bridge_netfilter) {
    // The bridge ran PREROUTING already. twin: ip_sabotage_in
    p->bridge_netfilter = false;
  } else if (!r_.run_hook(HookPoint::kPreRouting, p, p->dev, nullptr)) {
    return;
  }
  rcv_finish(std::move(p));
}

void IpLayer::rcv_finish(PacketPtr p) {
  // What comes back on lo was routed when it was sent and keeps that route.
  if (!p->dst.valid()) {
    const Ipv4Header& ip = p->ip();
    const DropReason refused =
        r_.routing().route_input(ip.destination, ip.source, ip.tos, p->mark, *p->dev, p->dst);
    if (refused != DropReason::kNone) return error(std::move(p), refused);
    r_.tell(*p, trace::Routed{p->dst.type, p->dst.out, p->dst.nexthop});
  }
  switch (p->dst.type) {
    case RouteType::kLocal:
    case RouteType::kBroadcast:
    case RouteType::kMulticast:
      return local_deliver(std::move(p));
    default:
      return forward(std::move(p));
  }
}

void IpLayer::error(PacketPtr p, DropReason reason) {
  const bool forwarding = p->dev->conf.forwarding != 0;
  // An input route exists even when it refuses, so ICMP may answer. Types as __mkroute_input leaves them.
  if (forwarding) {
    switch (reason) {
      case DropReason::kNoRoute:
        r_.icmp().send_unreachable(*p, 0);
        break;
      case DropReason::kRouteUnreachable:
        r_.icmp().send_unreachable(*p, 1);
        break;
      case DropReason::kRouteProhibit:
        r_.icmp().send_unreachable(*p, 13);
        break;
      default:
        break;
    }
  }
  r_.drop(std::move(p), reason);
}

void IpLayer::local_deliver(PacketPtr p) {
  if (p->ip().is_fragment()) {
    p = r_.reassembly().add(std::move(p), DefragUser::kLocalDeliver, r_.now());
    if (p == nullptr) return;
  }
  if (!r_.run_hook(HookPoint::kLocalIn, p, p->dev, nullptr)) return;
  r_.tell(*p, trace::Delivered{});
  r_.pool().reset_ct(*p);
  if (r_.host() == nullptr) return r_.drop(std::move(p), DropReason::kNoProtocol);
  r_.host()->deliver(std::move(p), r_.now());
}

}  // namespace nf
