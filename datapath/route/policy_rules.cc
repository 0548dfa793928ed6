#include "datapath/route/policy_rules.h"

#include <algorithm>

namespace nf {
namespace {

constexpr uint8_t kTosMask = 0x1c;  // IPTOS_TOS_MASK without the ECN bits

PolicyRule lookup_rule(uint32_t preference, uint32_t table) {
  PolicyRule r;
  r.preference = preference;
  r.table = table;
  r.built_in = true;
  return r;
}

bool in_prefix(Be32 a, Be32 prefix, uint8_t length) {
  return ((a.raw() ^ prefix.raw()) & prefix_mask(length).raw()) == 0;
}

// Selectors of `wanted` that are not given match any. twin: fib4_rule_compare
bool agrees(const PolicyRule& r, const PolicyRule& wanted) {
  if (wanted.from_length != 0 && (r.from_length != wanted.from_length || r.from != wanted.from)) return false;
  if (wanted.to_length != 0 && (r.to_length != wanted.to_length || r.to != wanted.to)) return false;
  return wanted.tos == 0 || r.tos == wanted.tos;
}

// A mark without a mask compares all bits.
void default_mask(PolicyRule& r) {
  if (r.mark != 0 && r.mark_mask == 0) r.mark_mask = UINT32_MAX;
}

}  // namespace

PolicyRules::PolicyRules()
    : rules_{lookup_rule(0, kTableLocal), lookup_rule(0x7ffe, kTableMain), lookup_rule(0x7fff, kTableDefault)} {}

Status PolicyRules::add(PolicyRule rule) {
  if (rule.preference == PolicyRule::kNoPreference)
    rule.preference = rules_.size() > 1 && rules_[1].preference != 0 ? rules_[1].preference - 1 : 0;
  default_mask(rule);
  if (rule.action == RouteType::kUnspec) rule.action = RouteType::kUnicast;
  if (rule.action == RouteType::kUnicast && rule.table == 0) rule.table = kTableMain;
  rule.built_in = false;
  // What the new rule leaves open counts as equal, and `not` is not compared: so does rule_exists. The built-in ones
  // are of another protocol, hence never equal.
  for (const PolicyRule& r : rules_) {
    if (!r.built_in && r.action == rule.action && r.table == rule.table && r.preference == rule.preference &&
        r.iif == rule.iif && r.oif == rule.oif && r.mark == rule.mark && r.mark_mask == rule.mark_mask &&
        agrees(r, rule))
      return error("RTNETLINK answers: File exists");
  }
  // The kernel compares bits 2..4 only and refuses what it would not compare.
  if ((rule.tos & 3) != 0) return error("Error: Invalid dsfield (tos): ECN bits must be 0.");
  if ((rule.tos & ~0x1e) != 0) return error("Error: Invalid tos.");
  custom_ = true;
  const auto at = std::upper_bound(rules_.begin(), rules_.end(), rule.preference,
                                   [](uint32_t p, const PolicyRule& r) { return p < r.preference; });
  rules_.insert(at, std::move(rule));
  return {};
}

Status PolicyRules::remove(const PolicyRule& given) {
  PolicyRule rule = given;
  default_mask(rule);
  const bool any_action = rule.action == RouteType::kUnspec || (rule.action == RouteType::kUnicast && rule.table == 0);
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const PolicyRule& r) {
    if (!any_action && r.action != rule.action) return false;
    if (rule.table != 0 && r.table != rule.table) return false;
    if (rule.preference != PolicyRule::kNoPreference && r.preference != rule.preference) return false;
    if (!rule.iif.empty() && r.iif != rule.iif) return false;
    if (!rule.oif.empty() && r.oif != rule.oif) return false;
    if (rule.mark != 0 && r.mark != rule.mark) return false;
    if (rule.mark_mask != 0 && r.mark_mask != rule.mark_mask) return false;
    return agrees(r, rule);
  });
  if (at == rules_.end()) return error("RTNETLINK answers: No such file or directory");
  rules_.erase(at);
  custom_ = true;
  return {};
}

bool PolicyRules::match(const PolicyRule& r, Be32 destination, Be32 source, const Device& in, const Device* out,
                        uint8_t tos, uint32_t mark) {
  const bool matched = (r.iif.empty() || r.iif == in.name) &&
                       (r.oif.empty() || (out != nullptr && r.oif == out->name)) &&
                       ((r.mark ^ mark) & r.mark_mask) == 0 && in_prefix(source, r.from, r.from_length) &&
                       in_prefix(destination, r.to, r.to_length) && (r.tos == 0 || r.tos == (tos & kTosMask));
  return matched != r.invert;
}

}  // namespace nf
