#include "tools/labdiff/compare.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/labdiff/common_lines.h"

namespace nf::labdiff {
namespace {

using trace::RuleVerdict;
using trace::Step;
using trace::StepKind;

bool is_rule_or_policy(const Decision* d) {
  return d->step->kind == StepKind::kRule || d->step->kind == StepKind::kPolicy;
}

// All they do there is to accept, by other rules, or by a policy, or because the table is not there: neither made the
// difference.
bool all_accept(const std::vector<Row>& rows, const Parting& parting) {
  for (size_t i = parting.from; i < parting.to; ++i) {
    const Decision* d = rows[i].a != nullptr ? rows[i].a : rows[i].b;
    if (!d->weighs) continue;
    if (!is_rule_or_policy(d)) return false;
    const Step& s = *d->step;
    // nat's targets end in ACCEPT too.
    const bool accepts = s.verdict == RuleVerdict::kAccept && (s.kind == StepKind::kPolicy || s.target == "ACCEPT");
    if (!accepts) return false;
  }
  return true;
}

uint32_t connection_of(const Decision* d) {
  if (d == nullptr) return 0;
  const auto id = parse_number(d->step->field("id"), UINT32_MAX);
  return id ? static_cast<uint32_t>(*id) : 0;
}

bool is_of_connections(const Decision* d) {
  if (d == nullptr) return false;
  switch (d->step->kind) {
    case StepKind::kConntrack:
    case StepKind::kNatSkipped:
    case StepKind::kNatSetUp:
    case StepKind::kNatRewrote:
      return true;
    default:
      return false;
  }
}

std::string text_of_rule(const Step& s) {
  return s.rule.empty() ? s.place() : "-t " + s.table + " -A " + s.chain + " " + s.rule;
}

// What conntrack found, without the packet's own addresses (Groups leaves the numbers of an INVALID out).
Said conntrack_said(const Step& s) {
  for (const Said& inner : s.said.inner)
    if (inner.key.starts_with("invalid.")) return {"diff.ctinfo_invalid", {}, {inner}};
  return {"diff.ctinfo", {std::string(s.field("ctinfo")), std::string(s.field("after"))}, {}};
}

// A decision as a cause: nothing that only this packet has.
Said decision_said(const Decision* d) {
  if (d == nullptr) return {"diff.no_decision", {}, {}};
  const Step& s = *d->step;
  switch (s.kind) {
    case StepKind::kRule:
      return {"diff.rule_matches", {text_of_rule(s)}, {}};
    case StepKind::kPolicy:
      return {"diff.policy", {s.table + ":" + s.chain, s.verdict == RuleVerdict::kDrop ? "DROP" : "ACCEPT"}, {}};
    case StepKind::kConntrack:
      return conntrack_said(s);
    case StepKind::kNatSkipped:
      return s.said.inner.empty() ? s.said
                                  : Said{"diff.nat_skipped", {std::string(hook_name(s.hook))}, {s.said.inner[0]}};
    case StepKind::kNatSetUp:
    case StepKind::kNatRewrote:
      return {s.field("manip") == "source" ? "diff.nat_source" : "diff.nat_destination",
              {std::string(hook_name(s.hook)), std::string(s.field("range"))},
              {}};
    case StepKind::kRoute:
      return {"diff.route", {std::string(s.field("type")), std::string(s.field("out"))}, {}};
    case StepKind::kSent:
      return {"diff.sent", {std::string(s.field("device"))}, {}};
    case StepKind::kDelivered:
      return {"diff.delivered", {}, {}};
    case StepKind::kDropped:
      return {"diff.dropped", {std::string(s.field("reason"))}, {{"drop." + std::string(s.field("reason")), {}, {}}}};
    default:
      return {"diff.step", {std::string(trace::step_key(s.kind))}, {}};
  }
}

bool same_policy(const Decision* a, const Decision* b) {
  return a != nullptr && b != nullptr && a->step->kind == StepKind::kPolicy && b->step->kind == StepKind::kPolicy &&
         a->step->chain == b->step->chain && a->step->table == b->step->table;
}

// The first rule of one side that the other lab does not have and that can be the cause; a jump to a chain of rules
// that only one has is told by the rule that decided. Where a policy decided, only what led there can be: a rule that
// left the chain. A rule that lets the packet go on and changes nothing is the cause of another way alone.
const Decision* own_rule(const std::vector<Row>& rows, const Parting& parting, bool of_b, const Rules& others,
                         Kind kind) {
  const bool policies = same_policy(parting.a, parting.b);
  const Decision *left = nullptr, *looks = nullptr;
  for (size_t i = parting.from; i < parting.to; ++i) {
    const Decision* d = of_b ? rows[i].b : rows[i].a;
    if (d == nullptr) continue;
    if (policies && d == (of_b ? parting.b : parting.a)) break;
    if (d->step->kind != StepKind::kRule || others.contains(rule_name(*d->step))) continue;
    if (d->weighs) return d;
    const RuleVerdict verdict = d->step->verdict;
    if (left == nullptr && (verdict == RuleVerdict::kReturn || verdict == RuleVerdict::kGoto)) left = d;
    const bool jumps = !policies && verdict == RuleVerdict::kJump;
    if (looks == nullptr && (kind == Kind::kPath || jumps)) looks = d;
  }
  return kind != Kind::kPath && left != nullptr ? left : looks;
}

Cause cause_of(const std::vector<Row>& rows, const Parting& parting, const Rules& rules_a, const Rules& rules_b,
               Kind kind) {
  const Decision* only_a = own_rule(rows, parting, false, rules_b, kind);
  const Decision* only_b = own_rule(rows, parting, true, rules_a, kind);
  if (only_a != nullptr && only_b != nullptr)
    return {{"diff.cause_rules", {text_of_rule(*only_a->step), text_of_rule(*only_b->step)}, {}}};
  if (only_a != nullptr) return {{"diff.cause_rule_only_a", {text_of_rule(*only_a->step)}, {}}};
  if (only_b != nullptr) return {{"diff.cause_rule_only_b", {text_of_rule(*only_b->step)}, {}}};

  const Decision *a = parting.a, *b = parting.b;
  if (a == nullptr && b == nullptr) {  // nothing that weighs: the first of each
    for (size_t i = parting.from; i < parting.to; ++i) {
      if (a == nullptr) a = rows[i].a;
      if (b == nullptr) b = rows[i].b;
    }
  }
  if (same_policy(a, b))
    return {{"diff.cause_policy",
             {a->step->table + ":" + a->step->chain, decision_said(a).values[1], decision_said(b).values[1]},
             {}}};
  Cause cause{{"diff.cause_two", {}, {decision_said(a), decision_said(b)}}};
  if (cause.said.inner[0] == cause.said.inner[1])
    cause.said = {is_of_connections(a) ? "diff.cause_tuple" : "diff.cause_same", {}, {decision_said(a)}};
  return cause;
}

// The connection a packet was found in before the two parted, or is found in where they do.
uint32_t connection_before(const std::vector<Row>& rows, size_t to, bool of_b) {
  uint32_t id = 0;
  for (size_t i = 0; i < to; ++i) {
    const Decision* d = of_b ? rows[i].b : rows[i].a;
    if (d != nullptr && d->step->kind == StepKind::kConntrack) id = connection_of(d);
  }
  return id;
}

}  // namespace

std::string_view kind_key(Kind k) {
  static constexpr std::string_view kKeys[] = {"fate", "bytes", "nat", "path"};
  return kKeys[static_cast<size_t>(k)];
}

std::vector<Row> align(const std::vector<Decision>& a, const std::vector<Decision>& b) {
  const auto keys = [](const std::vector<Decision>& of) {
    std::vector<std::string_view> out;
    for (const Decision& d : of) out.push_back(d.key);
    return out;
  };
  std::vector<Row> rows;
  size_t i = 0, j = 0;
  const auto until = [&](size_t a_end, size_t b_end) {
    while (i < a_end) rows.push_back({&a[i++], nullptr});
    while (j < b_end) rows.push_back({nullptr, &b[j++]});
  };
  for (const auto& [in_a, in_b] : common_lines(keys(a), keys(b))) {
    until(in_a, in_b);
    rows.push_back({&a[i++], &b[j++]});
  }
  until(a.size(), b.size());
  return rows;
}

std::optional<Parting> find_parting(const std::vector<Row>& rows, Kind kind) {
  std::optional<Parting> first;
  for (size_t i = 0; i < rows.size();) {
    if (rows[i].a != nullptr && rows[i].b != nullptr) {
      ++i;
      continue;
    }
    Parting parting{.from = i};
    bool rules = false;
    for (; i < rows.size() && (rows[i].a == nullptr || rows[i].b == nullptr); ++i) {
      rules = rules || is_rule_or_policy(rows[i].a != nullptr ? rows[i].a : rows[i].b);
      if (parting.a == nullptr && rows[i].a != nullptr && rows[i].a->weighs) parting.a = rows[i].a;
      if (parting.b == nullptr && rows[i].b != nullptr && rows[i].b->weighs) parting.b = rows[i].b;
    }
    parting.to = i;
    // Being tracked at all changes nothing; being tracked otherwise does.
    const auto only_tracked = [](const Decision* x, const Decision* other) {
      return x != nullptr && x->step->kind == StepKind::kConntrack && other == nullptr;
    };
    const bool can = (parting.a != nullptr || parting.b != nullptr) && !only_tracked(parting.a, parting.b) &&
                     !only_tracked(parting.b, parting.a) && !all_accept(rows, parting);
    if (kind == Kind::kPath ? rules : can) return parting;
    if (!first) first = parting;
  }
  return first;
}

std::optional<Difference> compare(const Happened& a, const Happened& b, const Rules& rules_a, const Rules& rules_b) {
  Outcome one = outcome_of(a), other = outcome_of(b);
  Kind kind;
  if (one.ends != other.ends)
    kind = Kind::kFate;
  else if (one.frames != other.frames)
    kind = Kind::kBytes;
  else if (one.nat != other.nat)
    kind = Kind::kNat;
  else if (one.path != other.path)
    kind = Kind::kPath;
  else
    return std::nullopt;

  const std::vector<Decision> decisions_a = decisions_of(a), decisions_b = decisions_of(b);
  const std::vector<Row> rows = align(decisions_a, decisions_b);
  Difference difference{kind, std::move(one.ends), std::move(other.ends), {}};
  if (const std::optional<Parting> parting = find_parting(rows, kind); parting) {
    difference.cause = cause_of(rows, *parting, rules_a, rules_b, kind);
    if (is_of_connections(parting->a) || is_of_connections(parting->b)) {
      difference.cause.connection_a = connection_before(rows, parting->to, false);
      difference.cause.connection_b = connection_before(rows, parting->to, true);
    }
  } else {
    difference.cause.said = {"diff.cause_unseen", {}, {}};
  }
  return difference;
}

}  // namespace nf::labdiff
