// Bridged IPv4 goes through PREROUTING, FORWARD and POSTROUTING with the bridge as its device.
// twin: net/bridge/br_netfilter_hooks.c
#include <algorithm>
#include <utility>

#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {

bool BridgeLayer::netfilter_on(const Packet& p) const { return call_iptables_ != 0 && p.protocol == kEtherIpv4; }

bool BridgeLayer::validate_ipv6(Packet& p) {
  constexpr uint32_t kHeader = 40;
  constexpr uint8_t kHopByHop = 0;
  if (p.length() < kHeader || p.data()[0] >> 4 != 6) return false;
  const uint32_t payload = uint32_t{p.data()[4]} << 8 | p.data()[5];
  if (payload == 0 && p.data()[6] == kHopByHop) return true;  // a jumbogram tells its length elsewhere
  if (payload + kHeader > p.length()) return false;
  p.trim(payload + kHeader);
  return true;
}

bool BridgeLayer::nf_pre_routing(Bridge& bridge, PacketPtr& p) {
  if (const DropReason bad = IpLayer::validate(*p); bad != DropReason::kNone) {
    r_.drop(std::move(p), bad);
    return false;
  }
  const Device& dev = bridge.device();
  const Device* port = p->dev;
  const bool other_host = p->type == PacketType::kOtherHost;
  if (other_host) p->type = PacketType::kHost;
  p->phys_in = port;
  p->dev = &dev;
  const Be32 destination = p->ip().destination;
  if (!r_.run_hook(HookPoint::kPreRouting, p, &dev, nullptr)) return false;
  p->bridge_netfilter = true;
  // A datagram put together here has the link header of its first piece, and came by the port of that one.
  port = p->phys_in;
  const MacAddress& to = p->mac().destination;
  if (to != dev.mac && to != port->mac && (to[0] & 1) == 0) p->type = PacketType::kOtherHost;

  // twin: br_nf_pre_routing_finish
  if (p->ip().destination != destination) {
    const Ipv4Header& ip = p->ip();
    Dst dst;
    const DropReason refused = r_.routing().route_input(ip.destination, ip.source, ip.tos, p->mark, dev, dst);
    if (refused != DropReason::kNone && !dst.valid()) {
      r_.drop(std::move(p), refused);
      return false;
    }
    // A destination that cannot be reached is the router's to refuse (also when forwarding is off: bridged traffic
    // with a changed destination needs ip_forward).
    if (refused != DropReason::kNone) dst = {};
    p->dst = dst;
    if (dst.valid())
      r_.tell_route(*p,
                    {.destination = ip.destination, .source = ip.source, .in = &dev, .tos = ip.tos, .mark = p->mark});
    if (dst.out == &dev) {
      // To another station of the same bridge: only the link address changes, the router is not involved.
      p->bridged_dnat = true;
      p->dst.received_by = port;  // it does not come up through the bridge. twin: inet_iif, skb->skb_iif
      p->bridged_source = p->mac().source;
      r_.tell_neighbour(*p, dev, dst.nexthop);
      r_.neighbours().output(std::move(p), dev, dst.nexthop, r_.now());
      return false;
    }
    p->mac().destination = dev.mac;
    p->type = PacketType::kHost;
  } else {
    // Stands in for a route, so that a rejected packet can be answered. twin: bridge_parent_rtable
    p->dst = Dst{};
    p->dst.out = &dev;
    p->dst.mtu = dev.mtu;
    p->dst.type = RouteType::kUnicast;
  }
  p->dev = port;
  return true;
}

void BridgeLayer::send_bridged_dnat(PacketPtr p, const Device& dev, const MacAddress& destination) {
  p->bridged_dnat = false;
  p->mac().destination = destination;
  p->mac().source = p->bridged_source;
  p->dev = p->phys_in;
  handle_frame_finish(*find(dev), std::move(p));
}

bool BridgeLayer::nf_forward(Bridge& bridge, PacketPtr& p, const Device& out) {
  const Device* dev = &bridge.device();
  const bool other_host = p->type == PacketType::kOtherHost;
  if (other_host) p->type = PacketType::kHost;
  if (const DropReason bad = IpLayer::validate(*p); bad != DropReason::kNone) {
    r_.drop(std::move(p), bad);
    return false;
  }
  p->phys_out = &out;
  p->df_fragments = false;  // forgotten on the way through the bridge, unlike frag_max_size
  if (!r_.run_hook(HookPoint::kForward, p, dev, dev)) return false;
  if (!r_.run_hook(HookPoint::kPostRouting, p, nullptr, dev)) return false;
  if (other_host) p->type = PacketType::kOtherHost;
  return true;
}

void BridgeLayer::nf_transmit(PacketPtr p, const Device& out) {
  const MacAddress destination = p->mac().destination, source = p->mac().source;
  const auto send = [&](PacketPtr f) {
    if (!fits(*f, f->length(), out)) return r_.drop(std::move(f), DropReason::kTxTooLong);
    r_.link().send(std::move(f), out, destination, source, kEtherIpv4);
  };
  const uint32_t largest = p->frag_max_size;
  const uint32_t limit = largest != 0 ? std::min(largest, out.mtu) : out.mtu;
  if (p->gso != GsoType::kNone || p->length() <= limit) return send(std::move(p));
  // Not the port's: the bridge's, or that of the route a changed destination has. twin: br_nf_ip_fragment
  const uint32_t mtu = p->dst.mtu;
  if ((p->ip().dont_fragment() && !p->ignore_df) || largest > mtu) return r_.drop(std::move(p), DropReason::kTooBig);
  complete_checksum(*p);
  fragment(std::move(p), mtu, r_.pool(), send);
}

}  // namespace nf
