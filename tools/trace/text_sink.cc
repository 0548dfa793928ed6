#include "tools/trace/text_sink.h"

#include <type_traits>

#include "datapath/base/text.h"
#include "datapath/hook/device.h"

namespace nf {
namespace {

std::string name_of(const Device* d) { return d == nullptr ? "-" : d->name; }

std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kProtoIcmp:
      return "icmp";
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
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
    default:
      return "none";
  }
}

std::string_view verdict_text(trace::RuleVerdict v) {
  switch (v) {
    case trace::RuleVerdict::kAccept:
      return "ACCEPT";
    case trace::RuleVerdict::kDrop:
      return "DROP";
    case trace::RuleVerdict::kReturn:
      return "RETURN";
    default:
      return "";
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
  } else if (const TcpHeader* tcp; ip->protocol == kProtoTcp && (tcp = view<TcpHeader>(l4)) != nullptr) {
    ports(tcp->source, tcp->destination);
    out += ' ' + tcp_flags(tcp->flags);
  } else if (const UdpHeader* udp; ip->protocol == kProtoUdp && (udp = view<UdpHeader>(l4)) != nullptr) {
    ports(udp->source, udp->destination);
  } else if (const IcmpHeader* icmp; ip->protocol == kProtoIcmp && (icmp = view<IcmpHeader>(l4)) != nullptr) {
    out += strf("%s > %s type %u code %u", source.c_str(), destination.c_str(), icmp->type, icmp->code);
    if (!icmp->is_error()) out += strf(" id %u", icmp->id.host());
  } else {
    out += source + " > " + destination;
  }
  return out + strf(" length %u", ip->total_length.host());
}

}  // namespace

std::string describe(const trace::Endpoints& e) {
  const std::string source = format_ipv4(e.source), destination = format_ipv4(e.destination);
  if (e.protocol == kProtoIcmp)
    return strf("%s > %s id %u", source.c_str(), destination.c_str(), e.source_port);
  if (e.source_port == 0 && e.destination_port == 0) return source + " > " + destination;
  return strf("%s:%u > %s:%u", source.c_str(), e.source_port, destination.c_str(), e.destination_port);
}

std::string describe(const Packet& p) {
  std::span<const uint8_t> bytes = p.bytes();
  const bool at_link = p.protocol == 0 && p.dev != nullptr && p.dev->kind != DeviceKind::kRawIp;
  if (at_link) {
    const EthernetHeader* eth = view<EthernetHeader>(bytes);
    if (eth == nullptr) return strf("frame of %zu bytes", bytes.size());
    if (eth->type.host() == kEtherArp) {
      const ArpHeader* arp = view<ArpHeader>(bytes, sizeof *eth);
      if (arp == nullptr) return "arp, truncated";
      const std::string sender = format_ipv4(arp->sender_ip), target = format_ipv4(arp->target_ip);
      return arp->operation.host() == kArpRequest ? "arp who has " + target + " tell " + sender
                                                  : "arp " + sender + " is at home, told " + target;
    }
    if (eth->type.host() != kEtherIpv4) return strf("frame of type 0x%04x", eth->type.host());
    bytes = bytes.subspan(sizeof *eth);
  }
  return describe_ipv4(bytes);
}

void TextSink::line(int depth, const std::string& text) {
  std::string out(static_cast<size_t>(depth) * 2, ' ');
  out += text;
  out += '\n';
  write_(out);
}

