#include "tools/explain/rule_probe.h"

#include "tools/explain/rule_text.h"

namespace nf::explain {
namespace {

constexpr std::string_view kProbe = "PROBE";

bool remembers(std::string_view conditions) {
  for (const std::string& word : words_of_rule(conditions))
    for (const std::string_view name :
         {"limit", "hashlimit", "recent", "statistic", "quota", "connlimit", "rateest", "nfacct", "set", "bpf"})
      if (word == name) return true;
  return false;
}

// Only nat is run by nobody but who asks it; it has no chain for FORWARD, whose packets look alike in POSTROUTING.
HookPoint chain_for(HookPoint hook) { return hook == HookPoint::kForward ? HookPoint::kPostRouting : hook; }

}  // namespace

class RuleProbe::Hit final : public trace::Sink {
 public:
  void event(const Packet&, const trace::Event& e) override {
    const auto* rule = std::get_if<trace::RuleMatched>(&e);
    hit_ = hit_ || (rule != nullptr && rule->chain == kProbe && rule->number == 1 && !rule->target.empty());
  }
  bool hit() const { return hit_; }

 private:
  bool hit_ = false;
};

RuleProbe::RuleProbe(Gateway& gateway, const std::string& table, const std::string& rule)
    : gateway_(gateway), table_(table), conditions_(conditions_of(rule)), askable_(!remembers(conditions_)) {}

RuleProbe::~RuleProbe() = default;

void RuleProbe::forget() {
  fits_.reset();
  in_hook_ = in_table_ = false;
}

void RuleProbe::look(const Packet& p, const trace::Event& e) {
  if (!askable_) return;
  if (const auto* hook = std::get_if<trace::HookEntered>(&e); hook != nullptr) {
    at_ = *hook;
    in_hook_ = true;
    in_table_ = false;
    ask(p);
    return;
  }
  if (std::holds_alternative<trace::Routed>(e) && at_.hook != HookPoint::kLocalOut) in_hook_ = false;
  if (!in_hook_ || in_table_) return;
  const bool here = std::visit(
      [&](const auto& event) {
        using E = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<E, trace::NatSkipped>)
          return table_ == "nat";
        else if constexpr (std::is_same_v<E, trace::RuleMissed>)
          return event.table == table_;
        else
          return false;
      },
      e);
  if (!here) return;
  in_table_ = true;
  ask(p);
}

void RuleProbe::ask(const Packet& p) {
  if (fits_ == true) return;
  const auto index = static_cast<size_t>(at_.hook);
  if (!tried_[index]) {
    tried_[index] = true;
    auto rules = std::make_unique<ipt::Iptables>(gateway_.router(), gateway_.registry());
    const std::string chain(hook_name(chain_for(at_.hook))), probe(kProbe);
    const std::string text = "*nat\n:" + chain + " ACCEPT [0:0]\n:" + probe + " - [0:0]\n-A " + chain + " -j " + probe +
                             "\n-A " + probe + " " + conditions_ + " -j ACCEPT\nCOMMIT\n";
    // A condition that has no place at this hook cannot hold here: nothing is known.
    if (rules->load(text, "probe")) rules_[index] = std::move(rules);
  }
  if (rules_[index] == nullptr) return;
  Router& router = gateway_.router();
  PacketPtr copy = router.clone(p);
  copy->traced = true;
  Hit hit;
  const HookState state{chain_for(at_.hook), at_.in, at_.out, &router, router.now(), &hit};
  rules_[index]->do_table(ipt::TableId::kNat, copy, state);
  fits_ = hit.hit();
}

std::string_view conditions_of(std::string_view rule) {
  bool quoted = false;
  for (size_t i = 0; i < rule.size(); ++i) {
    if (rule[i] == '"' && (i == 0 || rule[i - 1] != '\\')) quoted = !quoted;
    const bool begins = !quoted && (i == 0 || rule[i - 1] == ' ');
    if (begins && (rule.substr(i).starts_with("-j ") || rule.substr(i).starts_with("-g "))) return rule.substr(0, i);
  }
  return rule;
}

}  // namespace nf::explain
