// The PNS's call id is replaced by the port its control connection leaves with, so that two clients behind one address
// do not meet. The PAC's stays. twin: net/ipv4/netfilter/nf_nat_pptp.c
#include "conntrack/helper/pptp.h"

#include "datapath/trace/drop_reason.h"
#include "nat/helper/make.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

using ct::PptpControl;
using ct::PptpMaster;
using ct::PptpMessage;

Verdict rewrite(const ct::HelpInput& in, unsigned offset, Be16 call_id) {
  const std::string_view bytes(reinterpret_cast<const char*>(&call_id), sizeof(call_id));
  if (mangle_tcp_packet_in_place(in, PptpControl::kBody + offset, sizeof(call_id), bytes)) return Verdict::kAccept;
  in.p.drop_reason = static_cast<uint8_t>(DropReason::kConntrackHelper);
  return Verdict::kDrop;
}

class Pptp final : public ct::PptpNat {
 public:
  explicit Pptp(Nat& nat) : nat_(nat) {}

  // twin: pptp_outbound_pkt
  Verdict outbound(const ct::HelpInput& in, const PptpControl& control) override {
    PptpMaster& info = in.help().data<PptpMaster>();
    switch (control.message) {
      case PptpMessage::kOutCallRequest:
        info.nat_pns_call_id = info.pns_call_id;
        info.pns_call_id = in.c.reply().destination_id;
        break;
      case PptpMessage::kInCallReply:
      case PptpMessage::kCallClearRequest:
        break;
      default:
        return Verdict::kAccept;
    }
    return rewrite(in, 0, info.pns_call_id);
  }

  // twin: pptp_inbound_pkt
  Verdict inbound(const ct::HelpInput& in, const PptpControl& control) override {
    unsigned offset = 0;
    switch (control.message) {
      case PptpMessage::kOutCallReply:
        offset = 2;
        break;
      case PptpMessage::kInCallConnect:
      case PptpMessage::kWanErrorNotify:
      case PptpMessage::kCallDisconnectNotify:
      case PptpMessage::kSetLinkInfo:
        break;
      default:
        return Verdict::kAccept;
    }
    return rewrite(in, offset, in.help().data<PptpMaster>().nat_pns_call_id);
  }

  // twin: pptp_exp_gre
  void expect_gre(PptpMaster& info, ct::Expectation& original, ct::Expectation& reply) override {
    original.saved_id = info.pns_call_id;
    original.tuple.source_id = info.nat_pns_call_id;
    original.tuple.destination_id = info.pac_call_id;
    original.direction = CtDirection::kOriginal;
    reply.saved_id = info.nat_pns_call_id;
    reply.tuple.source_id = info.pac_call_id;
    reply.tuple.destination_id = info.pns_call_id;
    reply.direction = CtDirection::kReply;
  }

  // twin: pptp_nat_expected
  void expected(Packet& p, ct::Connection& c, const ct::Expectation& e, const HookState& state) override {
    ct::HelpPart* help = help_of(*c.master);
    if (help == nullptr) return;
    const PptpMaster& info = help->data<PptpMaster>();
    const bool of_pns = e.direction == CtDirection::kOriginal;
    const ct::Tuple& other_way = of_pns ? c.master->reply() : c.master->original();

    ct::Tuple other;
    other.protocol = kProtoGre;
    other.source = other_way.source;
    other.destination = other_way.destination;
    // The kernel looks for the PNS's expectation by call ids it has kept nowhere, so it finds it only when they are
    // zero.
    if (of_pns) {
      other.source_id = info.pac_call_id;
      other.destination_id = info.pns_call_id;
    }
    ct::Expectations& all = nat_.conntrack().expectations();
    if (ct::Expectation* sibling = all.find(other, zone_of(c), state.now); sibling != nullptr)
      all.unexpect(*sibling, state.now);

    const auto range = [&](Be32 address, bool with_id) {
      Range r;
      r.flags = kRangeMapIps | (with_id ? kRangeProtoSpecified : 0u);
      r.min_address = r.max_address = address;
      if (with_id) r.min_port = r.max_port = e.saved_id;
      return r;
    };
    nat_.setup_info(p, c, range(other_way.destination, of_pns), ManipType::kSource, state);
    nat_.setup_info(p, c, range(other_way.source, !of_pns), ManipType::kDestination, state);
  }

 private:
  Nat& nat_;
};

}  // namespace

std::unique_ptr<ct::PptpNat> make_pptp_nat(Nat& nat) { return std::make_unique<Pptp>(nat); }

}  // namespace nf::nat
