#include "conntrack/tuple.h"

#include "conntrack/conntrack.h"
#include "conntrack/gre_keymap.h"
#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

// The type that answers a query, for the eight types that have one. twin: invmap, nf_conntrack_proto_icmp.c
constexpr int icmp_inverse(uint8_t type) {
  switch (type) {
    case kIcmpEcho:
      return kIcmpEchoReply;
    case kIcmpEchoReply:
      return kIcmpEcho;
    case kIcmpTimestamp:
      return kIcmpTimestampReply;
    case kIcmpTimestampReply:
      return kIcmpTimestamp;
    case kIcmpInfoRequest:
      return kIcmpInfoReply;
    case kIcmpInfoReply:
      return kIcmpInfoRequest;
    case kIcmpAddress:
      return kIcmpAddressReply;
    case kIcmpAddressReply:
      return kIcmpAddress;
    default:
      return -1;
  }
}

// twin: gre_pkt_to_tuple
bool get_gre_tuple(std::span<const uint8_t> transport, Tuple& tuple, const GreKeymap* keymap) {
  constexpr size_t kBase = 4, kUpToCallId = 8;
  constexpr unsigned kVersionPptp = 1;
  // A tunnel without keys is one connection, as for a protocol nobody knows.
  if (transport.size() < kBase || (transport[1] & 7u) != kVersionPptp) return true;
  if (transport.size() < kUpToCallId) return true;
  const bool is_ppp = transport[2] == 0x88 && transport[3] == 0x0b;
  if (!is_ppp) return false;
  std::memcpy(&tuple.destination_id, &transport[6], sizeof(Be16));
  if (keymap != nullptr) tuple.source_id = keymap->lookup(tuple);
  return true;
}

}  // namespace

bool Conntrack::get_tuple(std::span<const uint8_t> ip_packet, Tuple& tuple, const GreKeymap* keymap) {
  const Ipv4Header* ip = view<Ipv4Header>(ip_packet);
  if (ip == nullptr || ip->fragment_offset() != 0) return false;
  const size_t header = ip->header_length();
  if (header > ip_packet.size()) return false;
  const std::span<const uint8_t> transport = ip_packet.subspan(header);

  tuple = Tuple{};
  tuple.source = ip->source;
  tuple.destination = ip->destination;
  tuple.protocol = ip->protocol;
  switch (ip->protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoSctp:
      // Four bytes are enough: an ICMP error quotes no more than eight of the transport header.
      if (transport.size() < 4) return false;
      std::memcpy(&tuple.source_id, &transport[0], sizeof(Be16));
      std::memcpy(&tuple.destination_id, &transport[2], sizeof(Be16));
      return true;
    case kProtoIcmp: {
      const IcmpHeader* icmp = view<IcmpHeader>(transport);
      if (icmp == nullptr) return false;
      tuple.source_id = icmp->id;
      tuple.set_icmp(icmp->type, icmp->code);
      return true;
    }
    case kProtoGre:
      return get_gre_tuple(transport, tuple, keymap);
    default:
      return true;
  }
}

bool Conntrack::invert(Tuple& inverse, const Tuple& original) {
  const Tuple o = original;  // the two may be one object
  inverse.source = o.destination;
  inverse.destination = o.source;
  inverse.protocol = o.protocol;
  inverse.zone = o.zone;
  inverse.direction = o.direction == CtDirection::kOriginal ? CtDirection::kReply : CtDirection::kOriginal;
  if (o.protocol == kProtoIcmp) {
    const int type = icmp_inverse(o.icmp_type());
    if (type < 0) return false;
    inverse.source_id = o.source_id;
    inverse.set_icmp(static_cast<uint8_t>(type), o.icmp_code());
    return true;
  }
  inverse.source_id = o.destination_id;
  inverse.destination_id = o.source_id;
  return true;
}

}  // namespace nf::ct
