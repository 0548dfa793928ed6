// The TCP reset of REJECT, and routing anew of a changed packet. twin: nf_reject_ipv4.c, net/ipv4/netfilter.c
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {

bool Router::route_me_harder(Packet& p, RouteType source_type) {
  const Ipv4Header& ip = p.ip();
  FlowKey key;
  key.destination = ip.destination;
  if (source_type == RouteType::kUnspec) source_type = address_type(ip.source, nullptr);
  if (source_type == RouteType::kLocal || source_type == RouteType::kUnicast) {
    key.source = ip.source;
    key.any_source = true;
  }
  key.tos = ip.tos;
  key.mark = p.mark;
  Dst dst;
  Be32 chosen;
  if (routing_->route_output(key, dst, chosen) != DropReason::kNone) return false;
  p.dst = dst;
  tell_route(p, key);
  return true;
}

void Router::send_reset(const Packet& cause, HookPoint hook) {
  const Ipv4Header& from = cause.ip();
  if (from.fragment_offset() != 0 || from.protocol != kProtoTcp) return;
  const TcpHeader* tcp = view<TcpHeader>(cause.transport());
  if (tcp == nullptr || (tcp->flags & kTcpRst) != 0) return;
  if (!netfilter_checksum_ok(cause)) return;
  // What was found right before is forgotten when a packet is forwarded, and the sum is taken over the IP header too,
  // whose own is stale while options wait to be filled in. twin: skb_forward_csum, nf_ip_checksum
  if (hook == HookPoint::kForward && cause.options.changed) return;
  if (cause.dst.type == RouteType::kBroadcast || cause.dst.type == RouteType::kMulticast) return;

  PacketPtr p = pool_.allocate(sizeof(Ipv4Header) + sizeof(TcpHeader));
  p->traced = cause.traced;
  Ipv4Header& ip = *reinterpret_cast<Ipv4Header*>(p->put(sizeof(Ipv4Header)));
  TcpHeader& reset = *reinterpret_cast<TcpHeader*>(p->put(sizeof(TcpHeader)));
  ip.version_ihl = 0x45;
  ip.tos = 0;
  ip.total_length = be16(sizeof(Ipv4Header) + sizeof(TcpHeader));
  ip.id = Be16{};
  ip.fragment = be16(kIpDontFragment);
  ip.ttl = static_cast<uint8_t>(ip_.default_ttl());
  ip.protocol = kProtoTcp;
  ip.source = from.destination;
  ip.destination = from.source;
  ip_send_check(ip);
  std::memset(static_cast<void*>(&reset), 0, sizeof reset);
  reset.source = tcp->destination;
  reset.destination = tcp->source;
  reset.offset_reserved = 5 << 4;
  reset.flags = kTcpRst;
  if ((tcp->flags & kTcpAck) != 0) {
    reset.sequence = tcp->acknowledgment;
  } else {
    const uint32_t payload = cause.length() - from.header_length() - tcp->header_length();
    const uint32_t length = ((tcp->flags & kTcpSyn) != 0 ? 1u : 0u) + ((tcp->flags & kTcpFin) != 0 ? 1u : 0u) + payload;
    reset.acknowledgment = be32(tcp->sequence.host() + length);
    reset.flags |= kTcpAck;
  }
  // Left to the link, as the kernel does: an error about this reset quotes the unfinished sum.
  const Sum pseudo = checksum_pseudo(ip.source, ip.destination, kProtoTcp, sizeof(TcpHeader));
  reset.checksum = Be16::from_raw(checksum_fold(pseudo));
  p->checksum = ChecksumState::kPartial;

  if (!route_me_harder(*p, RouteType::kUnspec)) return;
  const ConnectionHooks& connection = hooks_.connection();
  if (connection.attach != nullptr) connection.attach(connection.self, *p, cause);
  if (cause.ct != 0 && connection.set_closing != nullptr) connection.set_closing(connection.self, cause.ct);
  if (cause.phys_in != nullptr && cause.has_mac_header()) {
    // Through a bridge the reset speaks for the station the packet was sent to, and leaves by the port it came by.
    const Device& port = *cause.phys_in;
    return link_.send(std::move(p), port, cause.mac().source, cause.mac().destination, kEtherIpv4);
  }
  ip_.local_out(std::move(p));
}

}  // namespace nf
