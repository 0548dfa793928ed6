// Connections made and changed by hand. twin: ctnetlink_create_conntrack, ctnetlink_change_conntrack,
// net/netfilter/nf_conntrack_netlink.c; nf_conntrack_hash_check_insert, nf_conntrack_core.c
#include <algorithm>
#include <cerrno>

#include "conntrack/core.h"
#include "conntrack/entry_state.h"
#include "conntrack/rare_parts.h"

namespace nf::ct {
namespace {

// A span of jiffies must fit 31 bits, with 250 of them in a second.
constexpr uint32_t kMostSeconds = INT32_MAX / 250;

// twin: IPS_UNCHANGEABLE_MASK
constexpr uint32_t kUnchangeable =
    kNatDoneMask | kNatMask | kExpected | kConfirmed | kDying | kSeqAdjust | kTemplate | kOffload;

Duration span(uint32_t seconds) { return std::min(seconds, kMostSeconds) * kSecond; }

// twin: nf_ct_change_status_common
int change_status(Connection& c, uint32_t status) {
  const uint32_t different = c.status ^ status;
  if ((different & (kExpected | kConfirmed | kDying)) != 0) return EBUSY;
  // These can be set only.
  if ((different & ~status & (kSeenReply | kAssured)) != 0) return EBUSY;
  c.status |= status & ~kUnchangeable;
  return 0;
}

// twin: nlattr_to_tcp
int change_tcp(TcpTrack& t, const TcpEntry& e) {
  if (e.state) {
    if (static_cast<size_t>(*e.state) >= kTcpStates) return EINVAL;
    t.state = *e.state;
  }
  for (size_t d = 0; d < 2; ++d) {
    if (!e.flags[d]) continue;
    uint8_t& flags = t.seen[d].flags;
    flags = static_cast<uint8_t>((flags & ~e.flags[d]->mask) | (e.flags[d]->value & e.flags[d]->mask));
  }
  if (e.scale[0] && e.scale[1] && (t.seen[0].flags & t.seen[1].flags & kTcpWindowScale) != 0) {
    t.seen[0].scale = *e.scale[0];
    t.seen[1].scale = *e.scale[1];
  }
  return 0;
}

// twin: nlattr_to_sctp
int change_sctp(SctpTrack& t, const SctpEntry& e) {
  if (!e.state || !e.vtag[0] || !e.vtag[1]) return EINVAL;
  t.state = *e.state;
  t.vtag[0] = *e.vtag[0];
  t.vtag[1] = *e.vtag[1];
  return 0;
}

// What the connection's protocol has no word for is left out. twin: ctnetlink_change_protoinfo
int change_protoinfo(Connection& c, const EntryState& s) {
  const uint8_t protocol = c.original().protocol;
  if (protocol == kProtoTcp && s.tcp) return change_tcp(c.tcp, *s.tcp);
  if (protocol == kProtoSctp && s.sctp) return change_sctp(c.sctp, *s.sctp);
  if (protocol == kProtoGre && s.gre) c.gre = *s.gre;
  return 0;
}

void change_seqadj(Connection& c, const std::array<SeqAdjust, 2>& adjust) {
  RareParts& rare = rare_parts(c);
  rare.has_seqadj = true;
  rare.seqadj[0] = adjust[0];
  rare.seqadj[1] = adjust[1];
  c.status |= kSeqAdjust;
}

const Helper* find_helper(Core& core, const std::string& name, const Connection& c) {
  return core.helpers.find(name, c.original().protocol);
}

// twin: ctnetlink_change_helper
int change_helper(Core& core, Connection& c, const std::string& name, Time now) {
  HelpPart* help = help_of(c);
  if (c.master != nullptr)
    return help != nullptr && help->helper != nullptr && help->helper->name() == name ? 0 : EBUSY;
  if (name.empty()) {
    if (help != nullptr && help->helper != nullptr) {
      core.expectations.remove_of(c, now);
      help->helper = nullptr;
    }
    return 0;
  }
  const Helper* helper = find_helper(core, name, c);
  if (helper == nullptr || help == nullptr) return EOPNOTSUPP;
  if (help->helper != helper) return EBUSY;
  helper->taken_over(c);
  return 0;
}

int build(Core& core, Connection& c, const EntryState& s, const NatSetup& nat, Time now) {
  if (!s.timeout) return EINVAL;
  if (s.helper) {
    const Helper* helper = find_helper(core, *s.helper, c);
    if (helper == nullptr) return EOPNOTSUPP;
    add_help(c).helper = helper;
    helper->taken_over(c);
    c.status |= kHelper;
  }
  if (s.source_nat || s.destination_nat) {
    if (!nat) return EOPNOTSUPP;
    if (!nat(c, s, now)) return ENOMEM;
  }
  c.status |= kConfirmed;
  c.expires = now + span(*s.timeout);
  if (s.status) {
    if (const int e = change_status(c, *s.status); e != 0) return e;
  }
  if (s.seqadj) change_seqadj(c, *s.seqadj);
  if (const int e = change_protoinfo(c, s); e != 0) return e;
  if (s.mark) c.mark = *s.mark;
  if (s.master) {
    CtDirection direction;
    Connection* master = core.find(*s.master, c.zone(), direction, now);
    if (master == nullptr) return ENOENT;
    c.status |= kExpected;
    Conntrack::get(*master);
    c.master = master;
  }
  if ((c.extensions & kExtTimestamp) != 0) c.started = now;
  return 0;
}

// twin: nf_conntrack_hash_check_insert
int insert(Core& core, Connection& c, Time now) {
  const Key original = Key::of(c.tuple[0]), reply = Key::of(c.tuple[1]);
  const uint64_t original_hash = core.table.hash(original), reply_hash = core.table.hash(reply);
  if (core.find_same(c, CtDirection::kOriginal, original, original_hash, now) != nullptr ||
      core.find_same(c, CtDirection::kReply, reply, reply_hash, now) != nullptr) {
    return EEXIST;
  }
  Conntrack::get(c);
  core.table.insert(original, original_hash, flow_of(c, CtDirection::kOriginal));
  core.table.insert(reply, reply_hash, flow_of(c, CtDirection::kReply));
  ++core.stats.insert;
  return 0;
}

// What ctnetlink tells of every connection it made or changed, told or not.
constexpr uint16_t kTold = kEventReply | kEventAssured | kEventHelper | kEventProtoinfo | kEventSeqAdjust | kEventMark;

}  // namespace

int Conntrack::create_entry(const EntryState& s, const NatSetup& nat, Time now) {
  Core& core = *core_;
  if (s.tuple[0].protocol != s.tuple[1].protocol) return EINVAL;
  CtDirection direction;
  if (core.find(s.tuple[0], ZoneIds{{s.tuple[0].zone, s.tuple[1].zone}}, direction, now) != nullptr) return EEXIST;
  Tuple original = s.tuple[0], reply = s.tuple[1];
  original.direction = CtDirection::kOriginal;
  reply.direction = CtDirection::kReply;
  Connection* c = core.create(original, reply, core.table.hash(Key::of(original)), now);
  if (c == nullptr) return ENOMEM;
  int failed = build(core, *c, s, nat, now);
  if (failed == 0) failed = insert(core, *c, now);
  if (failed == 0) {
    uint16_t events = kTold | (c->master != nullptr ? kEventRelated : kEventNew);
    if (s.labels) {
      rare_parts(*c).has_labels = true;
      c->rare->labels = *s.labels;
      events |= kEventLabel;
    }
    if ((c->extensions & kExtEvents) != 0) core.report(EventReport::Kind::kNew, *c, events, now);
  }
  put(*c);
  return failed;
}

int Conntrack::change_entry(Connection& c, const EntryState& s, Time now) {
  Core& core = *core_;
  if (s.source_nat || s.destination_nat || s.master) return EOPNOTSUPP;
  if (s.helper) {
    if (const int e = change_helper(core, c, *s.helper, now); e != 0) return e;
  }
  if (s.timeout) {
    if ((c.status & kFixedTimeout) != 0) return EPERM;
    c.expires = now + span(*s.timeout);
    if (c.dying()) return ETIME;
  }
  if (s.status) {
    if (const int e = change_status(c, *s.status); e != 0) return e;
  }
  if (const int e = change_protoinfo(c, s); e != 0) return e;
  if (s.mark) c.mark = *s.mark;
  // The kernel makes room for it when a connection is made by a rule or by hand, not later.
  if (s.seqadj && seqadj_of(c) != nullptr) change_seqadj(c, *s.seqadj);
  if (s.labels) {
    Labels* labels = labels_of(c);
    if (labels == nullptr) return ENOSPC;
    *labels = *s.labels;
  }
  if ((c.extensions & kExtEvents) != 0) core.report(EventReport::Kind::kUpdate, c, kTold | kEventLabel, now);
  return 0;
}

}  // namespace nf::ct
