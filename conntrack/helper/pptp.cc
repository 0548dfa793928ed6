#include "conntrack/helper/pptp.h"

#include "conntrack/gre_keymap.h"
#include "conntrack/helper/payload.h"

namespace nf::ct {
namespace {

constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 2, .timeout = 5 * 60}};
constexpr int64_t kGreTimeout = 10 * 60, kGreStreamTimeout = 5 * 3600;
constexpr uint16_t kControl = 1;
constexpr uint32_t kMagicCookie = 0x1a2b3c4d;

// In front of every message.
struct PptpHeader {
  Be16 length, type;
  Be32 magic_cookie;
  Be16 message, reserved;
};
static_assert(sizeof(PptpHeader) == PptpControl::kBody);

// The least a message's body has, by its number; echoes are not looked at. twin: pptp_msg_size
constexpr uint8_t kLeast[] = {0, 144, 144, 4, 4, 0, 0, 156, 20, 208, 12, 16, 4, 136, 28, 12};

// Offsets in a message's body.
constexpr size_t kStartResult = 2, kStopResult = 0, kOutCallResult = 4, kInCallResult = 4, kCallId = 0,
                 kPeerCallIdOfReply = 2, kPeerCallId = 0;
constexpr uint8_t kOk = 1;  // of every result code

PptpMaster& master_of(const HelpInput& in) { return in.help().data<PptpMaster>(); }

std::optional<PptpControl> control_of(std::span<const uint8_t> transport) {
  const std::string_view text = tcp_payload(transport);
  const std::span<const uint8_t> payload(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const PptpHeader* header = view<PptpHeader>(payload);
  if (header == nullptr || header->type != be16(kControl) || header->magic_cookie != be32(kMagicCookie))
    return std::nullopt;
  const uint16_t message = header->message.host();
  const std::span<const uint8_t> body = payload.subspan(sizeof(PptpHeader));
  if (message == 0 || message >= std::size(kLeast) || body.size() < kLeast[message]) return std::nullopt;
  return PptpControl{static_cast<PptpMessage>(message), body};
}

// twin: destroy_sibling_or_exp
void destroy_sibling_or_expectation(Conntrack& conntrack, const Connection& master, const Tuple& t, Time now) {
  CtDirection direction;
  Connection* sibling = conntrack.find(t, master.zone(), direction, now);
  if (sibling != nullptr) {
    sibling->gre.timeout = sibling->gre.stream_timeout = 0;
    conntrack.kill(*sibling, now);
  } else if (Expectation* e = conntrack.expectations().find(t, zone_of(master), now); e != nullptr) {
    conntrack.expectations().unexpect(*e, now);
  }
}

}  // namespace

// twin: pptp_expectfn
PptpHelper::PptpHelper(Conntrack& conntrack, PptpNat* nat) : Helper("pptp", kProtoTcp, 1723), nat_(nat) {
  expected_.name = "pptp";
  expected_.run = [&conntrack, nat](Packet& p, Connection& c, const Expectation& e, const HookState& state) {
    c.gre.timeout = kGreTimeout;
    c.gre.stream_timeout = kGreStreamTimeout;
    if (nat != nullptr && (c.master->status & kNatMask) != 0) return nat->expected(p, c, e, state);
    Tuple other;
    Conntrack::invert(other, e.tuple);
    Expectations& all = conntrack.expectations();
    if (Expectation* sibling = all.find(other, zone_of(c), state.now); sibling != nullptr)
      all.unexpect(*sibling, state.now);
  };
}

std::span<const ExpectPolicy> PptpHelper::policies() const { return kPolicies; }

// twin: conntrack_pptp_help
Verdict PptpHelper::help(const HelpInput& in) const {
  if (in.ctinfo() != CtInfo::kEstablished && in.ctinfo() != CtInfo::kEstablishedReply) return Verdict::kAccept;
  const std::optional<PptpControl> control = control_of(in.transport());
  if (!control) return Verdict::kAccept;
  const bool of_pns = in.direction() == CtDirection::kOriginal;
  if (!(of_pns ? outbound(in, *control) : inbound(in, *control))) return Verdict::kAccept;
  if (nat_ == nullptr || (in.c.status & kNatMask) == 0) return Verdict::kAccept;
  return of_pns ? nat_->outbound(in, *control) : nat_->inbound(in, *control);
}

// PNS to PAC. False: not in this state. twin: pptp_outbound_pkt
bool PptpHelper::outbound(const HelpInput& in, const PptpControl& control) const {
  PptpMaster& info = master_of(in);
  switch (control.message) {
    case PptpMessage::kStartSessionRequest:
      if (info.session != PptpSession::kNone) return false;
      info.session = PptpSession::kRequested;
      return true;
    case PptpMessage::kStopSessionRequest:
      info.session = PptpSession::kStopRequested;
      return true;
    case PptpMessage::kOutCallRequest:
      if (info.session != PptpSession::kConfirmed) return false;
      info.call = PptpCall::kOutRequested;
      info.pns_call_id = control.id(kCallId);
      return true;
    case PptpMessage::kInCallReply:
      if (info.call != PptpCall::kInRequested && info.call != PptpCall::kInReplied) return false;
      if (info.pac_call_id != control.id(kPeerCallIdOfReply)) return false;
      if (control.body[kInCallResult] == kOk) {
        info.call = PptpCall::kInReplied;
        info.pns_call_id = control.id(kCallId);
      } else {
        info.call = PptpCall::kNone;
      }
      return true;
    case PptpMessage::kCallClearRequest:
      if (info.session != PptpSession::kConfirmed) return false;
      info.call = PptpCall::kClearing;
      return true;
    case PptpMessage::kSetLinkInfo:
    case PptpMessage::kEchoRequest:
    case PptpMessage::kEchoReply:
      return true;
    default:
      return false;
  }
}

