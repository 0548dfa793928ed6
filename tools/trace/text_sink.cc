#include "tools/trace/text_sink.h"

#include <type_traits>
#include <utility>

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
  } else if (const TcpHeader * tcp; ip->protocol == kProtoTcp && (tcp = view<TcpHeader>(l4)) != nullptr) {
    ports(tcp->source, tcp->destination);
    out += ' ' + tcp_flags(tcp->flags);
  } else if (const UdpHeader * udp; ip->protocol == kProtoUdp && (udp = view<UdpHeader>(l4)) != nullptr) {
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

}  // namespace

std::string describe(const trace::Endpoints& e) {
  const std::string source = format_ipv4(e.source), destination = format_ipv4(e.destination);
  if (e.protocol == kProtoIcmp) return strf("%s > %s id %u", source.c_str(), destination.c_str(), e.source_port);
  if (e.source_port == 0 && e.destination_port == 0) return source + " > " + destination;
  return strf("%s:%u > %s:%u", source.c_str(), e.source_port, destination.c_str(), e.destination_port);
}

std::string describe(const Packet& p) {
  const bool at_link = p.protocol == 0 && p.dev != nullptr && p.dev->kind != DeviceKind::kRawIp;
  return at_link ? describe_frame(p.bytes()) : describe_ipv4(p.bytes());
}

void TextSink::line(int depth, const std::string& text) {
  std::string out(static_cast<size_t>(depth + (made_ != nullptr ? 2 : 0)) * 2, ' ');
  out += text;
  out += '\n';
  write_(out);
}

namespace {

std::string skipped(HookPoint hook, NatSkip reason, const std::string& where = {}) {
  return strf("nat %s not consulted: %s (%s%s)", std::string(hook_name(hook)).c_str(),
              std::string(nat_skip_key(reason)).c_str(), std::string(nat_skip_text(reason)).c_str(), where.c_str());
}

bool is_inverse(const trace::Endpoints& a, const trace::Endpoints& b) {
  if (a.source != b.destination || a.destination != b.source) return false;
  return a.protocol == kProtoIcmp || (a.source_port == b.destination_port && a.destination_port == b.source_port);
}

std::string rule_text(const trace::RuleMatched& e) {
  // The end of a user chain is told as a return behind its last rule, as the kernel's TRACE does.
  const bool end = e.target.empty() && e.verdict == trace::RuleVerdict::kReturn;
  std::string text = strf("%.*s:%.*s:%s:%u", static_cast<int>(e.table.size()), e.table.data(),
                          static_cast<int>(e.chain.size()), e.chain.data(), end ? "return" : "rule", e.number);
  if (end) return text + " (end of the chain)";
  const std::string_view verdict = verdict_text(e.verdict);
  if (e.verdict == trace::RuleVerdict::kJump)
    text += " -> chain ";
  else if (e.verdict == trace::RuleVerdict::kGoto)
    text += " goto chain ";
  else if (!e.target.empty())
    text += ' ';
  text += e.target;
  if (!verdict.empty() && verdict != e.target) text += strf(" (%s)", std::string(verdict).c_str());
  return text;
}

std::string conntrack_text(const trace::ConntrackSeen& e) {
  std::string text = "conntrack: " + std::string(ctinfo_name(e.ctinfo));
  if (e.ctinfo == CtInfo::kNone) return e.invalid_because.empty() ? text : text + ": " + std::string(e.invalid_because);
  if (e.ctinfo == CtInfo::kUntracked) return text;
  text += e.created ? ", new entry " : ", entry ";
  text += describe(e.original) + ", reply " + describe(e.reply);
  if (e.after.empty()) return text;
  const bool same = e.before.empty() || e.before == e.after;
  return text + ", " + (same ? "" : std::string(e.before) + " -> ") + std::string(e.after);
}

}  // namespace

void TextSink::leave_hook(bool dropped) {
  if (!place_.set_up.empty()) line(2, std::exchange(place_.set_up, {}));
  if (place_.in_hook && !place_.nat_told && !dropped) line(2, skipped(place_.hook, NatSkip::kNoNatChainAtHook));
  if (!dropped) place_.in_hook = false;
}

void TextSink::dropped(const trace::Dropped& e) {
  leave_hook(true);
  line(1, strf("dropped%s: %s", e.at_hook ? (" at " + std::string(hook_name(e.hook))).c_str() : "",
               std::string(drop_reason_text(e.reason)).c_str()));
  std::string where;
  if (e.at_hook) where = ": at " + std::string(hook_name(e.hook));
  if (e.at_hook && !place_.last_rule.empty()) where += " by " + place_.last_rule;
  if (e.at_hook && place_.in_hook && !place_.nat_told && e.hook != HookPoint::kForward)
    line(1, skipped(e.hook, NatSkip::kDroppedBefore, where));
  else if (place_.unicast && !(e.at_hook && e.hook == HookPoint::kPostRouting))
    line(1, skipped(HookPoint::kPostRouting, NatSkip::kDroppedBefore, where));
  place_ = {};
}

