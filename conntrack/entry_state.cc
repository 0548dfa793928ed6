#include "conntrack/entry_state.h"

#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

TcpEntry tcp_entry(const TcpTrack& t) {
  TcpEntry e;
  e.state = t.state;
  for (size_t d = 0; d < 2; ++d) {
    e.flags[d] = TcpEntry::Flags{t.seen[d].flags, 0};
    e.scale[d] = t.seen[d].scale;
  }
  return e;
}

// The part of a tuple that NAT of this half changes.
NatHalf half(const Tuple& original, const Tuple& reply, bool source) {
  NatHalf h;
  h.address = source ? reply.destination : reply.source;
  if (original.protocol == kProtoIcmp)
    h.port = reply.source_id;
  else
    h.port = source ? reply.destination_id : reply.source_id;
  return h;
}

}  // namespace

EntryState entry_state(const Connection& c, Time now) {
  EntryState s;
  s.tuple[0] = c.tuple[0];
  s.tuple[1] = c.tuple[1];
  s.status = c.status;
  const Duration left = c.confirmed() ? c.expires - now : c.expires;
  s.timeout = left > 0 ? static_cast<uint32_t>(left / kSecond) : 0;
  s.mark = c.mark;
  if (const Labels* labels = labels_of(c); labels != nullptr && *labels != Labels{}) s.labels = *labels;
  switch (c.original().protocol) {
    case kProtoTcp:
      s.tcp = tcp_entry(c.tcp);
      break;
    case kProtoSctp:
      s.sctp = SctpEntry{c.sctp.state, {c.sctp.vtag[0], c.sctp.vtag[1]}};
      break;
    case kProtoGre:
      s.gre = c.gre;
      break;
    default:
      break;
  }
  if (const HelpPart* help = help_of(c); help != nullptr && help->helper != nullptr)
    s.helper = std::string(help->helper->name());
  if (const SeqAdjust* adjust = seqadj_of(c); adjust != nullptr && (c.status & kSeqAdjust) != 0)
    s.seqadj = {adjust[0], adjust[1]};
  if ((c.status & kExpected) != 0 && c.master != nullptr) s.master = c.master->original();
  if ((c.extensions & kExtAcct) != 0) s.counters = {c.counters[0], c.counters[1]};
  if ((c.extensions & kExtTimestamp) != 0) s.started = c.started;
  s.id = c.id;
  s.use = c.use;
  return s;
}

bool make_creatable(EntryState& s) {
  Tuple plain;
  if (!Conntrack::invert(plain, s.tuple[0])) return false;
  plain.zone = s.tuple[1].zone;
  plain.direction = CtDirection::kReply;
  const uint32_t status = s.status.value_or(0);
  if ((status & kSrcNat) != 0) s.source_nat = half(s.tuple[0], s.tuple[1], true);
  // One of the two carries an ICMP id: it is the same number in both directions.
  if ((status & kDstNat) != 0) {
    s.destination_nat = half(s.tuple[0], s.tuple[1], false);
    if (s.source_nat && s.tuple[0].protocol == kProtoIcmp) s.destination_nat->port.reset();
  }
  // Without a half translated the tuples stand as they are, whoever made them.
  if ((status & kNatMask) != 0) s.tuple[1] = plain;
  constexpr uint32_t kTakes = kSeenReply | kAssured | kConfirmed | kFixedTimeout | kHelper;
  if (s.status) *s.status &= kTakes;
  if (s.tcp) {
    // A segment sent again after its acknowledgement was lost would give a window that ends too early, and nothing that
    // the other side says would ever be believed.
    for (auto& flags : s.tcp->flags) {
      const auto value = static_cast<uint8_t>((flags ? flags->value : 0) | kTcpBeLiberal);
      flags = TcpEntry::Flags{value, value};
    }
  }
  return true;
}

}  // namespace nf::ct
