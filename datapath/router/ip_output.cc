// OUTPUT, POSTROUTING, fragmentation, next hop. twin: net/ipv4/ip_output.c
#include <algorithm>

#include "datapath/packet/checksum.h"
#include "datapath/packet/gso.h"
#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {

void IpLayer::local_out(PacketPtr p) {
  p->protocol = kEtherIpv4;
  p->type = PacketType::kHost;
  if (!r_.run_hook(HookPoint::kLocalOut, p, nullptr, p->dst.out)) return;
  output(std::move(p), nullptr);
}

void IpLayer::output(PacketPtr p, const Device* in) {
  p->dev = p->dst.out;
  if (!p->forwarded && (p->dst.type == RouteType::kBroadcast || p->dst.type == RouteType::kMulticast) &&
      p->dev != &r_.loopback())
    loop_back(*p, in);
  if (!r_.run_hook(HookPoint::kPostRouting, p, in, p->dst.out)) return;
  finish_output(std::move(p));
}

void IpLayer::loop_back(const Packet& p, const Device* in) {
  // Of the groups only all-hosts has this host as a member.
  if (p.dst.type == RouteType::kMulticast && p.ip().destination != ip4(224, 0, 0, 1)) return;
  PacketPtr copy = r_.clone(p);
  copy->from_socket = false;
  if (!r_.run_hook(HookPoint::kPostRouting, copy, in, copy->dst.out)) return;
  copy->type = PacketType::kLoopback;
  copy->checksum = ChecksumState::kUnnecessary;
  r_.enqueue_backlog(std::move(copy));
  // While a process sends, its copy is received before the packet itself goes on; not so what ICMP sends meanwhile,
  // with softirqs off. twin: netif_rx, local_bh_enable; icmp_xmit_lock
  if (r_.in_process() && !r_.icmp().sending()) r_.drain_backlog();
}

void IpLayer::finish_output(PacketPtr p) {
  const uint32_t mtu = p->dst.mtu;
  if (p->gso != GsoType::kNone) {
    if (segment_length(*p) <= mtu) return finish_output2(std::move(p));
    // Segments too large for the way out: cut first, then fragment each. twin: ip_finish_output_gso
    return segment(std::move(p), r_.pool(), [this](PacketPtr s) { finish_output(std::move(s)); });
  }
  if (p->length() <= mtu && p->frag_max_size == 0) return finish_output2(std::move(p));

  // twin: ip_fragment
  if (p->ip().dont_fragment() && (!p->ignore_df || p->frag_max_size > mtu)) {
    r_.icmp_send(*p, kIcmpUnreachable, 4, mtu);
    return r_.drop(std::move(p), DropReason::kTooBig);
  }
  complete_checksum(*p);
  const uint32_t limit = p->frag_max_size != 0 ? std::min<uint32_t>(mtu, p->frag_max_size) : mtu;
  r_.tell(*p, trace::Fragmented{limit});
  // Fragments that come back by lo are still known. twin: ip_copy_metadata
  const Packet& whole = *p;
  fragment(std::move(p), limit, r_.pool(), [this, &whole](PacketPtr f) {
    r_.share_connection(whole, *f);
    finish_output2(std::move(f));
  });
}

void IpLayer::finish_output2(PacketPtr p) {
  const Device& dev = *p->dst.out;
  // On the link it is whom the packet is for by now: NAT may have changed that without a new route. twin: rt_nexthop
  const Be32 nexthop = p->dst.via_gateway ? p->dst.nexthop : p->ip().destination;
  r_.tell_neighbour(*p, dev, nexthop);
  r_.neighbours().output(std::move(p), dev, nexthop, r_.now());
}

}  // namespace nf
