// From a packet to its connection. twin: nf_conntrack_in, net/netfilter/nf_conntrack_core.c
#include "conntrack/core.h"

#include <algorithm>

#include "conntrack/endpoints.h"
#include "conntrack/proto.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/event.h"

namespace nf::ct {
namespace {

Track handle_packet(const TrackInput& in) {
  switch (in.c.original().protocol) {
    case kProtoTcp:
      return tcp_packet(in);
    case kProtoUdp:
      return udp_packet(in);
    case kProtoIcmp:
      return icmp_packet(in);
    case kProtoUdplite:
      return udplite_packet(in);
    case kProtoSctp:
      return sctp_packet(in);
    case kProtoGre:
      return gre_packet(in);
    default:
      return generic_packet(in);
  }
}

// The zone that a packet with this template (null: none) is in. twin: nf_ct_zone_tmpl
ZoneIds zone_of_packet(const Connection* tmpl, const Packet& p) {
  if (tmpl == nullptr) return {};
  ZoneIds zone = tmpl->zone();
  if (tmpl->rare == nullptr) return zone;
  for (size_t d = 0; d < 2; ++d)
    if (tmpl->rare->zone_from_mark[d]) zone.id[d] = static_cast<uint16_t>(p.mark);
  return zone;
}

// Its tuple cannot be had, though it is no fragment.
void tell_no_tuple(Reason& reason, const Packet& p) {
  if (!reason.told()) return;
  const std::span<const uint8_t> transport = p.transport();
  const uint8_t protocol = p.ip().protocol;
  constexpr size_t kPorts = 4;
  const char* name = protocol == kProtoTcp    ? "TCP"
                     : protocol == kProtoUdp  ? "UDP"
                     : protocol == kProtoSctp ? "SCTP"
                                              : "UDP-Lite";
  if (protocol == kProtoGre)
    reason.invalid("invalid.gre_not_ppp", Hex{view<Be16>(transport, 2)->host(), 4});
  else
    reason.invalid("invalid.truncated", name, transport.size(), kPorts);
}

Verdict drop(Packet& p, DropReason reason) {
  p.drop_reason = static_cast<uint8_t>(reason);
  return Verdict::kDrop;
}

}  // namespace

void Core::prepare(std::span<Packet* const> batch) {
  // Never zero, so that a packet's zero is not a place.
  ++batch_;
  if (prepared_.size() < batch.size()) prepared_.resize(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    Packet& p = *batch[i];
    Tuple tuple;
    if (!Conntrack::get_tuple(p.bytes(), tuple, &gre_keymap)) continue;
    Prepared& place = prepared_[i];
    place.key = Key::of(tuple);
    place.hash = table.hash(place.key);
    p.ct_prepared = batch_ << 16 | (i & 0xffff);
    table.prefetch(place.hash);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i]->ct_prepared >> 16 != batch_) continue;
    if (const Flow f = table.find(prepared_[i].key, prepared_[i].hash); f != 0) table.prefetch_connection(f);
  }
}

uint64_t Core::hash_of(const Packet& p, const Key& key) const {
  if (const size_t i = p.ct_prepared & 0xffff; p.ct_prepared >> 16 == batch_ && i < prepared_.size()) {
    // What ran before us may have changed the headers, or put another zone on the packet.
    const Prepared& place = prepared_[i];
    if (place.key == key) return place.hash;
  }
  return table.hash(key);
}

Core::Resolved Core::resolve_normal_ct(Packet& p, const ZoneIds& zone, const Connection* tmpl, const HookState& state,
                                       bool& created) {
  const Time now = state.now;
  Tuple tuple;
  if (!Conntrack::get_tuple(p.bytes(), tuple, &gre_keymap)) {
    tell_no_tuple(reason, p);
    return Resolved::kNoConnection;
  }
  tuple.zone = zone.id[0];
  const Key key = Key::of(tuple);
  const uint64_t hash = hash_of(p, key);
  CtDirection direction = CtDirection::kOriginal;
  Connection* c = zone.symmetric() ? find(key, hash, direction, now) : find(tuple, zone, direction, now);
  if (c != nullptr) {
    Conntrack::get(*c);
    if (reason.told()) note_found(*c);
  } else {
    Tuple reply;
    if (!Conntrack::invert(reply, tuple)) {
      reason.invalid("invalid.icmp_no_answer", tuple.icmp_type(), tuple.icmp_code());
      return Resolved::kNoConnection;
    }
    reply.zone = zone.id[1];
    const uint64_t evicted = stats.early_drop;
    c = create(tuple, reply, hash, now);
    if (c == nullptr) {
      reason.remark("remark.table_full", settings.count, settings.max);
      return Resolved::kTooStressed;
    }
    if (stats.early_drop != evicted) reason.remark("remark.early_drop", settings.max, stats.early_drop - evicted);
    found_ = {};
    created = true;
    direction = CtDirection::kOriginal;  // and not that of an expired one met on the way
    init(*c, tmpl, p, state);
  }
  p.ct = reinterpret_cast<uintptr_t>(c);
  if (direction == CtDirection::kReply)
    p.ctinfo = CtInfo::kEstablishedReply;
  else if ((c->status & kSeenReply) != 0)
    p.ctinfo = CtInfo::kEstablished;
  else
    p.ctinfo = (c->status & kExpected) != 0 ? CtInfo::kRelated : CtInfo::kNew;
  return Resolved::kOk;
}

