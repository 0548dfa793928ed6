// A packet for somebody else: TTL, MTU, redirect, FORWARD. twin: net/ipv4/ip_forward.c
#include "datapath/packet/gso.h"
#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {
namespace {

// twin: ip_exceeds_mtu
bool exceeds_mtu(const Packet& p, uint32_t mtu) {
  if (p.length() <= mtu) return false;
  if (!p.ip().dont_fragment()) return false;
  if (p.frag_max_size > mtu) return true;
  if (p.ignore_df) return false;
  return p.gso == GsoType::kNone || segment_length(p) > mtu;
}

}  // namespace

void IpLayer::forward(PacketPtr p) {
  p->forwarded = true;
  if (p->type != PacketType::kHost) return r_.drop(std::move(p), DropReason::kForwardNotHost);
  if (p->ip().ttl <= 1) {
    r_.icmp_send(*p, kIcmpTimeExceeded, 0, 0);
    return r_.drop(std::move(p), DropReason::kTtlExpired);
  }
  if (p->options.strict && p->dst.via_gateway) {
    r_.icmp_send(*p, kIcmpUnreachable, 5, 0);
    return r_.drop(std::move(p), DropReason::kSourceRoute);
  }
  if (exceeds_mtu(*p, p->dst.mtu)) {
    r_.icmp_send(*p, kIcmpUnreachable, 4, p->dst.mtu);
    return r_.drop(std::move(p), DropReason::kTooBig);
  }
  const uint8_t ttl = p->ip().ttl;
  decrease_ttl(*p);
  r_.tell(*p, trace::TtlDecremented{ttl, p->ip().ttl});
  if (p->dst.do_redirect && p->options.source_route == 0) r_.icmp().send_redirect(*p);

  const Device* in = p->dev;
  if (!r_.run_hook(HookPoint::kForward, p, in, p->dst.out)) return;
  if (p->options.length != 0) options_.forward(*p);
  output(std::move(p), in);
}

}  // namespace nf
