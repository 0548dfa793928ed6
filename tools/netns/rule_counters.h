// The counters of every rule and policy. stands for: iptables-legacy-save -c, iptables-nft-save -c
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datapath/base/result.h"

namespace nf::netns {

struct RuleCount {
  std::string table, chain;
  uint32_t number;  // from 1; 0: the chain's policy
  uint64_t packets, bytes;
};

// In the namespace entered last, in iptables-save's order of tables; within a table its chains as the kernel has them.
Result<std::vector<RuleCount>> legacy_rule_counters();
// iptables-save -c text. A malformed line is left out.
std::vector<RuleCount> saved_rule_counters(std::string_view text);

}  // namespace nf::netns
