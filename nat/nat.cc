#include "nat/nat.h"

#include "conntrack/endpoints.h"
#include "conntrack/entry_state.h"
#include "conntrack/rare_parts.h"
#include "nat/bysource.h"
#include "nat/manip_packet.h"
#include "nat/range_text.h"
#include "nat/unique_tuple.h"

namespace nf::nat {
namespace {

// twin: HOOK2MANIP
ManipType manip_of(HookPoint hook) {
  return hook == HookPoint::kPostRouting || hook == HookPoint::kLocalIn ? ManipType::kSource : ManipType::kDestination;
}

// What the packet carries at this moment; ICMP errors show type and code as every ICMP does.
trace::Endpoints endpoints(const Packet& p) {
  trace::Endpoints e{p.ip().source, p.ip().destination, 0, 0, p.ip().protocol};
  const std::span<const uint8_t> l4 = p.transport();
  if (e.protocol == kProtoIcmp) {
    if (const IcmpHeader* icmp = view<IcmpHeader>(l4); icmp != nullptr) {
      e.source_port = icmp->id.host();
      e.destination_port = static_cast<uint16_t>(icmp->type << 8 | icmp->code);
    }
  } else if (e.protocol == kProtoTcp || e.protocol == kProtoUdp || e.protocol == kProtoUdplite ||
             e.protocol == kProtoSctp) {
    if (const UdpHeader* ports = view<UdpHeader>(l4); ports != nullptr) {
      e.source_port = ports->source.host();
      e.destination_port = ports->destination.host();
    }
  }
  return e;
}

Verdict drop(Packet& p, DropReason reason) {
  p.drop_reason = static_cast<uint8_t>(reason);
  return Verdict::kDrop;
}

void tell_skipped(const Packet& p, const HookState& state, NatSkip reason) {
  if (state.trace == nullptr) return;
  const ct::Connection* c = ct::connection_of(p.ct);
  state.trace->event(p, trace::NatSkipped{state.hook, reason, c != nullptr ? c->id : 0});
}

void tell_note(const Packet& p, const HookState& state, const char* key, std::vector<std::string> values) {
  const Said said{key, std::move(values), {}};
  state.trace->event(p, trace::Noted{&said});
}

// The connection leaves by another device than the one whose address it was given. twin: nf_nat_oif_changed
bool oif_changed(const ct::Connection& c, const Packet& p, const HookState& state) {
  return c.nat.masquerade_ifindex != 0 && state.hook == HookPoint::kPostRouting &&
         direction_of(p.ctinfo) == CtDirection::kOriginal && state.out != nullptr &&
         c.nat.masquerade_ifindex != state.out->ifindex;
}

size_t bysource_buckets(SysctlTable& sysctl) {
  // nf_nat_htable_size is nf_conntrack_htable_size at load, and never less than the number of locks.
  const auto buckets = sysctl.get("net.netfilter.nf_conntrack_buckets");
  return buckets.ok() && *buckets > 1024 ? static_cast<size_t>(*buckets) : 1024;
}

}  // namespace

struct Nat::Impl {
  Stack& stack;
  ct::Conntrack& conntrack;
  ipt::Iptables& iptables;
  // Shared with Conntrack::on_destroy, which may outlive this object.
  std::shared_ptr<BySource> by_source;
  PortSearch* port_search = nullptr;
  const ct::ExpectFunction follow{
      "nat-follow-master", [this](Packet& p, ct::Connection& c, const ct::Expectation& e, const HookState& state) {
        follow_master(p, c, e, state);
      }};
  bool hooked = false;

  Impl(Stack& s, ct::Conntrack& c, ipt::Iptables& i)
      : stack(s),
        conntrack(c),
        iptables(i),
        by_source(std::make_shared<BySource>(bysource_buckets(s.sysctl()), s.random().u64())) {}

  void hook(Nat& nat);
  void unhook(Nat& nat);

