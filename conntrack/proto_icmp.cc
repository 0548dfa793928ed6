// ICMP: queries are connections, errors belong to the connection they quote.
// twin: net/netfilter/nf_conntrack_proto_icmp.c
#include "conntrack/proto.h"
#include "datapath/packet/rewrite.h"

namespace nf::ct {
namespace {

constexpr uint8_t kHighestKnownType = 18;  // NR_ICMP_TYPES

bool may_create(uint8_t type) {
  return type == kIcmpEcho || type == kIcmpTimestamp || type == kIcmpInfoRequest || type == kIcmpAddress;
}

// The packet quotes one of ours: it becomes RELATED to it. twin: nf_conntrack_inet_error
bool inet_error(Core& core, Packet& p, std::span<const uint8_t> quoted, const ZoneIds& zone, const HookState& state) {
  Tuple original, inner;
  const IcmpHeader& icmp = *view<IcmpHeader>(std::as_const(p).transport());
  if (!Conntrack::get_tuple(quoted, original, &core.gre_keymap)) {
    core.reason.invalid("invalid.icmp_error_truncated", icmp.type, icmp.code, quoted.size());
    return false;
  }
  // The quoted packet went the other way; its connection is known under the answer's tuple.
  if (!Conntrack::invert(inner, original)) {
    core.reason.invalid("invalid.icmp_error_about_no_question", icmp.type, icmp.code, original.icmp_type());
    return false;
  }
  CtDirection direction;
  Connection* c = core.find(inner, zone, direction, state.now);
  if (c == nullptr) {
    core.reason.invalid("invalid.icmp_error_about_nothing", icmp.type, icmp.code, original);
    return false;
  }
  // The connection found has the quoted destination as its own: an error to anyone else is not about it.
  const Be32 expected = c->tuple[static_cast<size_t>(direction)].destination;
  if (!(p.ip().destination == expected)) {
    const uint32_t outer = p.ip().destination.host(), want = expected.host();
    core.reason.log("outer daddr %u.%u.%u.%u != inner %u.%u.%u.%u", outer >> 24, outer >> 16 & 255, outer >> 8 & 255,
                    outer & 255, want >> 24, want >> 16 & 255, want >> 8 & 255, want & 255);
    core.reason.invalid("invalid.icmp_error_elsewhere", icmp.type, icmp.code, p.ip().destination, expected, original);
    return false;
  }
  if (core.reason.told()) core.note_found(*c);
  Conntrack::get(*c);
  p.ct = reinterpret_cast<uintptr_t>(c);
  p.ctinfo = direction == CtDirection::kReply ? CtInfo::kRelatedReply : CtInfo::kRelated;
  return true;
}

}  // namespace

Track icmp_packet(const TrackInput& in) {
  // Asked of the connection, not of the packet: a reply type cannot have begun one.
  if (!may_create(in.c.original().icmp_type())) {
    in.core.reason.invalid("invalid.icmp_no_question", in.c.original().icmp_type(), in.c.original().source_id.host());
    return Track::kInvalid;
  }
  // Not deleted by the first answer: there may be more (duplicates), and it would be an event per ping.
  in.refresh(*in.timeouts(&in.core.settings.icmp_timeout));
  return Track::kAccept;
}

bool icmp_error(Core& core, Packet& p, const ZoneIds& zone, const HookState& state) {
  const std::span<const uint8_t> transport = std::as_const(p).transport();
  const IcmpHeader* icmp = view<IcmpHeader>(transport);
  if (icmp == nullptr) {
    core.reason.log("short packet");
    core.reason.invalid("invalid.truncated", "ICMP", transport.size(), sizeof(IcmpHeader));
    return false;
  }
  if (core.settings.checksum != 0 && state.hook == HookPoint::kPreRouting && !verify_transport_checksum(p)) {
    core.reason.log("bad hw icmp checksum");
    invalid_checksum(core.reason, p, "ICMP", offsetof(IcmpHeader, checksum), 0);
    return false;
  }
  // RFC 1122, 3.2.2: unknown types are to be discarded silently.
  if (icmp->type > kHighestKnownType) {
    core.reason.log("invalid icmp type");
    core.reason.invalid("invalid.icmp_type", icmp->type);
    return false;
  }
  if (!icmp->is_error()) return true;
  return inet_error(core, p, transport.subspan(sizeof(IcmpHeader)), zone, state);
}

}  // namespace nf::ct