// PAC to PNS. False: not in this state. twin: pptp_inbound_pkt
bool PptpHelper::inbound(const HelpInput& in, const PptpControl& control) const {
  PptpMaster& info = master_of(in);
  switch (control.message) {
    case PptpMessage::kStartSessionReply:
      if (info.session < PptpSession::kRequested) return false;
      info.session = control.body[kStartResult] == kOk ? PptpSession::kConfirmed : PptpSession::kError;
      return true;
    case PptpMessage::kStopSessionReply:
      if (info.session > PptpSession::kStopRequested) return false;
      info.session = control.body[kStopResult] == kOk ? PptpSession::kNone : PptpSession::kError;
      return true;
    case PptpMessage::kOutCallReply:
      if (info.session != PptpSession::kConfirmed) return false;
      if (info.call != PptpCall::kOutRequested && info.call != PptpCall::kOutConfirmed) return false;
      if (info.pns_call_id != control.id(kPeerCallIdOfReply)) return false;
      if (control.body[kOutCallResult] == kOk) {
        info.call = PptpCall::kOutConfirmed;
        info.pac_call_id = control.id(kCallId);
        expect_gre(in, control.id(kCallId), control.id(kPeerCallIdOfReply));
      } else {
        info.call = PptpCall::kNone;
      }
      return true;
    case PptpMessage::kInCallRequest:
      if (info.session != PptpSession::kConfirmed) return false;
      info.call = PptpCall::kInRequested;
      info.pac_call_id = control.id(kCallId);
      return true;
    case PptpMessage::kInCallConnect:
      if (info.session != PptpSession::kConfirmed) return false;
      if (info.call != PptpCall::kInReplied && info.call != PptpCall::kInConfirmed) return false;
      if (info.pns_call_id != control.id(kPeerCallId)) return false;
      info.call = PptpCall::kInConfirmed;
      expect_gre(in, info.pac_call_id, control.id(kPeerCallId));
      return true;
    case PptpMessage::kCallDisconnectNotify:
      info.call = PptpCall::kNone;
      destroy(in.conntrack, in.c, in.now());
      return true;
    case PptpMessage::kWanErrorNotify:
    case PptpMessage::kSetLinkInfo:
    case PptpMessage::kEchoRequest:
    case PptpMessage::kEchoReply:
      return true;
    default:
      return false;
  }
}

// twin: exp_gre
void PptpHelper::expect_gre(const HelpInput& in, Be16 call_id, Be16 peer_call_id) const {
  const Tuple& out = in.c.original();
  const Tuple& back = in.c.reply();
  Expectation original = Expectations::make(in.c, 0, &out.source, out.destination, kProtoGre, &peer_call_id, call_id);
  Expectation reply = Expectations::make(in.c, 0, &back.source, back.destination, kProtoGre, &call_id, peer_call_id);
  original.expectfn = reply.expectfn = &expected_;
  if (nat_ != nullptr && (in.c.status & kNatMask) != 0) nat_->expect_gre(master_of(in), original, reply);

  Expectations& all = in.conntrack.expectations();
  const auto unexpect = [&](const Expectation& e) {
    if (Expectation* entered = all.find_same(e); entered != nullptr) all.unexpect(*entered, in.now());
  };
  if (all.related(original, in.now()) != ExpectError::kNone) return;
  if (all.related(reply, in.now()) != ExpectError::kNone) return unexpect(original);
  GreKeymap& keymap = in.conntrack.gre_keymap();
  if (keymap.add(in.c, CtDirection::kOriginal, original.tuple)) {
    if (keymap.add(in.c, CtDirection::kReply, reply.tuple)) return;
    keymap.destroy(in.c);
  }
  unexpect(reply);
  unexpect(original);
}

void PptpHelper::destroy(Conntrack& conntrack, Connection& c, Time now) const {
  HelpPart* help = help_of(c);
  if (help == nullptr) return;
  const PptpMaster info = help->data<PptpMaster>();
  conntrack.gre_keymap().destroy(c);
  Tuple out = c.original(), back = c.reply();
  out.protocol = back.protocol = kProtoGre;
  out.source_id = back.destination_id = info.pns_call_id;
  out.destination_id = back.source_id = info.pac_call_id;
  destroy_sibling_or_expectation(conntrack, c, out, now);
  destroy_sibling_or_expectation(conntrack, c, back, now);
}

}  // namespace nf::ct
