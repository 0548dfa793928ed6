#include "tools/explain/rule_probe.h"

#include <algorithm>
#include <set>

namespace nf::explain {
namespace {

constexpr std::string_view kProbe = "PROBE";

constexpr std::string_view kRemembers[] = {"limit",     "hashlimit", "recent", "statistic", "quota",
                                           "connlimit", "rateest",   "nfacct", "set",       "bpf"};
constexpr std::string_view kOfConnection[] = {"conntrack", "state",  "connmark", "connbytes",
                                              "connlabel", "helper", "cluster"};
// The packet's own bytes, and what changes on no packet's way.
constexpr std::string_view kOfBytes[] = {"tcp",    "udp",    "icmp",      "sctp",     "udplite", "dccp",
                                         "ah",     "esp",    "multiport", "iprange",  "comment", "length",
                                         "string", "tcpmss", "u32",       "addrtype", "time",    "cpu"};

template <size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// As they stand in the text, quotes included.
std::vector<std::string_view> raw_words(std::string_view text) {
  std::vector<std::string_view> out;
  size_t begin = text.npos;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (!quoted && text[i] == ' ')) {
      if (begin != text.npos) out.push_back(text.substr(begin, i - begin));
      begin = text.npos;
      continue;
    }
    if (begin == text.npos) begin = i;
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
  }
  return out;
}

// Only nat is run by nobody but who asks it; it has no chain for FORWARD, whose packets look alike in POSTROUTING.
HookPoint chain_for(HookPoint hook) { return hook == HookPoint::kForward ? HookPoint::kPostRouting : hook; }

bool has_in(HookPoint hook) { return hook != HookPoint::kLocalOut && hook != HookPoint::kPostRouting; }
bool has_out(HookPoint hook) { return hook != HookPoint::kPreRouting && hook != HookPoint::kLocalIn; }

// Whether a packet at `last` may still come to `hook`.
bool follows(HookPoint hook, HookPoint last) {
  switch (last) {
    case HookPoint::kPreRouting:
      return hook == HookPoint::kLocalIn || hook == HookPoint::kForward || hook == HookPoint::kPostRouting;
    case HookPoint::kForward:
    case HookPoint::kLocalOut:
      return hook == HookPoint::kPostRouting;
    default:
      return false;
  }
}

}  // namespace

Conditions askable_conditions(std::string_view conditions, const Askable& askable) {
  const std::vector<std::string_view> words = raw_words(conditions);
  Conditions out;
  const auto add = [&](std::string_view word) { (out.text += word) += ' '; };
  bool negated = false, matches = false, wanted = true;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-m" && i + 1 < words.size()) {
      matches = true;
      const std::string_view name = words[i + 1];
      wanted = !among(kRemembers, name) && (askable.connection || !among(kOfConnection, name)) &&
               (askable.beyond_bytes || among(kOfBytes, name));
      out.whole = out.whole && wanted;
    }
    if (matches) {
      if (wanted) add(words[i]);
      continue;
    }
    if (words[i] == "!") {
      negated = true;
      continue;
    }
    if ((words[i] == "-i" && !askable.in) || (words[i] == "-o" && !askable.out)) {
      out.whole = negated = false;
      ++i;
      continue;
    }
    if (std::exchange(negated, false)) add("!");
    add(words[i]);
  }
  return out;
}

std::array<bool, kHookPoints> hooks_of(const Rule& rule, const std::vector<Rule>& rules) {
  std::array<bool, kHookPoints> hooks{};
  std::set<std::string> seen{rule.chain};
  std::vector<std::string> chains{rule.chain};
  while (!chains.empty()) {
    const std::string chain = std::move(chains.back());
    chains.pop_back();
    bool built_in = false;
    for (size_t i = 0; i < kHookPoints; ++i)
      if (chain == hook_name(static_cast<HookPoint>(i))) built_in = hooks[i] = true;
    if (built_in) continue;
    for (const Rule& jump : rules)
      if (jump.table == rule.table && chain_behind(jump, rules) == chain && seen.insert(jump.chain).second)
        chains.push_back(jump.chain);
  }
  return hooks;
}

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

RuleProbe::RuleProbe(Gateway& gateway, const Rule& rule, const std::vector<Rule>& rules)
    : gateway_(gateway), table_(rule.table), conditions_(conditions_of(rule.text)), hooks_(hooks_of(rule, rules)) {}

RuleProbe::~RuleProbe() = default;

bool RuleProbe::here() const {
  return std::any_of(here_.begin(), here_.end(), [](Answer a) { return a != Answer::kNone; });
}

void RuleProbe::forget() {
  in_hook_ = in_table_ = entered_ = false;
  here_ = {};
  came_ = last_ = Answer::kNone;
}

