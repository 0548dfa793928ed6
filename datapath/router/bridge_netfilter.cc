// Bridged IPv4 goes through PREROUTING, FORWARD and POSTROUTING with the bridge as its device.
// twin: net/bridge/br_netfilter_hooks.c
#include <utility>

#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {

bool BridgeLayer::netfilter_on(const Packet& p) const { return call_iptables_ != 0 && p.protocol == kEtherIpv4; }

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
  p->phys_in = port;
  p->bridge_netfilter = true;
  if (other_host) p->type = PacketType::kOtherHost;

  // twin: br_nf_pre_routing_finish
  if (p->ip().destination != destination) {
    const Ipv4Header& ip = p->ip();
    Dst dst;
    DropReason refused = r_.routing().route_input(ip.destination, ip.source, ip.tos, p->mark, dev, dst);
    if (refused == DropReason::kForwardingOff) {
      // Bridged traffic with a changed destination does not need ip_forward, if it stays on this bridge.
      FlowKey key;
      key.destination = ip.destination;
      key.tos = ip.tos;
      Be32 source;
      if (r_.routing().route_output(key, dst, source) == DropReason::kNone && dst.out == &dev)
        refused = DropReason::kNone;
    }
    if (refused != DropReason::kNone) {
      r_.drop(std::move(p), refused);
      return false;
    }
    p->dst = dst;
    r_.tell(*p, trace::Routed{dst.type, dst.out, dst.nexthop});
    if (dst.out == &dev) {
      // To another station of the same bridge: only the link address changes, the router is not involved.
      p->bridged_dnat = true;
      p->bridged_source = p->mac().source;
      if (r_.options().assume_neighbours) r_.assumed_neighbours().provide(r_.neighbours(), dev, dst.nexthop);
      r_.neighbours().output(std::move(p), dev, dst.nexthop, r_.now());
      return false;
    }
    p->mac().destination = dev.mac;
    p->type = PacketType::kHost;
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
  if (!r_.run_hook(HookPoint::kForward, p, dev, dev)) return false;
  if (!r_.run_hook(HookPoint::kPostRouting, p, dev, dev)) return false;
  if (other_host) p->type = PacketType::kOtherHost;
  return true;
}

void BridgeLayer::nf_transmit(PacketPtr p, const Device& out) {
  const MacAddress destination = p->mac().destination, source = p->mac().source;
  const auto send = [&](PacketPtr f) { r_.link().send(std::move(f), out, destination, source, kEtherIpv4); };
  const bool too_long = p->gso == GsoType::kNone && p->length() > out.mtu;
  if (p->frag_max_size == 0 && !too_long) return send(std::move(p));
  if (p->frag_max_size == 0) return r_.drop(std::move(p), DropReason::kTooBig);
  complete_checksum(*p);
  const uint32_t limit = p->frag_max_size;
  fragment(std::move(p), limit, r_.pool(), send);
}

}  // namespace nf
