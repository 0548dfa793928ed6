// The flat, compiled form of a table, and the evaluator that runs it. twin: ipt_do_table,
// net/ipv4/netfilter/ip_tables.c
//
// One array of rules, chain behind chain, each closed by its policy or its implied RETURN. A rule's plain fields are
// two masked 64-bit comparisons (RuleKey): addresses in the first; ports, protocol, fragment flag and interface
// patterns in the second. What does not fit there (inversions, port ranges, many interface patterns) is a short test
// behind them, and only real extensions are calls.
//
// Matches that fold into ports (Match::fold) are compared so only for "plain" packets: unfragmented, with their whole
// transport header; and only where no match before them changes something when it is asked (Match::pure). The others
// take the slow loop, which calls every match; so do traced packets.
//
// Invariants:
//  1. A Program borrows the rules of the TableModel it was compiled from; the model outlives it.
//  2. run() allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datapath/hook/hook.h"
#include "datapath/iptables/interface_bits.h"
#include "datapath/iptables/rule.h"

namespace nf::ipt {

// Byte-exact images of packet fields (network order as loaded), so that no conversion is needed per packet.
struct alignas(16) RuleKey {
  uint64_t value[2] = {0, 0};  // [0] source | destination << 32; [1] see program_key.h
  uint64_t mask[2] = {0, 0};
};

// A packet hit a rule with something unmodelled.
struct UnmodelledRecord {
  std::string rule;  // "rules.v4:12: -m foo"
  uint64_t packets = 0;
};

class Program {
 public:
  explicit Program(const TableModel& table);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Runs the chain of state.hook, which the table must have.
  Verdict run(PacketPtr& p, const HookState& state) {
    if (state.trace != nullptr) return loop<true>(p, state);
    // A chain without rules, as most of raw's and mangle's are: nothing to compare, so no keys are made.
    if (Body& end = bodies_[entry_[static_cast<size_t>(state.hook)]]; end.op == Op::kPolicyAccept) {
      end.counters.packets += 1;
      end.counters.bytes += p->length();
      return Verdict::kAccept;
    }
    return is_plain(*p) ? loop<false>(p, state) : loop<true>(p, state);
  }

  // Live counters, by chain (index in TableModel::chains()) and rule; the policy's are behind the last rule.
  Counters& counters(size_t chain, size_t rule) { return bodies_[chains_[chain].first + rule].counters; }
  const Counters& counters(size_t chain, size_t rule) const { return bodies_[chains_[chain].first + rule].counters; }
  const std::vector<UnmodelledRecord>& unmodelled() const { return unmodelled_; }

  // Deepest nesting of jumps; a jump beyond it drops the packet. Tests make it smaller.
  void set_stack_limit(uint32_t limit) { stack_limit_ = limit; }

  // Unfragmented, with its protocol's whole header.
  static bool is_plain(const Packet& p);

 private:
  static constexpr uint32_t kLocalStack = 64;

  enum class Op : uint8_t {
    kNext,
    kAccept,
    kDrop,
    kReturn,
    kJump,
    kGoto,
    kTarget,
    kUnmodelled,
    kChainEnd,      // the implied RETURN of a user chain
    kPolicyAccept,  // the end of a built-in chain
    kPolicyDrop,
  };
  enum Residual : uint8_t {
    kNotSource = 1,
    kNotDestination = 2,
    kNotProtocol = 4,
    kPorts = 8,
    kInPattern = 16,
    kOutPattern = 32,
    kNotIn = 64,
    kNotOut = 128,
  };
  struct Body {
    Counters counters;
    Target* target = nullptr;
    uint32_t operand = 0;      // first rule of the chain jumped to; index in unmodelled_
    uint32_t matches = 0;      // in matches_: first those that run for every packet,
    uint16_t match_count = 0;  //   so many;
    uint16_t all_count = 0;    // then all of them in rule order, for the slow loop
    uint8_t residual = 0;
    Op op = Op::kNext;
    uint8_t protocol = 0;
    uint16_t in_pattern = 0, out_pattern = 0;
    PortRanges ports;                                                             // kPorts
    uint32_t source = 0, source_mask = 0, destination = 0, destination_mask = 0;  // as loaded; for inversions
  };
  struct ChainPlace {
    std::string name;
    uint32_t first = 0;
  };

  void compile_rule(const RuleEntry& entry, uint32_t number);
  void compile_header(const Rule& r, RuleKey& key, Body& body);
  void compile_matches(const Rule& r, RuleKey& key, Body& body);
  void compile_interface(const std::string& pattern, bool inverted, bool is_in, RuleKey& key, Body& body);
  void close_chain(const Chain& chain);
  uint32_t jump_depth(const TableModel& table) const;

  template <bool kSlow>
  Verdict loop(PacketPtr& p, const HookState& state);
  template <bool kSlow>
  static bool residual_matches(const Body& b, uint64_t key0, uint64_t key1, const uint64_t* in, const uint64_t* out);
  Verdict hotdrop_hit(PacketPtr& p, uint32_t at, const HookState& state);
  Verdict unmodelled_hit(Packet& p, uint32_t at, const HookState& state);
  TargetVerdict run_told(const Body& b, PacketPtr& p, uint32_t at, const HookState& state);
  void tell_rule(const Packet& p, const HookState& state, uint32_t at, trace::RuleVerdict verdict) const;
  // The rules from `from` up to before `to` missed by their own conditions.
  void tell_passed_over(const Packet& p, const HookState& state, uint32_t from, uint32_t to) const;
  // `failed`: as for explain_miss()
  void tell_miss(const Packet& p, const HookState& state, uint32_t at, size_t failed) const;

  TableId table_;
  std::vector<RuleKey> keys_;
  std::vector<Body> bodies_;
  std::vector<Match*> matches_;
  std::vector<UnmodelledRecord> unmodelled_;
  std::array<uint32_t, kHookPoints> entry_{}, underflow_{};
  uint32_t stack_limit_ = 0;
  std::vector<uint32_t> deep_stack_;  // when the local one does not do

  InterfaceBits in_, out_;

  std::vector<ChainPlace> chains_;
  // Only for tracing.
  struct Place {
    uint32_t chain, number;
    std::string_view target;     // of the model
    const Rule* rule = nullptr;  // null: the end of the chain
  };
  const TableModel& model_;
  std::vector<Place> places_;
};

}  // namespace nf::ipt
