// PREROUTING, the routing decision, INPUT. twin: net/ipv4/ip_input.c
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/router/router.h"

namespace nf {

void IpLayer::add_sysctls(SysctlTable& sysctl) {
  sysctl.add("net.ipv4.ip_default_ttl", {.value = &default_ttl_, .min = 1, .max = 255});
}

namespace {

// twin: ip_fast_csum
bool header_checksum_ok(const uint8_t* header, unsigned length) {
  if (length != sizeof(Ipv4Header)) return checksum_fold(checksum_add({header, length})) == 0xffff;
  uint32_t words[5];
  std::memcpy(words, header, sizeof words);
  return checksum_fold(Sum{words[0]} + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

}  // namespace

DropReason IpLayer::validate(Packet& p) {
  if (p.length() < sizeof(Ipv4Header)) return DropReason::kIpHeader;
  const Ipv4Header& ip = p.ip();
  const unsigned header = ip.header_length();
  if (header < sizeof(Ipv4Header) || ip.version() != 4 || p.length() < header) return DropReason::kIpHeader;
  if (!header_checksum_ok(p.data(), header)) return DropReason::kIpChecksum;
  const uint32_t total = ip.total_length.host();
  if (p.length() < total) return DropReason::kIpTruncated;
  if (total < header) return DropReason::kIpHeader;
  if (p.length() != total) p.trim(total);  // trimming forgets where it was put together
  return DropReason::kNone;
}

void IpLayer::rcv(PacketPtr p) {
  if (p->type == PacketType::kOtherHost) return r_.drop(std::move(p), DropReason::kOtherHost);
  if (const DropReason bad = validate(*p); bad != DropReason::kNone) return r_.drop(std::move(p), bad);
  if (p->options.length != 0) p->options = {};
  if (r_.options().assume_neighbours) r_.assumed_neighbours().saw(r_.neighbours(), *p);
  if (p->bridge_netfilter) {
    // The bridge ran PREROUTING already. twin: ip_sabotage_in
    p->bridge_netfilter = false;
    p->frag_max_size = 0;  // IPCB is cleared on the way up
    p->df_fragments = false;
  } else if (!r_.run_hook(HookPoint::kPreRouting, p, p->dev, nullptr)) {
    return;
  }
  rcv_finish(std::move(p));
}

void IpLayer::rcv_finish(PacketPtr p) {
  // What comes back on lo was routed when it was sent and keeps that route.
  if (!p->dst.valid()) {
    const Ipv4Header& ip = p->ip();
    // A socket is looked for even where there is none. twin: tcp_v4_early_demux
    if (ip.protocol == kProtoTcp && p->type == PacketType::kHost) p->need_contiguous(sizeof(TcpHeader));
    const DropReason refused = r_.routing().route_input(ip.destination, ip.source, ip.tos, p->mark, *p->dev, p->dst);
    if (refused != DropReason::kNone) {
      r_.tell_refused(*p, refused);
      return error(std::move(p), refused);
    }
    r_.tell_route(*p,
                  {.destination = ip.destination, .source = ip.source, .in = p->dev, .tos = ip.tos, .mark = p->mark});
  }
  if (p->ip().header_length() > sizeof(Ipv4Header) && !options_.rcv(p)) return;
  switch (p->dst.type) {
    case RouteType::kLocal:
    case RouteType::kMulticast:
      return local_deliver(std::move(p));
    case RouteType::kBroadcast:
      // With bc_forwarding a directed broadcast has a way out.
      if (p->dst.out == &r_.loopback() || p->type == PacketType::kLoopback) return local_deliver(std::move(p));
      return forward(std::move(p));
    default:
      return forward(std::move(p));
  }
}

void IpLayer::error(PacketPtr p, DropReason reason) {
  // An input route that refuses is a route: options are read, and ICMP may answer.
  if (p->dst.valid() && p->ip().header_length() > sizeof(Ipv4Header) && !options_.rcv(p)) return;
  if (p->dev->conf.forwarding != 0) {
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
    p = r_.reassemble(std::move(p), DefragUser::kLocalDeliver);
    if (p == nullptr) return;
  }
  if (!r_.run_hook(HookPoint::kLocalIn, p, p->dev, nullptr)) return;
  r_.tell(*p, trace::Delivered{});
  // A protocol nobody knows keeps its connection: the error about it is RELATED. twin: ip_protocol_deliver_rcu
  const uint8_t protocol = p->ip().protocol;
  if (protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoIcmp || protocol == kProtoUdplite)
    r_.pool().reset_ct(*p);
  if (r_.host() == nullptr) return r_.drop(std::move(p), DropReason::kNoProtocol);
  r_.host()->deliver(std::move(p), r_.now());
}

}  // namespace nf
