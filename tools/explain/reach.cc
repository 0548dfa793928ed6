#include "tools/explain/reach.h"

#include <algorithm>
#include <optional>
#include <set>

#include "datapath/base/text.h"

namespace nf::explain {

using trace::RuleVerdict;
using trace::Step;
using trace::StepKind;

namespace {

enum Closeness : int { kElsewhere = 10, kDroppedBefore = 20, kNatSkipped = 30, kJumpMissed = 40, kEnded = 50 };

// The steps of one hook point, as the packet went through it.
struct Run {
  HookPoint hook{};
  std::vector<const Step*> steps;
};

std::vector<Run> runs_of(const Walk& walk) {
  std::vector<Run> runs;
  for (const Step* s : walk.steps) {
    if (s->kind == StepKind::kHook)
      runs.push_back({s->hook, {}});
    else if (s->in_hook && !runs.empty() && runs.back().hook == s->hook)
      runs.back().steps.push_back(s);
  }
  return runs;
}

// Where the condition that failed stands in the rule's text.
size_t place_in(const Rule& rule, const Step& miss) {
  if (miss.said.inner.empty() || miss.said.inner[0].values.empty()) return 0;
  const std::string& condition = miss.said.inner[0].values[0];
  const size_t at = condition.empty() ? rule.text.npos : rule.text.find(condition);
  return at == rule.text.npos ? 0 : at;
}

bool is_of(const Step& s, const Rule& rule) {
  if (s.table != rule.table || s.chain != rule.chain) return false;
  if (rule.number == 0) return s.kind == StepKind::kPolicy;
  return s.number == rule.number && !s.end_of_chain && (s.kind == StepKind::kRule || s.kind == StepKind::kMiss);
}

// Of the rule's misses, where it was met more than once, the nearest: by one condition alone, then by the condition
// that stands last. null: it was never met, or matched.
const Step* nearest_miss(const Walk& walk, const Rule& rule) {
  const Step* nearest = nullptr;
  std::pair<bool, size_t> best;
  for (const Step* s : walk.steps) {
    if (!is_of(*s, rule)) continue;
    if (s->kind != StepKind::kMiss) return nullptr;
    const std::pair<bool, size_t> now{s->field("only") == "true", place_in(rule, *s)};
    if (nearest == nullptr || now > best) {
      nearest = s;
      best = now;
    }
  }
  return nearest;
}

bool is_rule(const Step& s) { return s.kind == StepKind::kRule && !s.end_of_chain; }
bool ends(const Step& s) {
  return s.verdict == RuleVerdict::kAccept || s.verdict == RuleVerdict::kDrop || s.verdict == RuleVerdict::kOther;
}

std::string verdict_of(const Step& s) {
  if (s.kind == StepKind::kPolicy) return s.verdict == RuleVerdict::kDrop ? "DROP" : "ACCEPT";
  switch (s.verdict) {
    case RuleVerdict::kReturn:
      return "RETURN";
    case RuleVerdict::kGoto:
      return "goto " + s.target;
    default:
      return s.target.empty() ? "ACCEPT" : s.target;
  }
}

std::optional<HookPoint> hook_named(const std::string& chain) {
  for (size_t i = 0; i < kHookPoints; ++i)
    if (chain == hook_name(static_cast<HookPoint>(i))) return static_cast<HookPoint>(i);
  return std::nullopt;
}

class Search {
 public:
  Search(const Walk& walk, const std::vector<Rule>& rules) : walk_(walk), rules_(rules), runs_(runs_of(walk)) {}

  Reach unreached(const Rule& rule) {
    const auto hook = hook_named(rule.chain);
    return hook ? in_built_in(rule, *hook) : in_user_chain(rule);
  }

 private:
  Reach because(Said why, std::string group, int closeness) const {
    Reach r;
    r.why = std::move(why);
    r.group = std::move(group);
    r.closeness = closeness;
    return r;
  }

  Reach in_built_in(const Rule& rule, HookPoint hook) {
    const Run* run = nullptr;
    for (const Run& r : runs_)
      if (r.hook == hook && (run == nullptr || !enters(*run, rule.table))) run = &r;
    if (run == nullptr) return not_at(hook);
    if (enters(*run, rule.table)) return ended(rule, run->steps);
    const std::string name(hook_name(hook));
    for (const Step* s : run->steps) {
      if (s->kind != StepKind::kNatSkipped || rule.table != "nat") continue;
      Reach r = because(s->said, "skip " + name + ' ' + decision_of(*s), kNatSkipped);
      r.follows = s->said.inner.size() > 1 &&
                  (s->said.inner[1].key == "origin.rule" || s->said.inner[1].key == "origin.no_rule");
      return r;
    }
    for (const Step* s : walk_.steps) {
      if (s->kind == StepKind::kDropped && s->in_hook && s->hook == hook)
        return because({"why_not.dropped_before_table", {rule.table, name}, {s->said}},
                       "dropped " + std::string(s->field("by")) + std::string(s->field("reason")), kDroppedBefore);
    }
    return because({"why_not.table_not_run", {rule.table, name}, {}}, "not run " + name, kElsewhere);
  }

