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
  // What was put together from fragments may be cut again (ignore_df).
  if (p.frag_max_size != 0) return false;
  return p.gso == GsoType::kNone || segment_length(p) > mtu;
}

}  // namespace

void IpLayer::forward(PacketPtr p) {
  if (p->type != PacketType::kHost) return r_.drop(std::move(p), DropReason::kForwardNotHost);
  if (p->ip().ttl <= 1) {
    r_.icmp_send(*p, kIcmpTimeExceeded, 0, 0);
    return r_.drop(std::move(p), DropReason::kTtlExpired);
  }
  p->forwarded = true;
  if (exceeds_mtu(*p, p->dst.mtu)) {
    r_.icmp_send(*p, kIcmpUnreachable, 4, p->dst.mtu);
    return r_.drop(std::move(p), DropReason::kTooBig);
  }
  decrease_ttl(*p);
  if (p->dst.do_redirect) r_.icmp().send_redirect(*p);

  const Device* in = p->dev;
  if (!r_.run_hook(HookPoint::kForward, p, in, p->dst.out)) return;
  output(std::move(p), in);
}

}  // namespace nf
