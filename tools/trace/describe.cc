#include "tools/trace/describe.h"

#include "datapath/base/text.h"
#include "datapath/hook/device.h"

namespace nf::trace {
namespace {

std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kProtoIcmp:
      return "icmp";
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
    case kProtoUdplite:
      return "udplite";
    case kProtoSctp:
      return "sctp";
    case kProtoGre:
      return "gre";
    default:
      return strf("proto-%u", protocol);
  }
}

std::string tcp_flags(uint8_t flags) {
  static constexpr struct {
    TcpFlag flag;
    const char* name;
  } kNames[] = {{kTcpSyn, "SYN"}, {kTcpAck, "ACK"}, {kTcpFin, "FIN"}, {kTcpRst, "RST"}, {kTcpPsh, "PSH"}};
  std::string out;
  for (const auto& n : kNames) {
    if ((flags & n.flag) == 0) continue;
    if (!out.empty()) out += '+';
    out += n.name;
  }
  return out.empty() ? "no-flags" : out;
}

}  // namespace

std::string format_mac(const MacAddress& mac) {
  return strf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

std::string_view ctinfo_name(CtInfo c) {
  switch (c) {
    case CtInfo::kEstablished:
      return "ESTABLISHED";
    case CtInfo::kEstablishedReply:
      return "ESTABLISHED (reply)";
    case CtInfo::kRelated:
      return "RELATED";
    case CtInfo::kRelatedReply:
      return "RELATED (reply)";
    case CtInfo::kNew:
      return "NEW";
    case CtInfo::kUntracked:
      return "UNTRACKED";
    case CtInfo::kNone:
      return "INVALID";
  }
  return "?";
}

std::string_view route_type_name(RouteType t) {
  switch (t) {
    case RouteType::kUnicast:
      return "unicast";
    case RouteType::kLocal:
      return "local";
    case RouteType::kBroadcast:
      return "broadcast";
    case RouteType::kMulticast:
      return "multicast";
    case RouteType::kBlackhole:
      return "blackhole";
    case RouteType::kUnreachable:
      return "unreachable";
    case RouteType::kProhibit:
      return "prohibit";
    default:
      return "none";
  }
}

std::string describe_ipv4(std::span<const uint8_t> bytes) {
  const Ipv4Header* ip = view<Ipv4Header>(bytes);
  if (ip == nullptr || bytes.size() < ip->header_length()) return strf("%zu bytes, no IPv4 header", bytes.size());
  const std::span<const uint8_t> l4 = bytes.subspan(ip->header_length());
  std::string out = protocol_name(ip->protocol) + ' ';
  const std::string source = format_ipv4(ip->source), destination = format_ipv4(ip->destination);
  const auto ports = [&](Be16 s, Be16 d) {
    out += strf("%s:%u > %s:%u", source.c_str(), s.host(), destination.c_str(), d.host());
  };
  if (ip->fragment_offset() != 0) {
    out += strf("%s > %s fragment at %u", source.c_str(), destination.c_str(), ip->fragment_offset() * 8);
  } else if (const TcpHeader * tcp; ip->protocol == kProtoTcp && (tcp = view<TcpHeader>(l4)) != nullptr) {
    ports(tcp->source, tcp->destination);
    out += ' ' + tcp_flags(tcp->flags);
  } else if (const UdpHeader * udp;
             (ip->protocol == kProtoUdp || ip->protocol == kProtoUdplite || ip->protocol == kProtoSctp) &&
             (udp = view<UdpHeader>(l4)) != nullptr) {
    ports(udp->source, udp->destination);
  } else if (const IcmpHeader * icmp; ip->protocol == kProtoIcmp && (icmp = view<IcmpHeader>(l4)) != nullptr) {
    out += strf("%s > %s type %u code %u", source.c_str(), destination.c_str(), icmp->type, icmp->code);
    if (!icmp->is_error()) out += strf(" id %u", icmp->id.host());
  } else {
    out += source + " > " + destination;
  }
  return out + strf(" length %u", ip->total_length.host());
}

std::string describe_frame(std::span<const uint8_t> bytes) {
  const EthernetHeader* eth = view<EthernetHeader>(bytes);
  if (eth == nullptr) return strf("frame of %zu bytes", bytes.size());
  if (eth->type.host() == kEtherIpv4) return describe_ipv4(bytes.subspan(sizeof *eth));
  if (eth->type.host() != kEtherArp) return strf("frame of type 0x%04x", eth->type.host());
  const ArpHeader* arp = view<ArpHeader>(bytes, sizeof *eth);
  if (arp == nullptr) return "arp, truncated";
  const std::string sender = format_ipv4(arp->sender_ip), target = format_ipv4(arp->target_ip);
  return arp->operation.host() == kArpRequest ? "arp who has " + target + " tell " + sender
                                              : "arp " + sender + " is at home, told " + target;
}

std::string describe(const Packet& p) {
  const bool at_link = p.protocol == 0 && p.dev != nullptr && p.dev->kind != DeviceKind::kRawIp;
  return at_link ? describe_frame(p.bytes()) : describe_ipv4(p.bytes());
}

}  // namespace nf::trace