Verdict Core::track(PacketPtr& p, const Connection* tmpl, const HookState& state, bool& created) {
  const ZoneIds zone = zone_of_packet(tmpl, *p);
  const Ipv4Header& ip = p->ip();
  if (ip.fragment_offset() != 0 || ip.header_length() > p->length()) {
    ++stats.invalid;
    if (ip.fragment_offset() != 0)
      reason.invalid("invalid.fragment", ip.fragment_offset() * 8);
    else
      reason.invalid("invalid.truncated", "IPv4", p->length(), ip.header_length());
    return Verdict::kAccept;
  }
  if (ip.protocol == kProtoIcmp) {
    if (!icmp_error(*this, *p, zone, state)) {
      ++stats.icmp_error;
      return Verdict::kAccept;
    }
    if (p->ct != 0) return Verdict::kAccept;
  }

  for (;;) {
    switch (resolve_normal_ct(*p, zone, tmpl, state, created)) {
      case Resolved::kTooStressed:
        ++stats.drop;
        return drop(*p, DropReason::kConntrackTableFull);
      case Resolved::kNoConnection:
        ++stats.invalid;
        return Verdict::kAccept;
      case Resolved::kOk:
        break;
    }
    Connection& c = *connection_of(p->ct);
    const TrackInput in{*this, c, *p, std::as_const(*p).transport(), p->ctinfo, state};
    const Track result = handle_packet(in);
    if (result == Track::kAccept) {
      if (p->ctinfo == CtInfo::kEstablishedReply && (c.status & kSeenReply) == 0) {
        c.status |= kSeenReply;
        Conntrack::event_cache(c, kEventReply);
      }
      return Verdict::kAccept;
    }
    p->ct = 0;
    p->ctinfo = CtInfo::kNone;
    created = false;
    put(c);
    if (result == Track::kRepeat) continue;
    ++stats.invalid;
    if (result == Track::kInvalid) return Verdict::kAccept;
    ++stats.drop;
    return drop(*p, DropReason::kConntrackRepeat);
  }
}

void Core::note_found(const Connection& c) { found_ = {state_name(c), c.status}; }

Duration Core::time_left(const Connection& c, Time now) {
  if (c.dying()) return 0;
  return c.confirmed() ? std::max<Duration>(c.expires - now, 0) : c.expires;
}

// What the packet in hand made of its connection.
void Core::tell(const Packet& p, Verdict verdict, bool created, bool seen_before, trace::Sink& sink, Time now) {
  const Connection* c = connection_of(p.ct);
  const CtInfo ctinfo = p.ctinfo;
  const bool dropped = verdict != Verdict::kAccept;
  const bool invalid = c == nullptr && ctinfo != CtInfo::kUntracked && !dropped;
  if (!invalid)
    for (const Said& said : reason.remarks()) sink.event(p, trace::Noted{&said});
  if (dropped) return;
  trace::ConntrackSeen e;
  // What is about a packet without a connection is still called RELATED; rules take it for INVALID. twin: nf_ct_get
  e.ctinfo = invalid ? CtInfo::kNone : ctinfo;
  e.created = created;
  e.carried = seen_before && c != nullptr;
  e.before = found_.state;
  e.status_before = found_.status;
  if (c != nullptr) {
    e.after = state_name(*c);
    e.status = c->status;
    if (seen_before) {
      e.before = e.after;
      e.status_before = e.status;
    }
    e.original = endpoints(c->original());
    e.reply = endpoints(c->reply());
    e.id = c->id;
    e.timeout = time_left(*c, now);
    e.zone = c->tuple[static_cast<size_t>(direction_of(ctinfo))].zone;
  }
  if (invalid && reason.why_invalid()) e.invalid = &reason.why_invalid();
  sink.event(p, e);
}

Verdict Core::in(PacketPtr& p, const HookState& state) {
  const bool traced = state.trace != nullptr;
  reason.start(*p, stack, settings.log_invalid, traced);
  Connection* tmpl = nullptr;
  Verdict verdict = Verdict::kAccept;
  bool created = false;
  if (Connection* c = connection_of(p->ct); c != nullptr && (c->status & kTemplate) != 0) {
    tmpl = c;
    p->ct = 0;
    p->ctinfo = CtInfo::kNone;
  }
  // Anything else it carries was given to it on its first way through (loopback), or by the rule that exempted it.
  const bool seen_before = p->ct != 0 || p->ctinfo == CtInfo::kUntracked;
  // A local program that sends fragments (IP_NODEFRAG) is left alone.
  const bool left_alone = state.hook == HookPoint::kLocalOut && p->ip().is_fragment();
  if (traced) {
    found_ = {};
    if (left_alone) reason.invalid("invalid.own_fragment");
  }
  if (!seen_before && !left_alone) verdict = track(p, tmpl, state, created);
  if (tmpl != nullptr) put(*tmpl);
  if (traced) tell(*p, verdict, created, seen_before, *state.trace, state.now);
  return verdict;
}

}  // namespace nf::ct
