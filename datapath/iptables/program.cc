#include "datapath/iptables/program.h"

#include <algorithm>
#include <unordered_map>

#include "datapath/base/text.h"
#include "datapath/iptables/program_key.h"

namespace nf::ipt {

using namespace key;

Program::Program(const TableModel& table) : table_(table.id()), model_(table) {
  std::unordered_map<uint32_t, uint32_t> first_of;
  uint32_t at = 0;
  for (const Chain& c : table.chains()) {
    first_of[c.id] = at;
    chains_.push_back({c.name, at});
    at += static_cast<uint32_t>(c.rules.size()) + 1;
  }
  keys_.reserve(at);
  bodies_.reserve(at);
  places_.reserve(at);
  for (size_t i = 0; i < table.chains().size(); ++i) {
    const Chain& c = table.chains()[i];
    for (const RuleEntry& e : c.rules) {
      places_.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(keys_.size()) - chains_[i].first + 1,
                         table.target_name(*e.rule), e.rule.get()});
      compile_rule(e, places_.back().number);
      if (e.rule->kind == TargetKind::kJump && bodies_.back().op != Op::kUnmodelled)
        bodies_.back().operand = first_of.at(e.rule->jump);
    }
    places_.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(c.rules.size()) + 1, {}});
    close_chain(c);
  }
  in_.seal();
  out_.seal();
  stack_limit_ = jump_depth(table);
  if (stack_limit_ > kLocalStack) deep_stack_.resize(stack_limit_);
}

void Program::close_chain(const Chain& chain) {
  keys_.emplace_back();
  Body b;
  b.op = Op::kChainEnd;
  if (chain.hook) {
    b.op = chain.accept ? Op::kPolicyAccept : Op::kPolicyDrop;
    b.counters = chain.counters;
    const size_t hook = static_cast<size_t>(*chain.hook);
    entry_[hook] = static_cast<uint32_t>(keys_.size() - 1 - chain.rules.size());
    underflow_[hook] = static_cast<uint32_t>(keys_.size() - 1);
  }
  bodies_.push_back(std::move(b));
}

void Program::compile_rule(const RuleEntry& entry, uint32_t number) {
  const Rule& r = *entry.rule;
  RuleKey rule_key;
  Body b;
  b.counters = entry.counters;
  compile_header(r, rule_key, b);
  compile_matches(r, rule_key, b);
  switch (r.kind) {
    case TargetKind::kNone:
      b.op = Op::kNext;
      break;
    case TargetKind::kAccept:
      b.op = Op::kAccept;
      break;
    case TargetKind::kDrop:
      b.op = Op::kDrop;
      break;
    case TargetKind::kReturn:
      b.op = Op::kReturn;
      break;
    case TargetKind::kJump:
      b.op = r.is_goto ? Op::kGoto : Op::kJump;
      break;
    case TargetKind::kExtension:
      b.op = Op::kTarget;
      b.target = r.target.get();
      break;
  }
  const Extension* missing = nullptr;
  for (const auto& m : r.matches)
    if (missing == nullptr && !m->modelled()) missing = m.get();
  const bool in_match = missing != nullptr;
  if (!in_match && r.kind == TargetKind::kExtension && !r.target->modelled()) missing = r.target.get();
  if (missing != nullptr) {
    std::string what = in_match ? "-m " : "-j ";
    what += missing->name();
    missing->save(what);
    const std::string place = r.file.empty() ? strf("%s:%u", chains_[places_.back().chain].name.c_str(), number)
                                             : strf("%s:%d", r.file.c_str(), r.line);
    b.op = Op::kUnmodelled;
    b.operand = static_cast<uint32_t>(unmodelled_.size());
    unmodelled_.push_back({place + ": " + what, 0});
  }
  keys_.push_back(rule_key);
  bodies_.push_back(std::move(b));
}

void Program::compile_header(const Rule& r, RuleKey& key, Body& b) {
  b.source = r.source.raw();
  b.source_mask = r.source_mask.raw();
  b.destination = r.destination.raw();
  b.destination_mask = r.destination_mask.raw();
  if (r.not_source) {
    b.residual |= kNotSource;
  } else {
    key.value[0] |= b.source;
    key.mask[0] |= b.source_mask;
  }
  if (r.not_destination) {
    b.residual |= kNotDestination;
  } else {
    key.value[0] |= uint64_t{b.destination} << 32;
    key.mask[0] |= uint64_t{b.destination_mask} << 32;
  }
  b.protocol = r.protocol;
  if (r.protocol != 0 && r.not_protocol) {
    b.residual |= kNotProtocol;
  } else if (r.protocol != 0) {
    key.value[1] |= uint64_t{r.protocol} << kProtocolShift;
    key.mask[1] |= uint64_t{0xff} << kProtocolShift;
  }
  if (r.fragment) {
    key.mask[1] |= kFragmentBit;
    if (!r.not_fragment) key.value[1] |= kFragmentBit;
  }
  compile_interface(r.in, r.not_in, true, key, b);
  compile_interface(r.out, r.not_out, false, key, b);
}