void RuleProbe::look(const Packet& p, const trace::Event& e) {
  if (const auto* hook = std::get_if<trace::HookEntered>(&e); hook != nullptr) {
    entered(p, *hook);
    return;
  }
  if (!entered_) return;
  if (std::holds_alternative<trace::NatRewrote>(e) && !here()) last_ = ask_elsewhere(p);
  if (std::holds_alternative<trace::Routed>(e) && at_.hook != HookPoint::kLocalOut) in_hook_ = false;
  if (!in_hook_ || !hooks_[static_cast<size_t>(at_.hook)]) return;
  // Conntrack stands behind raw alone.
  if (std::holds_alternative<trace::ConntrackSeen>(e)) {
    if (table_ != "raw" && !in_table_) ask_here(p, true);
    return;
  }
  const auto* matched = std::get_if<trace::RuleMatched>(&e);
  const bool of_table = std::visit(
      [&](const auto& event) {
        using E = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<E, trace::NatSkipped>)
          return table_ == "nat";
        else if constexpr (std::is_same_v<E, trace::RuleMatched> || std::is_same_v<E, trace::RuleMissed> ||
                           std::is_same_v<E, trace::PolicyReached>)
          return event.table == table_;
        else
          return false;
      },
      e);
  // Rules before it may change the packet, too; those that miss do not.
  if (!of_table || (in_table_ && matched == nullptr)) return;
  in_table_ = true;
  ask_here(p, table_ != "raw");
}

void RuleProbe::entered(const Packet& p, const trace::HookEntered& e) {
  at_ = e;
  in_hook_ = true;
  in_table_ = false;
  const bool first = e.hook == HookPoint::kPreRouting || e.hook == HookPoint::kLocalOut;
  if (hooks_[static_cast<size_t>(e.hook)]) ask_here(p, !first);
  if (!here()) last_ = ask_elsewhere(p);
  if (!std::exchange(entered_, true)) came_ = last_;
}

void RuleProbe::ask_here(const Packet& p, bool connection) {
  here_[static_cast<size_t>(at_.hook)] =
      ask(p, {.in = at_.in != nullptr, .out = at_.out != nullptr, .connection = connection});
}

RuleProbe::Answer RuleProbe::ask_elsewhere(const Packet& p) {
  Askable askable{.in = at_.in != nullptr, .out = at_.out != nullptr, .connection = false, .beyond_bytes = false};
  // What it came in by and goes out by is the same at every hook that knows it.
  const bool any = std::find(hooks_.begin(), hooks_.end(), true) != hooks_.end();
  for (size_t i = 0; i < kHookPoints; ++i) {
    if (any && !hooks_[i]) continue;
    askable.in = askable.in && has_in(static_cast<HookPoint>(i));
    askable.out = askable.out && has_out(static_cast<HookPoint>(i));
  }
  return ask(p, askable);
}

RuleProbe::Answer RuleProbe::ask(const Packet& p, const Askable& askable) {
  const Conditions conditions = askable_conditions(conditions_, askable);
  ipt::Iptables* rules = rules_for(at_.hook, conditions.text);
  if (rules == nullptr) return Answer::kUnknown;
  Router& router = gateway_.router();
  PacketPtr copy = router.clone(p);
  copy->traced = true;
  Hit hit;
  const HookState state{chain_for(at_.hook), at_.in, at_.out, &router, router.now(), &hit};
  rules->do_table(ipt::TableId::kNat, copy, state);
  if (!hit.hit()) return Answer::kNo;
  return conditions.whole ? Answer::kYes : Answer::kUnknown;
}

ipt::Iptables* RuleProbe::rules_for(HookPoint hook, const std::string& conditions) {
  const auto [place, made] = rules_.try_emplace({hook, conditions});
  if (made) {
    auto rules = std::make_unique<ipt::Iptables>(gateway_.router(), gateway_.registry());
    const std::string chain(hook_name(chain_for(hook))), probe(kProbe);
    const std::string text = "*nat\n:" + chain + " ACCEPT [0:0]\n:" + probe + " - [0:0]\n-A " + chain + " -j " + probe +
                             "\n-A " + probe + " " + conditions + "-j ACCEPT\nCOMMIT\n";
    // A condition that has no place at this hook cannot hold here: nothing is known.
    if (rules->load(text, "probe")) place->second = std::move(rules);
  }
  return place->second.get();
}

std::optional<bool> RuleProbe::fits() const {
  Answer answer = *std::max_element(here_.begin(), here_.end());
  bool later = false;
  for (size_t i = 0; i < kHookPoints; ++i)
    later = later || (hooks_[i] && here_[i] == Answer::kNone && follows(static_cast<HookPoint>(i), at_.hook));
  if (answer == Answer::kNo && later) answer = Answer::kUnknown;  // it might have fit there
  if (answer == Answer::kNone && entered_) answer = later ? last_ : came_;
  if (answer == Answer::kYes) return true;
  if (answer == Answer::kNo) return false;
  return std::nullopt;
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