  Verdict nf_nat_ipv4_fn(PacketPtr& p, const HookState& state);
  Verdict nf_nat_inet_fn(PacketPtr& p, ct::Connection& c, const HookState& state);
  // Decides this half of a new connection by the nat table or, failing that, a null binding.
  Verdict consult_rules(PacketPtr& p, ct::Connection& c, ManipType manip, const HookState& state);
  Verdict icmp_error(Packet& p, const ct::Connection& c, const HookState& state);
  Verdict nf_nat_packet(Packet& p, const ct::Connection& c, const HookState& state);
  Verdict setup_info(Packet& p, ct::Connection& c, const Range& range, ManipType manip, bool null_binding,
                     const HookState& state);
  // False: this half was decided already.
  // `told`: how it was decided ("choice.*"); null: nobody wants to know.
  bool decide(ct::Connection& c, const Range& range, ManipType manip, Time now, Said* told);
  Verdict alloc_null_binding(Packet& p, ct::Connection& c, ManipType manip, const HookState& state);
  void follow_master(Packet& p, ct::Connection& c, const ct::Expectation& e, const HookState& state);
  template <class Doomed>
  void kill_if(Doomed doomed, Time now);
};

// --- hooks

namespace {

Verdict pre_routing(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Nat*>(self)->nf_nat_ipv4_pre_routing(p, state);
}
Verdict local_in(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Nat*>(self)->nf_nat_ipv4_local_in(p, state);
}
Verdict local_out(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Nat*>(self)->nf_nat_ipv4_local_fn(p, state);
}
Verdict post_routing(void* self, PacketPtr& p, const HookState& state) {
  return static_cast<Nat*>(self)->nf_nat_ipv4_out(p, state);
}

struct HookOps {
  HookPoint hook;
  int priority;
  HookFunction function;
};
// twin: nf_nat_ipv4_ops
constexpr HookOps kHookOps[] = {
    {HookPoint::kPreRouting, priority::kNatDst, pre_routing},
    {HookPoint::kPostRouting, priority::kNatSrc, post_routing},
    {HookPoint::kLocalOut, priority::kNatDst, local_out},
    {HookPoint::kLocalIn, priority::kNatSrc, local_in},
};

}  // namespace

void Nat::Impl::hook(Nat& nat) {
  if (hooked) return;
  hooked = true;
  for (const HookOps& o : kHookOps) stack.hooks().add(o.hook, o.priority, o.function, &nat);
}

void Nat::Impl::unhook(Nat& nat) {
  if (!hooked) return;
  hooked = false;
  for (const HookOps& o : kHookOps) stack.hooks().remove(o.hook, o.function, &nat);
}

Nat::Nat(Stack& stack, ct::Conntrack& conntrack, ipt::Iptables& iptables)
    : impl_(std::make_unique<Impl>(stack, conntrack, iptables)) {
  conntrack.on_destroy([by_source = impl_->by_source](ct::Connection& c) { by_source->remove(c); });
  iptables.on_nat_table([](void* self) { static_cast<Nat*>(self)->impl_->hook(*static_cast<Nat*>(self)); }, this);
  if (iptables.has_table(ipt::TableId::kNat)) impl_->hook(*this);
}

Nat::~Nat() { impl_->unhook(*this); }

Verdict Nat::nf_nat_ipv4_pre_routing(PacketPtr& p, const HookState& state) {
  const Be32 destination = p->ip().destination;
  const Verdict v = impl_->nf_nat_ipv4_fn(p, state);
  if (v == Verdict::kAccept && destination != p->ip().destination) p->dst = Dst{};
  return v;
}

// The kernel's twin also lets go of a socket found before the rewrite; there are no sockets here.
Verdict Nat::nf_nat_ipv4_local_in(PacketPtr& p, const HookState& state) { return impl_->nf_nat_ipv4_fn(p, state); }

Verdict Nat::nf_nat_ipv4_out(PacketPtr& p, const HookState& state) { return impl_->nf_nat_ipv4_fn(p, state); }

Verdict Nat::nf_nat_ipv4_local_fn(PacketPtr& p, const HookState& state) {
  const Verdict v = impl_->nf_nat_ipv4_fn(p, state);
  if (v != Verdict::kAccept || p->ct == 0) return v;
  const ct::Connection& c = *ct::connection_of(p->ct);
  const auto direction = static_cast<size_t>(direction_of(p->ctinfo));
  if (c.tuple[direction].destination != c.tuple[1 - direction].source &&
      !impl_->stack.route_me_harder(*p, RouteType::kUnspec)) {
    return drop(*p, DropReason::kNoRoute);
  }
  return v;
}

// --- the core

Verdict Nat::Impl::nf_nat_ipv4_fn(PacketPtr& p, const HookState& state) {
  if (p->ct == 0) {
    tell_skipped(*p, state,
                 p->ctinfo == CtInfo::kUntracked ? NatSkip::kUntracked
                 : conntrack.active()            ? NatSkip::kInvalid
                                                 : NatSkip::kNoConntrackHooks);
    return Verdict::kAccept;
  }
  ct::Connection& c = *ct::connection_of(p->ct);
  if ((p->ctinfo == CtInfo::kRelated || p->ctinfo == CtInfo::kRelatedReply) && p->ip().protocol == kProtoIcmp)
    return icmp_error(*p, c, state);
  return nf_nat_inet_fn(p, c, state);
}

Verdict Nat::Impl::icmp_error(Packet& p, const ct::Connection& c, const HookState& state) {
  tell_skipped(p, state, p.ctinfo == CtInfo::kRelated ? NatSkip::kEstablished : NatSkip::kEstablishedReply);
  const ManipType manip = manip_of(state.hook);
  const CtDirection direction = direction_of(p.ctinfo);
  const trace::Endpoints before = state.trace != nullptr ? endpoints(p) : trace::Endpoints{};
  if (!nf_nat_icmp_reply_translation(p, c, manip, direction)) return drop(p, DropReason::kNatIcmp);
  if (state.trace != nullptr && must_rewrite(c, manip, direction))
    state.trace->event(p, trace::NatRewrote{state.hook, manip, direction == CtDirection::kReply, before, endpoints(p)});
  return Verdict::kAccept;
}

Verdict Nat::Impl::nf_nat_inet_fn(PacketPtr& p, ct::Connection& c, const HookState& state) {
  const ManipType manip = manip_of(state.hook);
  const bool established = p->ctinfo == CtInfo::kEstablished || p->ctinfo == CtInfo::kEstablishedReply;
  if (!established && !c.nat_initialized(manip == ManipType::kSource)) {
    const Verdict v = consult_rules(p, c, manip, state);
    if (v != Verdict::kAccept) return v;
  } else {
    tell_skipped(*p, state,
                 !established                        ? NatSkip::kManipAlreadyDone
                 : p->ctinfo == CtInfo::kEstablished ? NatSkip::kEstablished
                                                     : NatSkip::kEstablishedReply);
    if (oif_changed(c, *p, state)) {
      if (state.trace != nullptr) {
        const Device* given = stack.device_by_index(c.nat.masquerade_ifindex);
        tell_note(*p, state, "remark.nat_out_changed",
                  {given != nullptr ? given->name : std::to_string(c.nat.masquerade_ifindex), state.out->name});
      }
      if (c.confirmed()) conntrack.kill_counting(c, *p, state.now);
      return drop(*p, DropReason::kNatOutChanged);
    }
  }
  return nf_nat_packet(*p, c, state);
}

Verdict Nat::Impl::consult_rules(PacketPtr& p, ct::Connection& c, ManipType manip, const HookState& state) {
  if (!iptables.has_table(ipt::TableId::kNat)) {
    tell_skipped(*p, state, NatSkip::kNoNatChainAtHook);
    return alloc_null_binding(*p, c, manip, state);
  }
  const Verdict v = iptables.do_table(ipt::TableId::kNat, p, state);
  if (v != Verdict::kAccept) return v;
  if (c.nat_initialized(manip == ManipType::kSource)) return Verdict::kAccept;
  tell_skipped(*p, state, NatSkip::kNullBindingNoRuleMatched);
  return alloc_null_binding(*p, c, manip, state);
}

Verdict Nat::Impl::alloc_null_binding(Packet& p, ct::Connection& c, ManipType manip, const HookState& state) {
  // The address as the reply tuple has it: the other half may have changed it already.
  Range range;
  range.flags = kRangeMapIps;
  range.min_address = manip == ManipType::kSource ? c.reply().destination : c.reply().source;
  range.max_address = range.min_address;
  return setup_info(p, c, range, manip, true, state);
}

bool Nat::Impl::decide(ct::Connection& c, const Range& range, ManipType manip, Time now, Said* told) {
  const bool source = manip == ManipType::kSource;
  if (c.nat_initialized(source)) return false;
  ct::Tuple current;
  ct::Conntrack::invert(current, c.reply());
  current.zone = c.original().zone;
  std::optional<Choice> choice;
  if (told != nullptr) choice.emplace();
  const TupleSpace space{conntrack, *by_source, stack.random(), port_search, now, choice ? &*choice : nullptr};
  const ct::Tuple chosen = get_unique_tuple(current, range, c, manip, space);
  if (choice) *told = choice->said(current, chosen, range, manip, holder_text(chosen, c, space));
  if (!chosen.same_key(current)) {
    ct::Tuple reply;
    ct::Conntrack::invert(reply, chosen);
    conntrack.alter_reply(c, reply);
    c.status |= source ? ct::kSrcNat : ct::kDstNat;
    // Its helper may change the length of what is said.
    if (ct::help_of(c) != nullptr) ct::rare_parts(c).has_seqadj = true;
  }
  if (source) by_source->add(c);
  c.status |= source ? ct::kSrcNatDone : ct::kDstNatDone;
  return true;
}

Verdict Nat::Impl::setup_info(Packet& p, ct::Connection& c, const Range& range, ManipType manip, bool null_binding,
                              const HookState& state) {
  if (c.confirmed()) return Verdict::kAccept;
  if (state.trace == nullptr)
    return decide(c, range, manip, state.now, nullptr) ? Verdict::kAccept : drop(p, DropReason::kNatSetup);
  Said choice;
  if (!decide(c, range, manip, state.now, &choice)) return drop(p, DropReason::kNatSetup);
  // Nobody asked a null binding for anything: that it stays as it is was no choice.
  if (null_binding && choice.key == "choice.kept") choice = {};
  std::string text;
  if (!null_binding) {
    text = format_range(range);
    append_flags(text, "", range);
  }
  state.trace->event(p, trace::NatSetUp{state.hook, manip, null_binding, endpoints(c.original()), endpoints(c.reply()),
                                        c.id, text, choice ? &choice : nullptr});
  return Verdict::kAccept;
}

Verdict Nat::Impl::nf_nat_packet(Packet& p, const ct::Connection& c, const HookState& state) {
  const ManipType manip = manip_of(state.hook);
  const CtDirection direction = direction_of(p.ctinfo);
  if (!must_rewrite(c, manip, direction)) return Verdict::kAccept;
  const trace::Endpoints before = state.trace != nullptr ? endpoints(p) : trace::Endpoints{};
  if (!nf_nat_manip_pkt(p, c, manip, direction)) return drop(p, DropReason::kNatMangle);
  if (state.trace != nullptr)
    state.trace->event(p, trace::NatRewrote{state.hook, manip, direction == CtDirection::kReply, before, endpoints(p)});
  return Verdict::kAccept;
}

Verdict Nat::setup_info(Packet& p, ct::Connection& c, const Range& range, ManipType manip, const HookState& state) {
  return impl_->setup_info(p, c, range, manip, false, state);
}

bool Nat::setup_entry(ct::Connection& c, const ct::EntryState& state, Time now) {
  // The address as the reply tuple has it where nothing is wanted of a half: a null binding.
  const auto half = [&](const std::optional<ct::NatHalf>& wanted, ManipType manip) {
    Range range;
    if (!wanted) {
      range.flags = kRangeMapIps;
      range.min_address = manip == ManipType::kSource ? c.reply().destination : c.reply().source;
    } else {
      if (wanted->address) {
        range.flags |= kRangeMapIps;
        range.min_address = *wanted->address;
      }
      if (wanted->port) {
        range.flags |= kRangeProtoSpecified;
        range.min_port = range.max_port = *wanted->port;
      }
    }
    range.max_address = range.min_address;
    return impl_->decide(c, range, manip, now, nullptr);
  };
  return half(state.destination_nat, ManipType::kDestination) && half(state.source_nat, ManipType::kSource);
}

// Its source is changed to where the master sends to, its destination to where the master comes from. When no tuple can
// be had it is dropped at confirm.
void Nat::Impl::follow_master(Packet& p, ct::Connection& c, const ct::Expectation& e, const HookState& state) {
  const ct::Tuple& answer = c.master->tuple[e.direction == CtDirection::kOriginal ? 1 : 0];
  Range range;
  range.flags = kRangeMapIps;
  range.min_address = range.max_address = answer.destination;
  setup_info(p, c, range, ManipType::kSource, false, state);
  range.flags |= kRangeProtoSpecified;
  range.min_port = range.max_port = e.saved_id;
  range.min_address = range.max_address = answer.source;
  setup_info(p, c, range, ManipType::kDestination, false, state);
}

const ct::ExpectFunction& Nat::follow_master() const { return impl_->follow; }
void Nat::set_port_search(PortSearch* search) { impl_->port_search = search; }
ct::Conntrack& Nat::conntrack() { return impl_->conntrack; }

// --- masquerade and redirect

Verdict Nat::masquerade(Packet& p, const Range& range, const HookState& state) {
  ct::Connection& c = *ct::connection_of(p.ct);
  // A host without an address yet (DHCP): leave it alone.
  if (c.original().source.is_zero()) return Verdict::kAccept;
  const Be32 next = p.dst.via_gateway ? p.dst.nexthop : p.ip().destination;
  const std::optional<Be32> source = impl_->stack.select_address(*state.out, next, RouteScope::kUniverse);
  if (!source || source->is_zero()) {
    impl_->stack.log(state.out->name + " ate my IP address");
    if (state.trace != nullptr) tell_note(p, state, "remark.nat_no_address", {state.out->name});
    return drop(p, DropReason::kNatNoAddress);
  }
  c.nat.masquerade_ifindex = state.out->ifindex;
  Range chosen = range;
  chosen.flags |= kRangeMapIps;
  chosen.min_address = chosen.max_address = *source;
  return setup_info(p, c, chosen, ManipType::kSource, state);
}

Verdict Nat::redirect(Packet& p, const Range& range, const HookState& state) {
  ct::Connection& c = *ct::connection_of(p.ct);
  std::optional<Be32> to = ip4(127, 0, 0, 1);
  if (state.hook != HookPoint::kLocalOut) to = impl_->stack.first_address(*state.in);
  if (!to || to->is_zero()) {
    if (state.trace != nullptr) tell_note(p, state, "remark.nat_no_address", {state.in->name});
    return drop(p, DropReason::kNatNoAddress);
  }
  Range chosen = range;
  chosen.flags |= kRangeMapIps;
  chosen.min_address = chosen.max_address = *to;
  return setup_info(p, c, chosen, ManipType::kDestination, state);
}

template <class Doomed>
void Nat::Impl::kill_if(Doomed doomed, Time now) {
  conntrack.for_each([&](ct::Connection& c) {
    if (doomed(c)) conntrack.kill(c, now);
  });
}

void Nat::device_down(int ifindex, Time now) {
  impl_->kill_if([=](const ct::Connection& c) { return c.nat.masquerade_ifindex == ifindex; }, now);
}

void Nat::address_removed(int ifindex, Be32 address, Time now) {
  impl_->kill_if(
      [=](const ct::Connection& c) { return c.nat.masquerade_ifindex == ifindex && c.reply().destination == address; },
      now);
}

}  // namespace nf::nat