  // What makes two packets' skipped chains alike: the reason and who decided, not which packet.
  static std::string decision_of(const Step& s) {
    std::string out(s.field("reason"));
    if (s.said.inner.size() > 1) {
      const Said& decided = s.said.inner[1];
      out += ' ' + decided.key;
      if (decided.key == "origin.rule" && decided.values.size() > 1) out += ' ' + decided.values[1];
      for (const Said& inner : decided.inner) out += ' ' + inner.key;
    }
    return out;
  }

  static bool enters(const Run& run, const std::string& table) {
    return std::any_of(run.steps.begin(), run.steps.end(), [&](const Step* s) { return s->table == table; });
  }

  // The chain was entered; some step between its beginning and the rule led away.
  Reach ended(const Rule& rule, const std::vector<const Step*>& steps) const {
    const Step* away = nullptr;
    bool inside = false;  // the chain, or one below it
    for (const Step* s : steps) {
      if (s->table != rule.table) continue;
      if (s->chain == rule.chain) {
        inside = true;
        if (is_rule(*s)) away = s->verdict == RuleVerdict::kReturn || s->verdict == RuleVerdict::kGoto ? s : nullptr;
      }
      if (!inside) continue;
      if ((is_rule(*s) && ends(*s)) || (s->kind == StepKind::kPolicy && away == nullptr)) away = s;
      // What comes behind a return is another chain's doing; a goto's chain returns past this one.
      if (away != nullptr && (away->verdict == RuleVerdict::kReturn || away->verdict == RuleVerdict::kGoto))
        inside = false;
    }
    if (away == nullptr) {
      for (const Step* s : walk_.steps)
        if (s->kind == StepKind::kDropped)
          return because({"why_not.dropped", {}, {s->said}}, "dropped in " + rule.table, kEnded);
      return because({"why_not.left", {rule.table + ':' + rule.chain}, {}}, "left", kEnded);
    }
    const std::string place = away->place(), verdict = verdict_of(*away);
    return because({"why_not.ended", {place, verdict, away->rule}, {}}, "ended " + place, kEnded);
  }

  Reach in_user_chain(const Rule& rule) {
    for (const Run& run : runs_) {
      const auto in_chain = [&](const Step* s) { return s->table == rule.table && s->chain == rule.chain; };
      if (std::any_of(run.steps.begin(), run.steps.end(), in_chain)) return ended(rule, run.steps);
    }
    if (!seen_.insert(rule.chain).second) return because({}, {}, 0);
    std::optional<Reach> nearest, also;
    const std::string chain = rule.table + ':' + rule.chain;
    for (const Rule& jump : rules_) {
      if (jump.table != rule.table || chain_behind(jump, rules_) != rule.chain) continue;
      Reach r = reach_of(walk_, jump);
      if (nearest && r.closeness > nearest->closeness) std::swap(r, *nearest);
      if (!nearest)
        nearest = std::move(r);
      else if (r.closeness >= kJumpMissed && r.group != nearest->group && !also)
        also = std::move(r);
    }
    // Another of the rules that lead there was near, too.
    if (also && nearest->why.inner.size() < 2) {
      nearest->why.inner.resize(1);
      nearest->why.inner.push_back({"why_not.also", {}, {also->why}});
    }
    if (!nearest) return because({"why_not.no_jump", {chain}, {}}, "no jump", kElsewhere);
    return *nearest;
  }

  // How far it came to a rule that leads to the chain.
  Reach reach_of(const Walk& walk, const Rule& jump) {
    if (const Step* s = nearest_miss(walk, jump); s != nullptr) {
      const Said miss = s->said.inner.empty() ? Said{} : s->said.inner[0];
      const std::string condition = miss.values.empty() ? std::string() : miss.values[0];
      return because({"why_not.jump_missed", {s->place(), jump.text}, {miss}},
                     "jump " + s->place() + ' ' + miss.key + ' ' + condition, kJumpMissed);
    }
    const auto met = [&](const Step* s) { return is_of(*s, jump); };
    if (std::any_of(walk.steps.begin(), walk.steps.end(), met)) return because({}, {}, 0);
    return unreached(jump);
  }

