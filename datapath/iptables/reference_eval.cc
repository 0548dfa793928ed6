#include "datapath/iptables/reference_eval.h"

#include <string_view>

#include "datapath/iptables/explain_miss.h"
#include "datapath/iptables/print.h"

namespace nf::ipt {
namespace {

Verdict drop(Packet& p, DropReason reason) {
  p.drop_reason = static_cast<uint8_t>(reason);
  return Verdict::kDrop;
}

std::string_view name_of(const Device* dev) { return dev == nullptr ? std::string_view() : dev->name; }

trace::RuleVerdict shown(const Rule& r) {
  switch (r.kind) {
    case TargetKind::kAccept:
      return trace::RuleVerdict::kAccept;
    case TargetKind::kDrop:
      return trace::RuleVerdict::kDrop;
    case TargetKind::kReturn:
      return trace::RuleVerdict::kReturn;
    case TargetKind::kJump:
      return r.is_goto ? trace::RuleVerdict::kGoto : trace::RuleVerdict::kJump;
    case TargetKind::kNone:
    case TargetKind::kExtension:
      break;
  }
  return trace::RuleVerdict::kContinue;
}

}  // namespace

ReferenceTable::ReferenceTable(TableModel model) : model_(std::move(model)) {
  for (const Chain& c : model_.chains()) {
    auto& list = counters_.emplace_back();
    for (const RuleEntry& e : c.rules) list.push_back(e.counters);
    list.push_back(c.counters);
  }
}

size_t ReferenceTable::chain_index(uint32_t id) const {
  for (size_t i = 0; i < model_.chains().size(); ++i)
    if (model_.chains()[i].id == id) return i;
  return 0;
}

size_t ReferenceTable::base_chain(HookPoint hook) const {
  for (size_t i = 0; i < model_.chains().size(); ++i)
    if (model_.chains()[i].hook == hook) return i;
  return 0;
}

ReferenceTable::Outcome ReferenceTable::matches(const Rule& r, const MatchInput& in) {
  if (!r.matches_header(in.ip, name_of(in.state.in), name_of(in.state.out))) return {.failed = kHeaderFailed};
  for (size_t i = 0; i < r.matches.size(); ++i) {
    if (!r.matches[i]->modelled()) return {.matched = true, .unmodelled = true};
    if (!r.matches[i]->match(in)) return {.failed = i};
  }
  return {.matched = true, .unmodelled = r.kind == TargetKind::kExtension && !r.target->modelled()};
}

Verdict ReferenceTable::run(PacketPtr& p, const HookState& state) {
  const size_t base = base_chain(state.hook);
  const std::string_view table = model_.name();
  std::vector<Position> stack;
  Position at{base, 0};
  for (;;) {
    const Chain& chain = model_.chains()[at.chain];
    const uint32_t number = static_cast<uint32_t>(at.rule) + 1;
    const auto tell = [&](trace::RuleVerdict verdict, std::string_view target) {
      if (state.trace == nullptr) return;
      const bool end = at.rule == chain.rules.size();
      const std::string text = end ? std::string() : rule_text(model_, *chain.rules[at.rule].rule);
      state.trace->event(*p, trace::RuleMatched{table, chain.name, number, verdict, target, text});
    };
    const auto count = [&] {
      Counters& c = counters_[at.chain][at.rule];
      c.packets += 1;
      c.bytes += p->length();
    };
    const auto go_back = [&] {
      if (stack.empty()) {
        at = {base, model_.chains()[base].rules.size()};
      } else {
        at = {stack.back().chain, stack.back().rule + 1};
        stack.pop_back();
      }
    };
    if (at.rule == chain.rules.size()) {
      count();
      if (!chain.hook) {
        tell(trace::RuleVerdict::kReturn, {});
        go_back();
        continue;
      }
      if (state.trace != nullptr) state.trace->event(*p, trace::PolicyReached{table, chain.name, number, chain.accept});
      return chain.accept ? Verdict::kAccept : drop(*p, DropReason::kIptablesPolicy);
    }
    const Rule& r = *chain.rules[at.rule].rule;
    bool hotdrop = false;
    const Packet& seen = *p;
    const MatchInput input{seen,  seen.ip(), seen.transport(), static_cast<uint16_t>(seen.ip().fragment_offset()),
                           state, hotdrop};
    const Outcome outcome = matches(r, input);
    if (hotdrop && !outcome.matched) return drop(*p, DropReason::kIptablesHotdrop);
    if (!outcome.matched) {
      if (state.trace != nullptr && state.trace->detailed()) {
        const RuleMiss miss = explain_miss(r, input, outcome.failed);
        const std::string text = rule_text(model_, r);
        state.trace->event(*p, trace::RuleMissed{table, chain.name, number, text, &miss.why, miss.only});
      }
      ++at.rule;
      continue;
    }
    const std::string_view target = model_.target_name(r);
    if (outcome.unmodelled) {
      ++unmodelled_;
      tell(trace::RuleVerdict::kOther, target);
      return drop(*p, DropReason::kUnmodelled);
    }
    count();
    TargetVerdict v = TargetVerdict::kContinue;
    trace::RuleVerdict told = shown(r);
    if (r.kind == TargetKind::kAccept) v = TargetVerdict::kAccept;
    if (r.kind == TargetKind::kReturn) v = TargetVerdict::kReturn;
    if (r.kind == TargetKind::kDrop) {
      v = TargetVerdict::kDrop;
      drop(*p, DropReason::kIptablesRule);
    }
    if (r.kind == TargetKind::kExtension) {
      drop(*p, DropReason::kIptablesRule);
      v = r.target->target(p, state);
      if (v == TargetVerdict::kStolen) return Verdict::kStolen;
      if (v != TargetVerdict::kDrop) p->drop_reason = static_cast<uint8_t>(DropReason::kNone);
      if (v == TargetVerdict::kAccept) told = trace::RuleVerdict::kAccept;
      if (v == TargetVerdict::kDrop) told = trace::RuleVerdict::kDrop;
      if (v == TargetVerdict::kReturn) told = trace::RuleVerdict::kReturn;
    }
    tell(told, target);
    if (hotdrop) return drop(*p, DropReason::kIptablesHotdrop);
    if (r.kind == TargetKind::kJump) {
      if (!r.is_goto) stack.push_back(at);
      at = {chain_index(r.jump), 0};
      continue;
    }
    switch (v) {
      case TargetVerdict::kAccept:
        return Verdict::kAccept;
      case TargetVerdict::kDrop:
        return Verdict::kDrop;
      case TargetVerdict::kReturn:
        go_back();
        break;
      case TargetVerdict::kContinue:
      case TargetVerdict::kStolen:
        ++at.rule;
        break;
    }
  }
}

}  // namespace nf::ipt