void Program::compile_interface(const std::string& pattern, bool inverted, bool is_in, RuleKey& key, Body& b) {
  if (pattern.empty()) return;
  const uint16_t id = (is_in ? in_ : out_).add(pattern);
  const uint32_t in_key = is_in ? kInPatterns : kOutPatterns;
  if (id < in_key) {
    const uint64_t bit = uint64_t{1} << ((is_in ? kInShift : kOutShift) + id);
    key.mask[1] |= bit;
    if (!inverted) key.value[1] |= bit;
    return;
  }
  if (is_in) {
    b.in_pattern = id;
    b.residual |= kInPattern;
    if (inverted) b.residual |= kNotIn;
  } else {
    b.out_pattern = id;
    b.residual |= kOutPattern;
    if (inverted) b.residual |= kNotOut;
  }
}

void Program::compile_matches(const Rule& r, RuleKey& key, Body& b) {
  const bool has_ports = (r.protocol == kProtoTcp || r.protocol == kProtoUdp) && !r.not_protocol;
  PortRanges all;
  std::vector<Match*> calls;
  std::vector<Match*> every;
  bool all_pure = true;
  for (const auto& m : r.matches) {
    // What stands behind something unmodelled is not asked: whether it is reached is not known.
    if (!m->modelled()) break;
    every.push_back(m.get());
    all_pure = all_pure && m->pure();
    PortRanges one;
    // What stands behind a match with a side effect is asked behind it: a limit counts the packets of other ports, too.
    if (!all_pure || !m->fold(one)) {
      calls.push_back(m.get());
      continue;
    }
    const bool any_port =
        one.source_min == 0 && one.source_max == 0xffff && one.destination_min == 0 && one.destination_max == 0xffff;
    if (!any_port && !has_ports) {
      calls.push_back(m.get());
      continue;
    }
    all.source_min = std::max(all.source_min, one.source_min);
    all.source_max = std::min(all.source_max, one.source_max);
    all.destination_min = std::max(all.destination_min, one.destination_min);
    all.destination_max = std::min(all.destination_max, one.destination_max);
  }
  const auto fold = [&](uint16_t min, uint16_t max, unsigned shift) {
    if (min == max) {
      key.value[1] |= uint64_t{be16(min).raw()} << shift;
      key.mask[1] |= uint64_t{0xffff} << shift;
    } else if (min != 0 || max != 0xffff) {
      b.residual |= kPorts;
    }
  };
  fold(all.source_min, all.source_max, kSourcePortShift);
  fold(all.destination_min, all.destination_max, kDestinationPortShift);
  b.ports = all;
  b.matches = static_cast<uint32_t>(matches_.size());
  b.match_count = static_cast<uint16_t>(calls.size());
  b.all_count = static_cast<uint16_t>(every.size());
  matches_.insert(matches_.end(), calls.begin(), calls.end());
  matches_.insert(matches_.end(), every.begin(), every.end());
}

// The longest way of jumps from a built-in chain; the table has no loops (check_table).
uint32_t Program::jump_depth(const TableModel& table) const {
  std::unordered_map<uint32_t, size_t> index;
  for (size_t i = 0; i < table.chains().size(); ++i) index[table.chains()[i].id] = i;
  std::vector<uint32_t> depth(table.chains().size(), 0);
  std::vector<uint8_t> state(table.chains().size(), 0);  // 1: open, 2: done
  struct Step {
    size_t chain, rule;
  };
  uint32_t deepest = 0;
  for (size_t start = 0; start < table.chains().size(); ++start) {
    if (!table.chains()[start].hook) continue;
    std::vector<Step> open;
    if (state[start] == 0) open.push_back({start, 0});
    while (!open.empty()) {
      const Step step = open.back();
      state[step.chain] = 1;
      const auto& rules = table.chains()[step.chain].rules;
      if (step.rule == rules.size()) {
        state[step.chain] = 2;
        open.pop_back();
        continue;
      }
      const Rule& r = *rules[step.rule].rule;
      if (r.kind == TargetKind::kJump) {
        const size_t next = index.at(r.jump);
        if (state[next] == 0) {
          open.push_back({next, 0});
          continue;
        }
        // An open one is a loop behind a rule that ends its chain: never run.
        if (state[next] == 2) depth[step.chain] = std::max(depth[step.chain], depth[next] + (r.is_goto ? 0 : 1));
      }
      ++open.back().rule;
    }
    deepest = std::max(deepest, depth[start]);
  }
  return deepest;
}

}  // namespace nf::ipt
