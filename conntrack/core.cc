// From a packet to its connection. twin: nf_conntrack_in, net/netfilter/nf_conntrack_core.c
#include "conntrack/core.h"
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
    reason.note("truncated header");
    return Resolved::kNoConnection;
  }
  tuple.zone = zone.id[0];
  const Key key = Key::of(tuple);
  const uint64_t hash = hash_of(p, key);
  CtDirection direction = CtDirection::kOriginal;
  Connection* c = zone.symmetric() ? find(key, hash, direction, now) : find(tuple, zone, direction, now);
  if (c != nullptr) {
    Conntrack::get(*c);
  } else {
    Tuple reply;
    if (!Conntrack::invert(reply, tuple)) {
      reason.note("an ICMP type that nothing answers");
      return Resolved::kNoConnection;
    }
    reply.zone = zone.id[1];
    c = create(tuple, reply, hash, now);
    if (c == nullptr) return Resolved::kTooStressed;
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
    reason.note("a fragment");
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

Verdict Core::in(PacketPtr& p, const HookState& state) {
  const bool traced = state.trace != nullptr;
  reason.start(*p, stack, settings.log_invalid, traced);
  Connection* tmpl = nullptr;
  Verdict verdict = Verdict::kAccept;
  bool created = false;
  std::string_view before;
  if (Connection* c = connection_of(p->ct); c != nullptr && (c->status & kTemplate) != 0) {
    tmpl = c;
    p->ct = 0;
    p->ctinfo = CtInfo::kNone;
  }
  // Anything else it carries was given to it on its first way through (loopback), or by the rule that exempted it.
  const bool seen_before = p->ct != 0 || p->ctinfo == CtInfo::kUntracked;
  // A local program that sends fragments (IP_NODEFRAG) is left alone.
  const bool left_alone = state.hook == HookPoint::kLocalOut && p->ip().is_fragment();
  if (!seen_before && !left_alone) {
    if (traced) {
      Tuple tuple;
      CtDirection direction;
      if (Conntrack::get_tuple(p->bytes(), tuple, &gre_keymap)) {
        const ZoneIds zone = zone_of_packet(tmpl, *p);
        if (Connection* c = find(tuple, zone, direction, state.now); c != nullptr) before = state_name(*c);
      }
    }
    verdict = track(p, tmpl, state, created);
  }
  if (tmpl != nullptr) put(*tmpl);
  if (traced) {
    trace::ConntrackSeen e;
    e.ctinfo = p->ctinfo;
    e.created = created;
    e.carried = seen_before && p->ct != 0;
    e.before = before;
    Said invalid;
    if (const Connection* c = connection_of(p->ct); c != nullptr) {
      e.after = state_name(*c);
      if (seen_before) e.before = e.after;
      e.original = endpoints(c->original());
      e.reply = endpoints(c->reply());
    } else if (p->ctinfo != CtInfo::kUntracked) {
      invalid = {"invalid.words", {std::string(reason.text())}, {}};
      e.invalid = &invalid;
    }
    state.trace->event(*p, e);
  }
  return verdict;
}

}  // namespace nf::ct