void TextSink::event(const Packet& p, const trace::Event& event) {
  if (made_ != nullptr && &p != made_) {
    made_ = nullptr;
    place_ = outer_;
  }
  const auto* hook = std::get_if<trace::HookEntered>(&event);
  if (hook != nullptr && hook->hook == HookPoint::kLocalOut && &p != current_ && made_ == nullptr) {
    line(1, "this host sends " + describe(p));
    outer_ = std::exchange(place_, {});
    made_ = &p;
    place_.unicast = true;
  }
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, trace::Received>) {
          ++packets_;
          current_ = &p;
          place_ = {};
          line(0, strf("packet %llu %s %s", static_cast<unsigned long long>(packets_),
                       e.from_host ? "from this host" : name_of(e.device).c_str(), describe(p).c_str()));
        } else if constexpr (std::is_same_v<E, trace::HookEntered>) {
          leave_hook(false);
          place_.in_hook = true;
          place_.nat_told = false;
          place_.hook = e.hook;
          line(1, strf("%s in=%s out=%s: %s", std::string(hook_name(e.hook)).c_str(), name_of(e.in).c_str(),
                       name_of(e.out).c_str(), describe(p).c_str()));
        } else if constexpr (std::is_same_v<E, trace::RuleMatched>) {
          const std::string text = rule_text(e);
          line(2, text);
          place_.last_rule = text;
          if (e.table == "nat") place_.nat_told = true;
          if (!place_.set_up.empty()) line(2, std::exchange(place_.set_up, {}));
        } else if constexpr (std::is_same_v<E, trace::PolicyReached>) {
          place_.last_rule = strf("%.*s:%.*s:policy %s", static_cast<int>(e.table.size()), e.table.data(),
                                  static_cast<int>(e.chain.size()), e.chain.data(), e.accept ? "ACCEPT" : "DROP");
          if (e.table == "nat") place_.nat_told = true;
          line(2, place_.last_rule);
        } else if constexpr (std::is_same_v<E, trace::ConntrackSeen>) {
          line(2, conntrack_text(e));
        } else if constexpr (std::is_same_v<E, trace::ConntrackConfirmed>) {
          line(2, "conntrack: confirmed, reply expected " + describe(e.reply));
        } else if constexpr (std::is_same_v<E, trace::NatSkipped>) {
          place_.nat_told = true;
          if (e.reason == NatSkip::kNullBindingNoRuleMatched)
            line(2, strf("nat %s consulted, without effect: %s (%s)", std::string(hook_name(e.hook)).c_str(),
                         std::string(nat_skip_key(e.reason)).c_str(), std::string(nat_skip_text(e.reason)).c_str()));
          else
            line(2, skipped(e.hook, e.reason));
        } else if constexpr (std::is_same_v<E, trace::NatSetUp>) {
          place_.nat_told = true;
          const std::string text =
              strf("nat %s: %s half set up%s, reply expected %s", std::string(hook_name(e.hook)).c_str(),
                   e.manip == ManipType::kSource ? "source" : "destination",
                   e.null_binding ? " (null binding, no rule)" : "", describe(e.reply).c_str());
          // A null binding is worth a line only where it had to change something after all.
          if (!e.null_binding)
            place_.set_up = text;
          else if (e.manip == ManipType::kSource && !is_inverse(e.original, e.reply) &&
                   e.original.source_port != e.reply.destination_port)
            line(2, text);
        } else if constexpr (std::is_same_v<E, trace::NatRewrote>) {
          if (!place_.set_up.empty()) line(2, std::exchange(place_.set_up, {}));
          line(2, strf("nat %s: %s%s rewritten, %s => %s", std::string(hook_name(e.hook)).c_str(),
                       e.manip == ManipType::kSource ? "source" : "destination", e.reply_direction ? " of a reply" : "",
                       describe(e.before).c_str(), describe(e.after).c_str()));
        } else if constexpr (std::is_same_v<E, trace::ExpectationMade>) {
          line(2, "helper " + std::string(e.helper) + ": expects " + describe(e.expected));
        } else if constexpr (std::is_same_v<E, trace::ExpectationMet>) {
          line(2, "conntrack: expected by helper " + std::string(e.helper) + " of " + describe(e.master));
        } else if constexpr (std::is_same_v<E, trace::PayloadMangled>) {
          line(2, strf("nat: payload rewritten for helper %s, %+d bytes", std::string(e.helper).c_str(), e.longer));
        } else if constexpr (std::is_same_v<E, trace::SequenceAdjusted>) {
          line(2, strf("conntrack: sequence number %+d, acknowledgement %+d", e.sequence, e.acknowledgement));
        } else if constexpr (std::is_same_v<E, trace::Routed>) {
          leave_hook(false);
          place_.unicast = e.type == RouteType::kUnicast;
          line(1, strf("route: %s by %s, next hop %s", std::string(route_type_name(e.type)).c_str(),
                       name_of(e.out).c_str(), format_ipv4(e.nexthop).c_str()));
        } else if constexpr (std::is_same_v<E, trace::Bridged>) {
          leave_hook(false);
          const std::string bridge = name_of(e.bridge);
          if (e.out == nullptr)
            line(1, strf("bridge %s: from port %s up to the router", bridge.c_str(), name_of(e.in).c_str()));
          else
            line(1, strf("bridge %s: from %s to port %s", bridge.c_str(),
                         e.in == nullptr ? "the router" : name_of(e.in).c_str(), name_of(e.out).c_str()));
        } else if constexpr (std::is_same_v<E, trace::Delivered>) {
          leave_hook(false);
          line(1, "delivered to this host");
        } else if constexpr (std::is_same_v<E, trace::Sent>) {
          leave_hook(false);
          // Not what the block is about: it had waited for its next hop's address, or is a copy or a part of it.
          const bool other = &p != current_ && made_ == nullptr;
          line(1, "sent on " + name_of(e.device) + (other ? ": " + describe_frame(p.bytes()) : std::string()));
        } else if constexpr (std::is_same_v<E, trace::Dropped>) {
          dropped(e);
        }
      },
      event);
}

}  // namespace nf