void TextSink::event(const Packet& p, const trace::Event& event) {
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, trace::Received>) {
          ++packets_;
          line(0, strf("packet %llu %s %s", static_cast<unsigned long long>(packets_),
                       e.from_host ? "from this host" : name_of(e.device).c_str(), describe(p).c_str()));
        } else if constexpr (std::is_same_v<E, trace::HookEntered>) {
          line(1, strf("%s in=%s out=%s: %s", std::string(hook_name(e.hook)).c_str(), name_of(e.in).c_str(),
                       name_of(e.out).c_str(), describe(p).c_str()));
        } else if constexpr (std::is_same_v<E, trace::RuleMatched>) {
          std::string text = strf("%.*s:%.*s:rule:%u", static_cast<int>(e.table.size()), e.table.data(),
                                  static_cast<int>(e.chain.size()), e.chain.data(), e.number);
          const std::string_view verdict = verdict_text(e.verdict);
          if (e.verdict == trace::RuleVerdict::kJump) text += " -> chain ";
          else if (e.verdict == trace::RuleVerdict::kGoto) text += " goto chain ";
          else if (!e.target.empty()) text += ' ';
          if (!e.target.empty()) text += e.target;
          if (!verdict.empty() && verdict != e.target) text += strf(" (%s)", std::string(verdict).c_str());
          line(2, text);
        } else if constexpr (std::is_same_v<E, trace::PolicyReached>) {
          line(2, strf("%.*s:%.*s:policy %s", static_cast<int>(e.table.size()), e.table.data(),
                       static_cast<int>(e.chain.size()), e.chain.data(), e.accept ? "ACCEPT" : "DROP"));
        } else if constexpr (std::is_same_v<E, trace::ConntrackSeen>) {
          std::string text = "conntrack: " + std::string(ctinfo_name(e.ctinfo));
          if (e.ctinfo == CtInfo::kNone) {
            if (!e.invalid_because.empty()) text += ": " + std::string(e.invalid_because);
          } else if (e.ctinfo != CtInfo::kUntracked) {
            text += e.created ? ", new entry " : ", entry ";
            text += describe(e.original) + ", reply " + describe(e.reply);
            if (!e.after.empty())
              text += ", " + (e.before.empty() || e.before == e.after ? std::string(e.after)
                                                                      : std::string(e.before) + " -> " + std::string(e.after));
          }
          line(2, text);
        } else if constexpr (std::is_same_v<E, trace::ConntrackConfirmed>) {
          line(2, "conntrack: confirmed, reply expected " + describe(e.reply));
        } else if constexpr (std::is_same_v<E, trace::NatSkipped>) {
          line(2, strf("nat %s not consulted: %s (%s)", std::string(hook_name(e.hook)).c_str(),
                       std::string(nat_skip_key(e.reason)).c_str(), std::string(nat_skip_text(e.reason)).c_str()));
        } else if constexpr (std::is_same_v<E, trace::NatSetUp>) {
          line(2, strf("nat %s: %s half set up%s, reply expected %s", std::string(hook_name(e.hook)).c_str(),
                       e.manip == ManipType::kSource ? "source" : "destination",
                       e.null_binding ? " (null binding, no rule)" : "", describe(e.reply).c_str()));
        } else if constexpr (std::is_same_v<E, trace::NatRewrote>) {
          line(2, strf("nat %s: %s%s rewritten, %s => %s", std::string(hook_name(e.hook)).c_str(),
                       e.manip == ManipType::kSource ? "source" : "destination",
                       e.reply_direction ? " of a reply" : "", describe(e.before).c_str(), describe(e.after).c_str()));
        } else if constexpr (std::is_same_v<E, trace::Routed>) {
          line(1, strf("route: %s by %s, next hop %s", std::string(route_type_name(e.type)).c_str(),
                       name_of(e.out).c_str(), format_ipv4(e.nexthop).c_str()));
        } else if constexpr (std::is_same_v<E, trace::Bridged>) {
          if (e.out == nullptr)
            line(1, strf("bridge %s: from port %s up to the router", name_of(e.bridge).c_str(), name_of(e.in).c_str()));
          else
            line(1, strf("bridge %s: from %s to port %s", name_of(e.bridge).c_str(),
                         e.in == nullptr ? "the router" : name_of(e.in).c_str(), name_of(e.out).c_str()));
        } else if constexpr (std::is_same_v<E, trace::Delivered>) {
          line(1, "delivered to this host");
        } else if constexpr (std::is_same_v<E, trace::Sent>) {
          line(1, "sent on " + name_of(e.device));
        } else if constexpr (std::is_same_v<E, trace::Dropped>) {
          line(1, strf("dropped%s: %s", e.at_hook ? (" at " + std::string(hook_name(e.hook))).c_str() : "",
                       std::string(drop_reason_text(e.reason)).c_str()));
        }
      },
      event);
}

}  // namespace nf
