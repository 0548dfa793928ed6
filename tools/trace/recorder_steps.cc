// An event as a step: its sentence, its fields, from which level on it is shown.
#include <linux/netfilter/nf_conntrack_common.h>

#include <algorithm>
#include <type_traits>

#include "datapath/base/text.h"
#include "datapath/hook/device.h"
#include "datapath/trace/endpoints_text.h"
#include "tools/trace/describe.h"
#include "tools/trace/recorder.h"

namespace nf::trace {
namespace {

std::string name_of(const Device* d) { return d == nullptr ? "-" : d->name; }
std::string str(std::string_view s) { return std::string(s); }
std::string number(uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

// What goes on behind a rule that matched.
std::string verdict_text(const RuleMatched& e) {
  switch (e.verdict) {
    case RuleVerdict::kAccept:
      return "ACCEPT";
    case RuleVerdict::kDrop:
      return "DROP";
    case RuleVerdict::kReturn:
      return "RETURN";
    case RuleVerdict::kJump:
      return "-> " + str(e.target);
    case RuleVerdict::kGoto:
      return "goto " + str(e.target);
    case RuleVerdict::kContinue:
      return "CONTINUE";
    case RuleVerdict::kOther:
      return "?";
  }
  return {};
}

// What conntrack -L shows in brackets.
std::string flags_text(uint32_t status) {
  if ((status & IPS_SEEN_REPLY) == 0) return " [UNREPLIED]";
  return (status & IPS_ASSURED) != 0 ? " [ASSURED]" : "";
}

std::string states_text(std::string_view before, std::string_view after) {
  if (after.empty()) return {};
  if (before.empty() || before == after) return " (" + str(after) + ')';
  return " (" + str(before) + " -> " + str(after) + ')';
}

std::string seconds(Duration d) { return strf("%lld", static_cast<long long>(d / kSecond)); }

// The half of the first packet's NAT that shows at `hook`: of an answer the other one.
ManipType half_at(HookPoint hook, bool reply) {
  const bool source = hook == HookPoint::kPostRouting || hook == HookPoint::kLocalIn;
  return source != reply ? ManipType::kSource : ManipType::kDestination;
}

bool is_inverse(const Endpoints& a, const Endpoints& b) {
  if (a.source != b.destination || a.destination != b.source) return false;
  return a.protocol == kProtoIcmp || (a.source_port == b.destination_port && a.destination_port == b.source_port);
}

std::vector<uint8_t> copy(const Packet& p) { return {p.bytes().begin(), p.bytes().end()}; }

}  // namespace

// --- which packet decided

Said Recorder::made_by(uint32_t connection) const {
  const auto at = origins_.find(connection);
  if (at == origins_.end()) return {"origin.unknown", {}, {}};
  if (at->second.packet == 0) return {"origin.before", {at->second.before}, {}};
  return {at->second.packet == story_.number ? "origin.this" : "origin.packet", {number(at->second.packet)}, {}};
}

Said Recorder::decided_by(uint32_t connection, ManipType half) const {
  const auto at = origins_.find(connection);
  if (at == origins_.end()) return {"origin.unknown", {}, {}};
  const Origin& origin = at->second;
  const Half& decided = origin.half[static_cast<size_t>(half)];
  if (decided.packet != 0)
    return {decided.rule.empty() ? "origin.helper" : "origin.rule", {number(decided.packet), decided.rule}, {}};
  if (origin.packet == 0) return {"origin.before", {origin.before}, {}};
  return {"origin.no_rule", {number(origin.packet)}, {}};
}

// --- hooks and rules

void Recorder::leave_hook(Track& t) {
  if (t.in_hook && !t.nat_told) skip_nat(t, t.hook, NatSkip::kNoNatChainAtHook, 0);
  t.in_hook = false;
}

void Recorder::tell(Track& t, const Packet& p, const HookEntered& e) {
  leave_hook(t);
  t.in_hook = t.hooked = true;
  t.post_routed |= e.hook == HookPoint::kPostRouting;
  t.nat_told = false;
  t.hook = e.hook;
  t.in = e.in;
  t.out = e.out;
  const std::string in = name_of(e.in), out = name_of(e.out);
  Step& step =
      add(t, StepKind::kHook, Level::kDecisions, {"step.hook", {str(hook_name(e.hook)), in, out, describe(p)}, {}});
  step.fields = {{"in", in}, {"out", out}, {"description", describe(p)}};
  if (options_.keep_bytes) step.bytes = copy(p);
}

namespace {

template <class RuleEvent>
void set_rule(Step& step, const RuleEvent& e) {
  step.table = e.table;
  step.chain = e.chain;
  step.number = e.number;
  step.rule = trim(e.rule);
}

}  // namespace

void Recorder::tell(Track& t, const RuleMatched& e) {
  const bool end = e.target.empty() && e.verdict == RuleVerdict::kReturn && e.rule.empty();
  // Where the walk goes on decides nothing yet; a RETURN from a built-in chain is followed by the policy it leads to.
  const bool passage =
      end || e.verdict == RuleVerdict::kJump || e.verdict == RuleVerdict::kGoto || e.verdict == RuleVerdict::kReturn;
  Step& step = add(t, StepKind::kRule, passage ? Level::kEverything : Level::kDecisions, {});
  set_rule(step, e);
  step.verdict = e.verdict;
  step.end_of_chain = end;
  step.target = e.target;
  step.said = end ? Said{"step.end_of_chain", {step.place()}, {}}
                  : Said{"step.rule", {step.place(), verdict_text(e), step.rule}, {}};
  t.last_rule = step.place();
  if (e.table == "nat") t.nat_told = true;
}

void Recorder::tell(Track& t, const RuleMissed& e) {
  Step& step = add(t, StepKind::kMiss, Level::kEverything, {});
  set_rule(step, e);
  step.said = {e.only ? "step.miss_only" : "step.miss", {step.place(), step.rule}, {*e.why}};
  step.fields = {{"only", e.only ? "true" : "false"}};
}

void Recorder::tell(Track& t, const PolicyReached& e) {
  Step& step = add(t, StepKind::kPolicy, e.accept ? Level::kEverything : Level::kDecisions, {});
  step.table = e.table;
  step.chain = e.chain;
  step.number = e.number;
  step.verdict = e.accept ? RuleVerdict::kAccept : RuleVerdict::kDrop;
  t.last_rule = step.table + ':' + step.chain + ":policy";
  step.said = {"step.policy", {t.last_rule, e.accept ? "ACCEPT" : "DROP"}, {}};
  if (e.table == "nat") t.nat_told = true;
}

// --- connections and NAT

void Recorder::tell(Track& t, const ConntrackSeen& e) {
  const std::string ctinfo = str(ctinfo_name(e.ctinfo));
  Step& step = add(t, StepKind::kConntrack, Level::kDecisions, {});
  step.fields = {{"ctinfo", ctinfo}};
  if (e.ctinfo == CtInfo::kUntracked) {
    step.said = {"step.ct_untracked", {}, {}};
    return;
  }
  if (e.ctinfo == CtInfo::kNone) {
    t.invalid = e.invalid != nullptr ? *e.invalid : Said{"invalid.unknown", {}, {}};
    step.said = {"step.ct_invalid", {}, {t.invalid}};
    return;
  }
  const std::string original = endpoints_text(e.original), reply = endpoints_text(e.reply);
  step.fields.insert(step.fields.end(), {{"original", original},
                                         {"reply", reply},
                                         {"id", number(e.id)},
                                         {"before", str(e.before)},
                                         {"after", str(e.after)},
                                         {"timeout", seconds(e.timeout)},
                                         {"status", strf("0x%x", e.status)},
                                         {"zone", number(e.zone)},
                                         {"created", e.created ? "true" : "false"}});
  if (e.created) {
    // What a helper expected was translated before it is told.
    Origin& origin = origins_[e.id];
    if (origin.packet != story_.number) origin = {};
    origin.packet = story_.number;
  }
  if (e.carried)
    step.said = {
        t.pass != 0 || story_.continues != 0 ? "step.ct_carried" : "step.ct_attached", {ctinfo, original, reply}, {}};
  else if (e.created)
    step.said = {"step.ct_new", {ctinfo, original, reply, states_text({}, e.after), seconds(e.timeout)}, {}};
  else
    step.said = {"step.ct_found",
                 {ctinfo, original, reply, states_text(e.before, e.after), seconds(e.timeout), flags_text(e.status)},
                 {made_by(e.id)}};
}

void Recorder::tell(Track& t, const ConntrackConfirmed& e) {
  Step& step = add(t, StepKind::kConfirmed, Level::kEverything, {"step.confirmed", {endpoints_text(e.reply)}, {}});
  step.fields = {{"original", endpoints_text(e.original)},
                 {"reply", endpoints_text(e.reply)},
                 {"id", number(e.id)},
                 {"timeout", seconds(e.timeout)}};
}

void Recorder::skip_nat(const Track& t, HookPoint hook, NatSkip reason, uint32_t connection) {
  Said because;
  Level level = Level::kDecisions;
  switch (reason) {
    case NatSkip::kInvalid:
      if (t.invalid) because = {"origin.because", {}, {t.invalid}};
      break;
    case NatSkip::kEstablished:
    case NatSkip::kEstablishedReply:
    case NatSkip::kManipAlreadyDone:
      because = decided_by(connection, half_at(hook, reason == NatSkip::kEstablishedReply));
      break;
    case NatSkip::kDroppedBefore:
      because = {"origin.dropped_at", {t.in_hook ? str(hook_name(t.hook)) : "-", t.last_rule}, {}};
      level = Level::kEverything;
      break;
    case NatSkip::kNullBindingNoRuleMatched:
    case NatSkip::kNoNatChainAtHook:
      level = Level::kEverything;
      break;
    default:
      break;
  }
  const char* key = reason == NatSkip::kNullBindingNoRuleMatched ? "step.nat_without_effect" : "step.nat_skipped";
  Step& step = add(t, StepKind::kNatSkipped, level,
                   {key, {str(hook_name(hook))}, {{str(nat_skip_key(reason)), {}, {}}, because}});
  step.in_hook = true;
  step.hook = hook;
  step.fields = {{"reason", str(nat_skip_name(reason))}};
}

void Recorder::tell(Track& t, const NatSkipped& e) {
  t.nat_told = true;
  skip_nat(t, e.hook, e.reason, e.id);
}

void Recorder::tell(Track& t, const NatSetUp& e) {
  t.nat_told = true;
  const bool source = e.manip == ManipType::kSource;
  const bool by_rule = t.last_rule.starts_with("nat:");
  if (!e.null_binding) {
    Origin& origin = origins_[e.id];
    if (origin.packet != story_.number) origin = {};
    origin.packet = story_.number;
    origin.half[static_cast<size_t>(e.manip)] = {story_.number, by_rule ? t.last_rule : std::string()};
  }
  // A null binding is a decision only where it had to change something after all.
  const bool changed = source && !is_inverse(e.original, e.reply) && e.original.source_port != e.reply.destination_port;
  const char* key = e.null_binding ? (source ? "step.nat_null_source" : "step.nat_null_destination")
                                   : (source ? "step.nat_source" : "step.nat_destination");
  Said choice;
  if (e.choice != nullptr) choice = {"origin.choice", {}, {*e.choice}};
  Step& step = add(t, StepKind::kNatSetUp, !e.null_binding || changed ? Level::kDecisions : Level::kEverything,
                   {key, {str(hook_name(e.hook)), endpoints_text(e.reply), str(e.range)}, {choice}});
  step.fields = {{"manip", source ? "source" : "destination"},
                 {"null_binding", e.null_binding ? "true" : "false"},
                 {"original", endpoints_text(e.original)},
                 {"reply", endpoints_text(e.reply)},
                 {"range", str(e.range)},
                 {"id", number(e.id)}};
}

void Recorder::tell(Track& t, const NatRewrote& e) {
  const bool source = e.manip == ManipType::kSource;
  const std::string before = endpoints_text(e.before), after = endpoints_text(e.after);
  const char* key = e.reply_direction ? (source ? "step.nat_undo_source" : "step.nat_undo_destination")
                                      : (source ? "step.nat_rewrote_source" : "step.nat_rewrote_destination");
  Step& step = add(t, StepKind::kNatRewrote, Level::kDecisions, {key, {str(hook_name(e.hook)), before, after}, {}});
  step.fields = {{"manip", source ? "source" : "destination"},
                 {"implicit", e.reply_direction ? "true" : "false"},
                 {"before", before},
                 {"after", after}};
}

// --- ways

void Recorder::tell(Track& t, const Routed& e) {
  if (!t.in_hook || t.hook != HookPoint::kLocalOut) leave_hook(t);  // OUTPUT may route anew and go on
  t.forwarded = e.type == RouteType::kUnicast;
  const std::string out = name_of(e.out), nexthop = format_ipv4(e.nexthop);
  Said how;
  if (!e.route.empty()) how = {"route.how", {str(e.rule), str(e.route)}, {}};
  Said source;
  if (!e.source.is_zero()) source = {"route.source", {format_ipv4(e.source)}, {}};
  const char* key = e.type == RouteType::kUnicast ? "step.route"
                    : e.type == RouteType::kLocal ? "step.route_local"
                                                  : "step.route_other";
  Step& step =
      add(t, StepKind::kRoute, Level::kDecisions, {key, {str(route_type_name(e.type)), out, nexthop}, {how, source}});
  step.fields = {{"type", str(route_type_name(e.type))},
                 {"out", out},
                 {"nexthop", nexthop},
                 {"rule", str(e.rule)},
                 {"route", str(e.route)}};
}

void Recorder::tell(Track& t, const NeighbourAsked& e) {
  leave_hook(t);
  static constexpr const char* kKeys[] = {"step.neighbour_known", "step.neighbour_asked", "step.neighbour_waits",
                                          "step.neighbour_failed"};
  static constexpr const char* kNames[] = {"known", "asked", "waits", "failed"};
  const auto answer = static_cast<size_t>(e.answer);
  std::string mac;
  if (e.answer == NeighbourAnswer::kKnown) mac = format_mac(e.mac);
  Step& step =
      add(t, StepKind::kNeighbour, e.answer == NeighbourAnswer::kKnown ? Level::kEverything : Level::kDecisions,
          {kKeys[answer], {format_ipv4(e.address), name_of(e.device), mac}, {}});
  step.fields = {
      {"address", format_ipv4(e.address)}, {"device", name_of(e.device)}, {"answer", kNames[answer]}, {"mac", mac}};
}

void Recorder::tell(Track& t, const Bridged& e) {
  leave_hook(t);
  const std::string bridge = name_of(e.bridge), in = name_of(e.in), out = name_of(e.out);
  const char* key = e.out == nullptr  ? "step.bridge_up"
                    : e.in == nullptr ? (e.flooded ? "step.bridge_flood_from_router" : "step.bridge_from_router")
                                      : (e.flooded ? "step.bridge_flood" : "step.bridge_forward");
  Step& step = add(t, StepKind::kBridge, e.out == nullptr ? Level::kEverything : Level::kDecisions,
                   {key, {bridge, in, out}, {}});
  step.fields = {{"bridge", bridge}, {"in", in}, {"out", out}, {"flooded", e.flooded ? "true" : "false"}};
}

// --- ends

void Recorder::tell(Track& t, const Packet& p, const Sent& e) {
  leave_hook(t);
  const bool framed = e.device->kind != DeviceKind::kRawIp;
  const std::string device = name_of(e.device), as = framed ? describe_frame(p.bytes()) : describe(p);
  const auto waited = t.stray ? waiting_.find(&p) : waiting_.end();
  Said said{"step.sent", {device, as}, {}};
  if (waited != waiting_.end()) {
    said = {"step.sent_waited", {device, as, number(waited->second)}, {}};
    waiting_.erase(waited);
  }
  Step& step = add(t, StepKind::kSent, t.made != 0 || t.stray ? Level::kDecisions : Level::kEverything, said);
  step.fields = {{"device", device}, {"description", as}};
  if (said.values.size() > 2) step.fields.push_back({"waited", said.values[2]});
  if (options_.keep_bytes) step.bytes = copy(p);
  step.at_link = e.device->kind != DeviceKind::kRawIp;
  t.over_lo = e.device->kind == DeviceKind::kLoopback;
}

void Recorder::tell(Track& t, const Packet& p, const Delivered&) {
  leave_hook(t);
  Step& step = add(t, StepKind::kDelivered, Level::kEverything, {"step.delivered", {describe(p)}, {}});
  step.fields = {{"description", describe(p)}};
  if (options_.keep_bytes) step.bytes = copy(p);
}

void Recorder::tell(Track& t, const Dropped& e) {
  const Said reason{str(drop_reason_key(e.reason)), {}, {}};
  const std::string hook = e.at_hook ? str(hook_name(e.hook)) : std::string();
  const bool by_rule = e.at_hook && t.in_hook && !t.last_rule.empty();
  Step& step = add(t, StepKind::kDropped, t.made != 0 ? Level::kDecisions : Level::kEverything,
                   {by_rule     ? "step.dropped_by"
                    : e.at_hook ? "step.dropped_at"
                                : "step.dropped",
                    {hook, by_rule ? t.last_rule : std::string()},
                    {reason}});
  step.in_hook = e.at_hook;
  step.hook = e.hook;
  step.fields = {{"reason", str(drop_reason_name(e.reason))}, {"by", by_rule ? t.last_rule : std::string()}};
  if (const auto waited = waiting_.find(t.packet); waited != waiting_.end()) {
    step.fields.push_back({"waited", number(waited->second)});
    waiting_.erase(waited);
  }
  if (e.at_hook && t.in_hook && !t.nat_told && e.hook != HookPoint::kForward)
    skip_nat(t, e.hook, NatSkip::kDroppedBefore, 0);
  else if (t.forwarded && !t.post_routed)
    skip_nat(t, HookPoint::kPostRouting, NatSkip::kDroppedBefore, 0);
  t.in_hook = false;
}

void Recorder::add_step(Track& t, const Packet& p, const Event& event) {
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, HookEntered> || std::is_same_v<E, Sent> || std::is_same_v<E, Delivered>) {
          tell(t, p, e);
        } else if constexpr (std::is_same_v<E, ExpectationMade>) {
          add(t, StepKind::kExpectationMade, Level::kDecisions,
              {"step.expects", {str(e.helper), endpoints_text(e.expected)}, {}})
              .fields = {{"helper", str(e.helper)}, {"expected", endpoints_text(e.expected)}};
        } else if constexpr (std::is_same_v<E, ExpectationMet>) {
          add(t, StepKind::kExpectationMet, Level::kDecisions,
              {"step.expected", {str(e.helper), endpoints_text(e.master)}, {}})
              .fields = {{"helper", str(e.helper)}, {"master", endpoints_text(e.master)}};
        } else if constexpr (std::is_same_v<E, PayloadMangled>) {
          add(t, StepKind::kPayload, Level::kDecisions, {"step.payload", {str(e.helper), strf("%+d", e.longer)}, {}})
              .fields = {{"helper", str(e.helper)}, {"longer", strf("%d", e.longer)}};
        } else if constexpr (std::is_same_v<E, SequenceAdjusted>) {
          add(t, StepKind::kSequence, Level::kEverything,
              {"step.sequence", {strf("%+d", e.sequence), strf("%+d", e.acknowledgement)}, {}})
              .fields = {{"sequence", strf("%d", e.sequence)}, {"acknowledgement", strf("%d", e.acknowledgement)}};
        } else if constexpr (std::is_same_v<E, TtlDecremented>) {
          add(t, StepKind::kTtl, Level::kEverything, {"step.ttl", {number(e.from), number(e.to)}, {}}).fields = {
              {"from", number(e.from)}, {"to", number(e.to)}};
        } else if constexpr (std::is_same_v<E, FragmentHeld>) {
          add(t, StepKind::kFragment, Level::kDecisions,
              {"step.fragment_held", {number(e.offset), number(e.length)}, {}})
              .fields = {{"what", "held"}, {"offset", number(e.offset)}, {"length", number(e.length)}};
        } else if constexpr (std::is_same_v<E, Reassembled>) {
          add(t, StepKind::kFragment, Level::kDecisions,
              {"step.reassembled", {number(e.fragments), number(e.length)}, {}})
              .fields = {{"what", "joined"}, {"fragments", number(e.fragments)}, {"length", number(e.length)}};
        } else if constexpr (std::is_same_v<E, Fragmented>) {
          add(t, StepKind::kFragment, Level::kDecisions, {"step.fragmented", {number(e.mtu)}, {}}).fields = {
              {"what", "cut"}, {"mtu", number(e.mtu)}};
        } else if constexpr (std::is_same_v<E, Noted>) {
          add(t, StepKind::kNote, Level::kDecisions, {"step.note", {}, {*e.said}});
        } else if constexpr (!std::is_same_v<E, Received>) {
          tell(t, e);
        }
      },
      event);
}

}  // namespace nf::trace
