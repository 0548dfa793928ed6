// Into the table, and who is there already. twin: __nf_conntrack_confirm, nf_ct_resolve_clash and
// nf_conntrack_tuple_taken, net/netfilter/nf_conntrack_core.c
#include "conntrack/core.h"
#include "conntrack/endpoints.h"
#include "conntrack/proto.h"
#include "conntrack/seqadj.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/event.h"

namespace nf::ct {
namespace {

// twin: MIN_CHAINLEN, MAX_CHAINLEN
constexpr int kMinChain = 50;
constexpr uint32_t kMoreChain = 30;

Verdict drop(Packet& p, DropReason reason) {
  p.drop_reason = static_cast<uint8_t>(reason);
  return Verdict::kDrop;
}

// One flow, seen by the second from the same or from the other end. twin: nf_ct_can_merge
bool same_flow(const Connection& a, const Connection& b) {
  return (a.tuple[0].same_key(b.tuple[0]) && a.tuple[1].same_key(b.tuple[1])) ||
         (a.tuple[0].same_key(b.tuple[1]) && a.tuple[1].same_key(b.tuple[0]));
}

// Which of its tuples somebody else has, and who.
Said clash_said(const Connection& c, const Connection& winner) {
  const bool original = c.original().same_key(winner.original()) || c.original().same_key(winner.reply());
  return {"remark.clash", {tuple_text(original ? c.original() : c.reply()), tuple_text(winner.original())}, {}};
}

// Those that are newer than number `known`.
void tell_expected(const Packet& p, const HelpPart& help, uint32_t known, trace::Sink& sink) {
  for (const Expectation* e = help.expectations; e != nullptr && e->id > known; e = e->next_of_master)
    sink.event(p, trace::ExpectationMade{help.helper->name(), endpoints(e->tuple)});
}

}  // namespace

// Who has the tuple that stands, or shall stand, for this direction of `c`. twin: nf_ct_key_equal
Connection* Core::find_same(const Connection& c, CtDirection which, const Key& key, uint64_t hash, Time now) {
  CtDirection direction;
  return c.zone().symmetric() ? find(key, hash, direction, now) : find_only(key, hash, which, now);
}

// The packet goes on with the connection that was first. twin: __nf_ct_resolve_clash
bool Core::merge(PacketPtr& p, Connection& winner) {
  Connection& loser = *connection_of(p->ct);
  if (!same_flow(winner, loser)) return false;
  const auto dir = static_cast<size_t>(direction_of(p->ctinfo));
  if ((loser.extensions & kExtAcct) != 0) acct(winner, p->ctinfo, static_cast<uint32_t>(loser.counters[dir].bytes));
  Conntrack::get(winner);
  p->ct = reinterpret_cast<uintptr_t>(&winner);
  put(loser);
  ++stats.clash_resolve;
  return true;
}

bool Core::resolve_clash(PacketPtr& p, Connection& winner, const Key& reply, uint64_t reply_hash, Time now) {
  Connection& loser = *connection_of(p->ct);
  if (allow_clash(winner.original().protocol)) {
    if (merge(p, winner)) return true;
    if (Connection* other = find_same(loser, CtDirection::kReply, reply, reply_hash, now); other != nullptr) {
      if (merge(p, *other)) return true;
    } else {
      // Only the original tuple is taken. The loser is entered for its replies alone, and for a second: they find their
      // way back, and packets of the original direction belong to the winner.
      loser.expires = now + kSecond;
      loser.status |= kFixedTimeout | kNatClash;
      Conntrack::get(loser);
      table.insert(reply, reply_hash, flow_of(loser, CtDirection::kReply));
      loser.status |= kConfirmed;
      if ((loser.extensions & kExtTimestamp) != 0) loser.started = now;
      ++stats.clash_resolve;
      return true;
    }
  }
  ++stats.drop;
  ++stats.insert_failed;
  return false;
}

Verdict Core::insert(PacketPtr& p, const HookState& state) {
  const Time now = state.now;
  Connection& c = *connection_of(p->ct);
  // REJECT's answers carry the connection of what they answer, which may never be confirmed.
  if (direction_of(p->ctinfo) != CtDirection::kOriginal) return Verdict::kAccept;
  if (c.dying()) {
    ++stats.insert_failed;
    return drop(*p, DropReason::kConntrackDying);
  }

  const Key original = Key::of(c.tuple[0]), reply = Key::of(c.tuple[1]);
  const uint64_t original_hash = table.hash(original), reply_hash = table.hash(reply);
  // NAT chose while this connection was in no table: somebody may have been quicker.
  Connection* winner = find_same(c, CtDirection::kOriginal, original, original_hash, now);
  if (winner == nullptr) winner = find_same(c, CtDirection::kReply, reply, reply_hash, now);
  if (winner != nullptr) {
    Said said;
    if (state.trace != nullptr) said = clash_said(c, *winner);
    const uintptr_t own = p->ct;
    const bool resolved = resolve_clash(p, *winner, reply, reply_hash, now);
    if (state.trace != nullptr) {
      if (resolved && p->ct == own) said.key = "remark.clash_reply_only";
      if (p->ct != own) said = {"remark.clash_merged", {tuple_text(connection_of(p->ct)->original())}, {}};
      state.trace->event(*p, trace::Noted{&said});
    }
    return resolved ? Verdict::kAccept : drop(*p, DropReason::kConntrackClash);
  }

  // With the usual number of buckets no chain comes near the limit; look only when the table is far too small.
  if (table.entries() > 16 * static_cast<size_t>(settings.buckets)) {
    const int limit = kMinChain + static_cast<int>(stack.random().below(kMoreChain)) + 1;
    if (chain_length(original_hash, limit + 1) > limit || chain_length(reply_hash, limit + 1) > limit) {
      ++stats.chaintoolong;
      ++stats.insert_failed;
      return drop(*p, DropReason::kConntrackChainTooLong);
    }
  }

  // From now on a point in time: a packet may have waited between its first hook and here.
  c.expires += now;
  Conntrack::get(c);
  if ((c.extensions & kExtTimestamp) != 0) c.started = now;
  // Both keys are equal when a host talks to itself from the port it talks to: then the latest is found, the reply.
  table.insert(original, original_hash, flow_of(c, CtDirection::kOriginal));
  table.insert(reply, reply_hash, flow_of(c, CtDirection::kReply));
  c.status |= kConfirmed;
  if (const HelpPart* help = help_of(c); help != nullptr && help->helper != nullptr)
    Conntrack::event_cache(c, kEventHelper);
  Conntrack::event_cache(c, c.master != nullptr ? kEventRelated : kEventNew);
  return Verdict::kAccept;
}

Verdict Core::confirm_silently(PacketPtr& p, const HookState& state) {
  if (p->ct == 0 || connection_of(p->ct)->confirmed()) return Verdict::kAccept;
  const Verdict v = insert(p, state);
  if (v != Verdict::kAccept) return v;
  const Connection& c = *connection_of(p->ct);
  if (state.trace != nullptr && c.confirmed())
    state.trace->event(
        *p, trace::ConntrackConfirmed{endpoints(c.original()), endpoints(c.reply()), c.id, time_left(c, state.now)});
  return Verdict::kAccept;
}

// What comes before: the helper reads the packet, and its sequence numbers are put right. twin: nf_confirm
Verdict Core::help_and_adjust(Packet& p, Connection& c, const HookState& state) {
  // Asked before the helper, which may begin an adjustment: this packet's own numbers stay.
  const bool came_back =
      state.hook == HookPoint::kLocalIn && state.in != nullptr && state.in->kind == DeviceKind::kLoopback;
  const bool adjust = (c.status & kSeqAdjust) != 0 && !came_back;
  const HelpPart* help = help_of(c);
  if ((help == nullptr && !adjust) || p.ctinfo == CtInfo::kRelatedReply) return Verdict::kAccept;
  if (help != nullptr && help->helper != nullptr) {
    const uint32_t known = expectations.last_id();
    const Verdict v = help->helper->help({face, p, c, state});
    if (state.trace != nullptr) tell_expected(p, *help, known, *state.trace);
    if (v != Verdict::kAccept) return v;
  }
  if (!adjust) return Verdict::kAccept;
  const auto numbers = [&p] {
    const TcpHeader* tcp = view<TcpHeader>(p.transport());
    return tcp == nullptr ? std::pair{0u, 0u} : std::pair{tcp->sequence.host(), tcp->acknowledgment.host()};
  };
  const auto before = numbers();
  if (!seq_adjust(p, c, p.ctinfo)) {
    ++stats.drop;
    return drop(p, DropReason::kConntrackHelper);
  }
  if (const auto after = numbers(); state.trace != nullptr && after != before)
    state.trace->event(p, trace::SequenceAdjusted{static_cast<int32_t>(after.first - before.first),
                                                  static_cast<int32_t>(after.second - before.second)});
  return Verdict::kAccept;
}

Verdict Core::confirm(PacketPtr& p, const HookState& state) {
  if (p->ct != 0) {
    const Verdict v = help_and_adjust(*p, *connection_of(p->ct), state);
    if (v != Verdict::kAccept) return v;
  }
  const Verdict v = confirm_silently(p, state);
  if (v == Verdict::kAccept && p->ct != 0) deliver_events(*connection_of(p->ct), state.now);
  return v;
}

const Connection* Core::tuple_holder(const Tuple& reply, const Connection& ignored, Time now) {
  Tuple tuple = reply;
  tuple.zone = ignored.reply().zone;
  const Key key = Key::of(tuple);
  const uint64_t hash = table.hash(key);
  const Flow f = ignored.zone().symmetric() ? table.find(key, hash) : table.find(key, hash, CtDirection::kReply);
  if (f == 0) return nullptr;
  const Connection& c = table.connection(f);
  return c.expired(now) || &c == &ignored || c.original().same_key(ignored.original()) ? nullptr : &c;
}

bool Core::tuple_taken(const Tuple& reply, const Connection& ignored, Time now) {
  Tuple tuple = reply;
  tuple.zone = ignored.reply().zone;
  const Key key = Key::of(tuple);
  const Connection* c = find_same(ignored, CtDirection::kReply, key, table.hash(key), now);
  // With the same original tuple it is the same flow; confirm will see to that.
  if (c == nullptr || c == &ignored || c->original().same_key(ignored.original())) return false;
  ++stats.found;
  return true;
}

}  // namespace nf::ct
