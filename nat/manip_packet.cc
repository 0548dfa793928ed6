#include "nat/manip_packet.h"

#include <optional>

#include "conntrack/conntrack.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/sctp.h"

namespace nf::nat {
namespace {

// GRE as PPTP uses it (RFC 2637): version 1, with a call id.
struct PptpGreHeader {
  uint8_t flags;
  uint8_t version;  // low three bits
  Be16 protocol;
  Be16 payload_length;
  Be16 call_id;
};
static_assert(sizeof(PptpGreHeader) == 8);

bool sctp_manip_pkt(Packet& p, const ct::Tuple& target, ManipType manip) {
  const std::span<uint8_t> l4 = p.transport();
  if (l4.size() < 8) return false;
  // A header quoted in an ICMP error may end before the checksum.
  SctpHeader* sctp = view<SctpHeader>(l4);
  Be16* ports = reinterpret_cast<Be16*>(l4.data());
  ports[manip == ManipType::kSource ? 0 : 1] = manip == ManipType::kSource ? target.source_id : target.destination_id;
  if (sctp == nullptr || p.checksum == ChecksumState::kPartial) return true;
  sctp->checksum = sctp_checksum(l4);
  p.checksum = ChecksumState::kNone;
  return true;
}

bool icmp_manip_pkt(Packet& p, const ct::Tuple& target) {
  const IcmpHeader* icmp = view<IcmpHeader>(p.transport());
  if (icmp == nullptr) return false;
  switch (icmp->type) {
    case kIcmpEcho:
    case kIcmpEchoReply:
    case kIcmpTimestamp:
    case kIcmpTimestampReply:
    case kIcmpInfoRequest:
    case kIcmpInfoReply:
    case kIcmpAddress:
    case kIcmpAddressReply:
      set_icmp_id(p, target.source_id);
      return true;
    default:
      return true;
  }
}

bool gre_manip_pkt(Packet& p, const ct::Tuple& target, ManipType manip) {
  PptpGreHeader* gre = view<PptpGreHeader>(p.transport());
  if (gre == nullptr) return false;
  // A packet carries only its receiver's call id.
  if (manip != ManipType::kDestination) return true;
  switch (gre->version & 7) {
    case 0:
      return true;
    case 1:
      gre->call_id = target.destination_id;
      return true;
    default:
      return false;
  }
}

// Of a TCP or SCTP header only the ports need be there, of the others eight bytes. What is there of it is made to stand
// in one piece: `before` bytes of the outer packet's payload are in front of it. twin: l4proto_manip_pkt
bool l4proto_manip_pkt(Packet& p, const ct::Tuple& target, uint8_t protocol, ManipType manip, uint32_t before) {
  constexpr uint32_t kLeast = 8;
  const auto need = [&](uint32_t length) {
    p.need_contiguous(before + (p.transport().size() < length ? kLeast : length));
  };
  switch (protocol) {
    case kProtoTcp:
      need(sizeof(TcpHeader));
      break;
    case kProtoSctp:
      need(sizeof(SctpHeader));
      break;
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoIcmp:
    case kProtoGre:
      need(kLeast);
      break;
    default:
      break;
  }
  switch (protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
      if (p.transport().size() < kLeast) return false;
      set_port(p, manip, manip == ManipType::kSource ? target.source_id : target.destination_id);
      return true;
    case kProtoSctp:
      return sctp_manip_pkt(p, target, manip);
    case kProtoIcmp:
      return icmp_manip_pkt(p, target);
    case kProtoGre:
      return gre_manip_pkt(p, target, manip);
    default:
      return true;
  }
}

// `protocol` is the connection's; for the outer header of an ICMP error it is ICMP. `before`: of a quoted packet, the
// bytes of the outer one's payload in front of it. twin: nf_nat_ipv4_manip_pkt
bool ipv4_manip_pkt(Packet& p, const ct::Tuple& target, uint8_t protocol, ManipType manip,
                    std::optional<uint32_t> before = std::nullopt) {
  const Ipv4Header* ip = view<Ipv4Header>(p.bytes());
  if (ip == nullptr || ip->header_length() > p.length()) return false;
  const uint32_t in_front = before ? *before + uint32_t{ip->header_length()} : 0;
  if (!l4proto_manip_pkt(p, target, protocol, manip, in_front)) return false;
  set_address(p, manip, manip == ManipType::kSource ? target.source : target.destination);
  return true;
}

// Whether the transport checksum of a packet changes when this end of it becomes that of `target`.
bool sum_follows_address(const Packet& p, const ct::Tuple& target, ManipType manip) {
  const Ipv4Header* ip = view<Ipv4Header>(p.bytes());
  if (ip == nullptr || ip->header_length() > p.length()) return false;
  const bool source = manip == ManipType::kSource;
  if ((source ? ip->source : ip->destination) == (source ? target.source : target.destination)) return false;
  switch (target.protocol) {
    case kProtoTcp:
      return view<TcpHeader>(p.transport()) != nullptr;
    case kProtoUdp:
    case kProtoUdplite: {
      const UdpHeader* udp = view<UdpHeader>(p.transport());
      return udp != nullptr && (target.protocol == kProtoUdplite || udp->checksum != Be16{});
    }
    default:
      return false;
  }
}

CtDirection other(CtDirection d) { return d == CtDirection::kOriginal ? CtDirection::kReply : CtDirection::kOriginal; }

}  // namespace

bool nf_nat_manip_pkt(Packet& p, const ct::Connection& c, ManipType manip, CtDirection direction) {
  ct::Tuple target;
  ct::Conntrack::invert(target, c.tuple[static_cast<size_t>(other(direction))]);
  return ipv4_manip_pkt(p, target, target.protocol, manip);
}

bool must_rewrite(const ct::Connection& c, ManipType manip, CtDirection direction) {
  uint32_t bit = manip == ManipType::kSource ? ct::kSrcNat : ct::kDstNat;
  if (direction == CtDirection::kReply) bit ^= ct::kNatMask;
  return (c.status & bit) != 0;
}

bool nf_nat_icmp_reply_translation(Packet& p, const ct::Connection& c, ManipType manip, CtDirection direction) {
  const uint32_t outer = p.ip().header_length();
  if (p.length() < outer + sizeof(IcmpHeader) + sizeof(Ipv4Header)) return false;
  p.need_contiguous(sizeof(IcmpHeader) + sizeof(Ipv4Header));
  // Once right it is trusted (skb->csum_valid), unless conntrack did not look before and a sum in the quote then
  // follows its addresses: the kernel takes that for a change of this packet's own sum. Or SCTP's is written anew.
  const bool first_look = p.checksum == ChecksumState::kNone;
  if (!netfilter_checksum_ok(p)) return false;
  if (first_look) p.checksum = ChecksumState::kUnnecessary;
  IcmpHeader& icmp = *view<IcmpHeader>(p.transport());
  if (icmp.type == kIcmpRedirect) {
    // A redirect's gateway means nothing on the other side of NAT.
    if ((c.status & ct::kNatDoneMask) != ct::kNatDoneMask || (c.status & ct::kNatMask) != 0) return false;
  }
  if (!must_rewrite(c, manip, direction)) return true;

  // The quoted packet went the other way, so it is the tuple of the other direction, and its other end changes.
  const ct::Tuple& quoted = c.tuple[static_cast<size_t>(other(direction))];
  const uint32_t to_inner = outer + sizeof(IcmpHeader);
  const ManipType inner_manip = manip == ManipType::kSource ? ManipType::kDestination : ManipType::kSource;
  p.pull(to_inner);
  const bool look_again = first_look && sum_follows_address(p, quoted, inner_manip);
  const bool ok = ipv4_manip_pkt(p, quoted, quoted.protocol, inner_manip, sizeof(IcmpHeader));
  p.push(to_inner);
  if (!ok) return false;
  if (look_again) p.checksum = ChecksumState::kNone;

  if (p.checksum != ChecksumState::kPartial) {
    icmp.checksum = Be16{};
    icmp.checksum = checksum_finish(checksum_add(p.transport()));
  }
  ct::Tuple target;
  ct::Conntrack::invert(target, quoted);
  return ipv4_manip_pkt(p, target, kProtoIcmp, manip);
}

}  // namespace nf::nat
