#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <cstring>

#include "datapath/iptables/explain_miss.h"
#include "datapath/iptables/held_events.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/program.h"
#include "datapath/iptables/program_key.h"

namespace nf::ipt {

using namespace key;
using trace::RuleVerdict;

namespace {

constexpr uint32_t kTcpHeader = 20;
constexpr uint32_t kUdpHeader = 8;

uint64_t address_key(const Ipv4Header& ip) { return uint64_t{ip.source.raw()} | uint64_t{ip.destination.raw()} << 32; }

// `ports`: the packet is plain, so a TCP or UDP packet has them.
[[gnu::always_inline]] inline uint64_t rest_key(const Packet& p, bool ports, const uint64_t* in, const uint64_t* out) {
  const Ipv4Header& ip = p.ip();
  uint64_t k = uint64_t{ip.protocol} << kProtocolShift;
  if (ports && (ip.protocol == kProtoTcp || ip.protocol == kProtoUdp)) {
    const uint8_t* at = p.data() + ip.header_length();
    uint16_t source;
    uint16_t destination;
    std::memcpy(&source, at, sizeof source);
    std::memcpy(&destination, at + 2, sizeof destination);
    k |= uint64_t{source} << kSourcePortShift | uint64_t{destination} << kDestinationPortShift;
  }
  if (ip.fragment_offset() != 0) k |= kFragmentBit;
  k |= (in[0] & ((uint64_t{1} << kInPatterns) - 1)) << kInShift;
  k |= (out[0] & ((uint64_t{1} << kOutPatterns) - 1)) << kOutShift;
  return k;
}

uint16_t host_port(uint64_t rest, unsigned shift) {
  return Be16::from_raw(static_cast<uint16_t>(rest >> shift)).host();
}

bool bit_of(const uint64_t* words, uint16_t id) { return (words[id / 64] >> (id % 64) & 1) != 0; }

// The first rule from `at` on whose key matches; there is one, because every chain ends with a rule for all packets.
// A loop of its own, so that it stays in registers: it is where the time goes.
template <uint64_t kKeyBits>
uint32_t next_match(const RuleKey* keys, uint32_t at, uint64_t addresses, uint64_t rest) {
  const RuleKey* k = keys + at;
#ifdef __SSE2__
  const __m128i packet = _mm_set_epi64x(static_cast<int64_t>(rest), static_cast<int64_t>(addresses));
  const __m128i bits = _mm_set_epi64x(static_cast<int64_t>(kKeyBits), -1);
  const auto differs = [&] {
    const __m128i value = _mm_load_si128(reinterpret_cast<const __m128i*>(k->value));
    const __m128i mask = _mm_load_si128(reinterpret_cast<const __m128i*>(k->mask));
    __m128i left = _mm_and_si128(_mm_xor_si128(packet, value), mask);
    if (kKeyBits != ~uint64_t{0}) left = _mm_and_si128(left, bits);
    return _mm_movemask_epi8(_mm_cmpeq_epi32(left, _mm_setzero_si128())) != 0xffff;
  };
#else
  const auto differs = [&] {
    return (((addresses ^ k->value[0]) & k->mask[0]) | ((rest ^ k->value[1]) & k->mask[1] & kKeyBits)) != 0;
  };
#endif
  while (differs()) ++k;
  return static_cast<uint32_t>(k - keys);
}

Verdict drop(Packet& p, DropReason reason) {
  p.drop_reason = static_cast<uint8_t>(reason);
  return Verdict::kDrop;
}

}  // namespace

bool Program::is_plain(const Packet& p) {
  const Ipv4Header& ip = p.ip();
  if (ip.fragment_offset() != 0) return false;
  const uint32_t size = p.length() - ip.header_length();
  if (ip.protocol == kProtoTcp) return size >= kTcpHeader;
  if (ip.protocol == kProtoUdp) return size >= kUdpHeader;
  return true;
}

template <bool kSlow>
bool Program::residual_matches(const Body& b, uint64_t addresses, uint64_t rest, const uint64_t* in,
                               const uint64_t* out) {
  if (!kSlow && (b.residual & kPorts) != 0) {
    const uint16_t source_port = host_port(rest, kSourcePortShift);
    const uint16_t destination_port = host_port(rest, kDestinationPortShift);
    if (source_port < b.ports.source_min || source_port > b.ports.source_max) return false;
    if (destination_port < b.ports.destination_min || destination_port > b.ports.destination_max) return false;
  }
  const uint32_t source = static_cast<uint32_t>(addresses);
  const uint32_t destination = static_cast<uint32_t>(addresses >> 32);
  if ((b.residual & kNotSource) != 0 && (source & b.source_mask) == b.source) return false;
  if ((b.residual & kNotDestination) != 0 && (destination & b.destination_mask) == b.destination) return false;
  if ((b.residual & kNotProtocol) != 0 && static_cast<uint8_t>(rest >> kProtocolShift) == b.protocol) return false;
  if ((b.residual & kInPattern) != 0 && bit_of(in, b.in_pattern) == ((b.residual & kNotIn) != 0)) return false;
  if ((b.residual & kOutPattern) != 0 && bit_of(out, b.out_pattern) == ((b.residual & kNotOut) != 0)) return false;
  return true;
}

void Program::tell_rule(const Packet& p, const HookState& state, uint32_t at, RuleVerdict verdict) const {
  const Place& place = places_[at];
  const std::string text = place.rule != nullptr ? rule_text(model_, *place.rule) : std::string();
  state.trace->event(
      p, trace::RuleMatched{table_name(table_), chains_[place.chain].name, place.number, verdict, place.target, text});
}

void Program::tell_passed_over(const Packet& p, const HookState& state, uint32_t from, uint32_t to) const {
  for (uint32_t at = from; at < to; ++at) tell_miss(p, state, at, kHeaderFailed);
}

void Program::tell_miss(const Packet& p, const HookState& state, uint32_t at, size_t failed) const {
  const Place& place = places_[at];
  bool hotdrop = false;
  const RuleMiss miss = explain_miss(
      *place.rule, {p, p.ip(), p.transport(), static_cast<uint16_t>(p.ip().fragment_offset()), state, hotdrop}, failed);
  const std::string text = rule_text(model_, *place.rule);
  state.trace->event(
      p, trace::RuleMissed{table_name(table_), chains_[place.chain].name, place.number, text, &miss.why, miss.only});
}

// Runs the target of a traced packet's rule: the rule's verdict is the target's, and the rule is told first.
TargetVerdict Program::run_told(const Body& b, PacketPtr& p, uint32_t at, const HookState& state) {
  HeldEvents held(*state.trace);
  HookState inner = state;
  inner.trace = &held;
  const TargetVerdict v = b.target->target(p, inner);
  switch (v) {
    case TargetVerdict::kStolen:
      return v;
    case TargetVerdict::kAccept:
      tell_rule(*p, state, at, RuleVerdict::kAccept);
      break;
    case TargetVerdict::kDrop:
      tell_rule(*p, state, at, RuleVerdict::kDrop);
      break;
    case TargetVerdict::kReturn:
      tell_rule(*p, state, at, RuleVerdict::kReturn);
      break;
    case TargetVerdict::kContinue:
      tell_rule(*p, state, at, RuleVerdict::kContinue);
      break;
  }
  held.release(*p);
  return v;
}

Verdict Program::unmodelled_hit(Packet& p, uint32_t at, const HookState& state) {
  ++unmodelled_[bodies_[at].operand].packets;
  if (state.trace != nullptr) tell_rule(p, state, at, RuleVerdict::kOther);
  return drop(p, DropReason::kUnmodelled);
}

// An inverted match that could not read the packet holds: its rule counts and its target runs, and that is the end.
// twin: the loop's condition in ipt_do_table
Verdict Program::hotdrop_hit(PacketPtr& p, uint32_t at, const HookState& state) {
  Body& b = bodies_[at];
  if (b.op == Op::kUnmodelled) return unmodelled_hit(*p, at, state);
  b.counters.packets += 1;
  b.counters.bytes += p->length();
  RuleVerdict verdict = RuleVerdict::kContinue;
  switch (b.op) {
    case Op::kTarget:
      p->drop_reason = static_cast<uint8_t>(DropReason::kIptablesRule);
      if (state.trace != nullptr ? run_told(b, p, at, state) == TargetVerdict::kStolen
                                 : b.target->target(p, state) == TargetVerdict::kStolen)
        return Verdict::kStolen;
      return drop(*p, DropReason::kIptablesHotdrop);
    case Op::kAccept:
      verdict = RuleVerdict::kAccept;
      break;
    case Op::kDrop:
      verdict = RuleVerdict::kDrop;
      break;
    case Op::kReturn:
      verdict = RuleVerdict::kReturn;
      break;
    case Op::kJump:
      verdict = RuleVerdict::kJump;
      break;
    case Op::kGoto:
      verdict = RuleVerdict::kGoto;
      break;
    default:
      break;
  }
  if (state.trace != nullptr) tell_rule(*p, state, at, verdict);
  return drop(*p, DropReason::kIptablesHotdrop);
}

// kSlow: the packet is traced or not plain. Ports are then no part of the comparison and every match is called.
template <bool kSlow>
Verdict Program::loop(PacketPtr& p, const HookState& state) {
  const bool traced = kSlow && state.trace != nullptr;
  const bool detailed = traced && state.trace->detailed();
  constexpr uint64_t kKeyBits = kSlow ? ~kPortsMask : ~uint64_t{0};
  const size_t hook = static_cast<size_t>(state.hook);
  const uint64_t* in = in_.bits(state.in);
  const uint64_t* out = out_.bits(state.out);
  uint64_t addresses = address_key(p->ip());
  uint64_t rest = rest_key(*p, !kSlow, in, out);
  bool hotdrop = false;
  uint32_t local_stack[kLocalStack];
  uint32_t* const stack = stack_limit_ <= kLocalStack ? local_stack : deep_stack_.data();
  uint32_t depth = 0;
  const RuleKey* const keys = keys_.data();
  uint32_t at = entry_[hook];

  for (;;) {
    const uint32_t from = at;
    at = next_match<kKeyBits>(keys, at, addresses, rest);
    if (detailed) tell_passed_over(*p, state, from, at);
    Body& b = bodies_[at];
    if (b.residual != 0 && !residual_matches<kSlow>(b, addresses, rest, in, out)) {
      if (detailed) tell_miss(*p, state, at, kHeaderFailed);
      ++at;
      continue;
    }
    const uint32_t calls = kSlow ? b.all_count : b.match_count;
    if (calls != 0) {
      const Ipv4Header& ip = p->ip();
      const MatchInput input{
          *p,    ip,     static_cast<const Packet&>(*p).transport(), static_cast<uint16_t>(ip.fragment_offset()),
          state, hotdrop};
      Match* const* m = matches_.data() + b.matches + (kSlow ? b.match_count : 0);
      uint32_t left = calls;
      while (left != 0 && (*m)->match(input)) {
        ++m;
        --left;
      }
      if (hotdrop) [[unlikely]]
        return left != 0 ? drop(*p, DropReason::kIptablesHotdrop) : hotdrop_hit(p, at, state);
      if (left != 0) {
        if (detailed) tell_miss(*p, state, at, calls - left);
        ++at;
        continue;
      }
    }
    if (b.op == Op::kUnmodelled) return unmodelled_hit(*p, at, state);
    b.counters.packets += 1;
    b.counters.bytes += p->length();

    switch (b.op) {
      case Op::kNext:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kContinue);
        ++at;
        break;
      case Op::kAccept:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kAccept);
        return Verdict::kAccept;
      case Op::kDrop:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kDrop);
        return drop(*p, DropReason::kIptablesRule);
      case Op::kReturn:
      case Op::kChainEnd:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kReturn);
        at = depth == 0 ? underflow_[hook] : stack[--depth];
        break;
      case Op::kGoto:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kGoto);
        at = b.operand;
        break;
      case Op::kJump:
        if (traced) tell_rule(*p, state, at, RuleVerdict::kJump);
        if (depth >= stack_limit_) return drop(*p, DropReason::kIptablesLoop);
        stack[depth++] = at + 1;
        at = b.operand;
        break;
      case Op::kPolicyAccept:
      case Op::kPolicyDrop: {
        const bool accept = b.op == Op::kPolicyAccept;
        if (traced)
          state.trace->event(*p, trace::PolicyReached{table_name(table_), chains_[places_[at].chain].name,
                                                      places_[at].number, accept});
        return accept ? Verdict::kAccept : drop(*p, DropReason::kIptablesPolicy);
      }
      case Op::kTarget: {
        p->drop_reason = static_cast<uint8_t>(DropReason::kIptablesRule);
        const TargetVerdict v = traced ? run_told(b, p, at, state) : b.target->target(p, state);
        if (v == TargetVerdict::kStolen) return Verdict::kStolen;
        if (v == TargetVerdict::kDrop) return Verdict::kDrop;
        p->drop_reason = static_cast<uint8_t>(DropReason::kNone);
        if (v == TargetVerdict::kAccept) return Verdict::kAccept;
        // The target may have changed the packet, and what it sent may have used the caches.
        in = in_.bits(state.in);
        out = out_.bits(state.out);
        addresses = address_key(p->ip());
        rest = rest_key(*p, !kSlow && is_plain(*p), in, out);
        if (v == TargetVerdict::kReturn)
          at = depth == 0 ? underflow_[hook] : stack[--depth];
        else
          ++at;
        break;
      }
      case Op::kUnmodelled:
        break;
    }
  }
}

template Verdict Program::loop<false>(PacketPtr& p, const HookState& state);
template Verdict Program::loop<true>(PacketPtr& p, const HookState& state);

}  // namespace nf::ipt
