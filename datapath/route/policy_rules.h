// The list of policy rules (`ip rule`). twin: net/core/fib_rules.c, net/ipv4/fib_rules.c
#pragma once

#include <vector>

#include "datapath/base/result.h"
#include "datapath/route/routing.h"

namespace nf {

class PolicyRules {
 public:
  // local, main, default
  PolicyRules();
  Status add(PolicyRule rule);
  Status remove(const PolicyRule& rule);
  // Once a rule was added or removed, for good. twin: fib4_has_custom_rules
  bool custom() const { return custom_; }
  const std::vector<PolicyRule>& list() const { return rules_; }

  // `in` is never null: lo for packets of this host. twin: fib_rule_match, fib4_rule_match
  static bool match(const PolicyRule& rule, Be32 destination, Be32 source, const Device& in, const Device* out,
                    uint8_t tos, uint32_t mark);

 private:
  std::vector<PolicyRule> rules_;  // by ascending preference, equal ones in order of addition
  bool custom_ = false;
};

}  // namespace nf
