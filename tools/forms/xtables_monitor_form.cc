#include "tools/forms/xtables_monitor_form.h"

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::forms {

using trace::RuleVerdict;
using trace::Step;
using trace::StepKind;

namespace {

std::string mac(const uint8_t* m) { return strf("%x:%x:%x:%x:%x:%x", m[0], m[1], m[2], m[3], m[4], m[5]); }

std::string link_text(const trace::Seen& p) {
  if (p.in.empty() || p.link.size() != sizeof(EthernetHeader)) return {};
  if (p.in == "lo") return "LOOPBACK ";
  return "MACSRC=" + mac(p.link.data() + 6) + " MACDST=" + mac(p.link.data()) +
         strf(" MACPROTO=%04x ", p.link[12] << 8 | p.link[13]);
}

std::string transport_text(uint8_t protocol, std::span<const uint8_t> l4) {
  const bool tcp = protocol == kProtoTcp;
  if (!tcp && protocol != kProtoUdp && protocol != kProtoUdplite && protocol != kProtoSctp && protocol != kProtoDccp)
    return {};
  if (l4.size() < (tcp ? sizeof(TcpHeader) : 4)) return {};
  std::string out = strf("SPORT=%d DPORT=%d ", l4[0] << 8 | l4[1], l4[2] << 8 | l4[3]);
  static constexpr struct {
    TcpFlag flag;
    const char* name;
  } kFlags[] = {{kTcpSyn, "SYN "}, {kTcpAck, "ACK "}, {kTcpFin, "FIN "},
                {kTcpRst, "RST "}, {kTcpPsh, "PSH "}, {kTcpUrg, "URG "}};
  for (const auto& f : kFlags)
    if (tcp && (view<TcpHeader>(l4)->flags & f.flag) != 0) out += f.name;
  return out;
}

// twin: trace_print_packet, iptables/xtables-monitor.c
std::string packet_text(const trace::Seen& p) {
  std::string out;
  if (!p.in.empty()) out += "IN=" + p.in + ' ';
  if (!p.out.empty()) out += "OUT=" + p.out + ' ';
  out += link_text(p);
  const Ipv4Header* ip = view<Ipv4Header>(std::span(p.bytes));
  if (ip != nullptr) {
    out += "SRC=" + format_ipv4(ip->source) + " DST=" + format_ipv4(ip->destination);
    out += strf(" LEN=%u TOS=0x%x TTL=%u ID=%u ", ip->total_length.host(), ip->tos, ip->ttl, ip->id.host());
    const uint16_t fragment = ip->fragment.host();
    if ((fragment & 0x8000) != 0) out += "CE ";
    if ((fragment & 0x4000) != 0) out += "DF ";
    if ((fragment & 0x2000) != 0) out += "MF ";
    if ((fragment & 0x1fff) != 0) out += strf("FRAG:%u ", fragment & 0x1fffu);
    if (p.bytes.size() >= ip->header_length() && (fragment & 0x1fff) == 0)
      out += transport_text(ip->protocol, std::span(p.bytes).subspan(ip->header_length()));
  }
  if (p.mark != 0) out += strf("MARK=0x%x ", p.mark);
  return out;
}

std::string verdict_text(const Step& step) {
  switch (step.verdict) {
    case RuleVerdict::kAccept:
      return "ACCEPT";
    case RuleVerdict::kReturn:
      return "0xfffffffb";
    case RuleVerdict::kJump:
      return "JUMP:" + step.target;
    case RuleVerdict::kGoto:
      return "GOTO:" + step.target;
    case RuleVerdict::kContinue:
      return "CONTINUE";
    case RuleVerdict::kDrop:
    case RuleVerdict::kOther:  // not modelled: the packet is dropped there
      break;
  }
  return "DROP";
}

}  // namespace

void XtablesMonitorForm::story(const trace::Story& story) {
  std::map<uint16_t, std::string> base;  // by Step::made: the built-in chain that runs
  for (const Step& step : story.steps) {
    if ((step.kind != StepKind::kRule && step.kind != StepKind::kPolicy) || step.end_of_chain) continue;
    const std::string id = strf("2 %x%x%06llx ", step.pass & 15u, step.made & 15u,
                                static_cast<unsigned long long>(story.number & 0xffffff));
    std::string run = step.table + ':' + std::string(hook_name(step.hook)) + strf(":%u", step.pass);
    if (std::string& now = base[step.made]; now != run) {
      now = std::move(run);
      if (step.seen) write_("PACKET: " + id + packet_text(step.left ? *step.left : *step.seen) + '\n');
    }
    std::string line = " TRACE: " + id + step.table + ':' + step.chain;
    if (step.kind == StepKind::kPolicy)
      line += ":policy:" + verdict_text(step) + ' ';
    else
      line += strf(":rule:0x%x:", step.number) + verdict_text(step) + "  -4 -t " + step.table + " -A " + step.chain +
              ' ' + step.rule;
    write_(line + '\n');
  }
}

}  // namespace nf::forms