  Reach not_at(HookPoint hook) const {
    const std::string name(hook_name(hook));
    const auto visited = [&](HookPoint h) {
      return std::any_of(runs_.begin(), runs_.end(), [&](const Run& r) { return r.hook == h; });
    };
    const Step *dropped = nullptr, *route = nullptr, *bridge = nullptr;
    bool decided = false;  // what is routed behind it is an answer or a part
    for (const Step* s : walk_.steps) {
      if (s->kind == StepKind::kHook)
        decided = decided || s->hook == HookPoint::kForward || s->hook == HookPoint::kLocalIn;
      if (s->kind == StepKind::kDropped) dropped = s;
      if (s->kind == StepKind::kRoute && !decided) route = s;
      if (s->kind == StepKind::kBridge && bridge == nullptr) bridge = s;
    }
    const Said where = route != nullptr ? route->said : Said{};
    const bool host = walk_.from_host || walk_.made != 0;
    if (hook == HookPoint::kLocalOut && !host)
      return because({"why_not.not_from_host", {name, walk_.device}, {}}, "not from host", kElsewhere);
    if (hook == HookPoint::kPreRouting && host)
      return because({"why_not.from_host", {name}, {}}, "from host", kElsewhere);
    if (hook == HookPoint::kForward && host) return because({"why_not.from_host", {name}, {}}, "from host", kElsewhere);
    if (hook == HookPoint::kLocalIn && visited(HookPoint::kForward))
      return because({"why_not.forwarded", {name}, {where}}, "forwarded", kElsewhere);
    if ((hook == HookPoint::kForward || hook == HookPoint::kPostRouting) && visited(HookPoint::kLocalIn))
      return because({"why_not.for_this_host", {name}, {where}}, "for this host", kElsewhere);
    if (hook == HookPoint::kLocalIn && host && dropped == nullptr)
      return because(
          route != nullptr ? Said{"why_not.leaves_host", {name}, {where}} : Said{"why_not.left_host", {name}, {}},
          "leaves", kElsewhere);
    if (dropped != nullptr)
      return because(
          {"why_not.dropped_before", {name}, {dropped->said}},
          "dropped before " + std::string(dropped->field("by")) + ' ' + std::string(dropped->field("reason")),
          kDroppedBefore);
    if (walk_.fate == trace::Fate::kWaiting && walk_.made == 0)
      return because({"why_not.elsewhere", {name}, {walk_.verdict}}, "waits", kElsewhere);
    if (bridge != nullptr && runs_.empty())
      return because({"why_not.bridged", {name}, {bridge->said}}, "bridged", kElsewhere);
    return because({"why_not.elsewhere", {name}, {walk_.verdict}}, "elsewhere " + walk_.verdict.key, kElsewhere);
  }

  const Walk& walk_;
  const std::vector<Rule>& rules_;
  std::vector<Run> runs_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<Walk> walks_of(const trace::Story& story) {
  std::vector<Walk> walks{
      {story.number, 0, story.from_host, story.device, story.packet, story.fate, story.verdict, {}}};
  for (const Step& s : story.steps) {
    while (walks.size() <= s.made)
      walks.push_back({story.number, static_cast<uint16_t>(walks.size()), true, {}, {}, trace::Fate::kNothing, {}, {}});
    Walk& walk = walks[s.made];
    if (s.kind == StepKind::kMade) walk.packet = s.field("description");
    walk.steps.push_back(&s);
  }
  return walks;
}

Reach reach_of(const Walk& walk, const Rule& rule, const std::vector<Rule>& rules) {
  const Step* missed = nearest_miss(walk, rule);
  const auto met = [&](const Step* s) { return is_of(*s, rule); };
  if (missed == nullptr && std::any_of(walk.steps.begin(), walk.steps.end(), met)) {
    Reach r;
    r.kind = Reach::Kind::kMatched;
    return r;
  }
  if (missed == nullptr) return Search(walk, rules).unreached(rule);
  Reach r;
  r.kind = Reach::Kind::kMissed;
  r.only = missed->field("only") == "true";
  if (!missed->said.inner.empty()) r.why = missed->said.inner[0];
  const std::string condition = r.why.values.empty() ? std::string() : r.why.values[0];
  if (r.why.values.size() > 1) r.has = r.why.values[1];
  r.group = (r.only ? "only " : "miss ") + r.why.key + ' ' + condition;
  r.closeness = static_cast<int>(place_in(rule, *missed));
  return r;
}

}  // namespace nf::explain
