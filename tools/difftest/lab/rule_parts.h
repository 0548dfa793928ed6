// The parts a random rule is put together from. Internal to tools/difftest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/difftest/case/dice.h"
#include "tools/difftest/lab/lab_plan.h"

namespace nf::difftest {

// Where a chain is reached from, a bit each.
enum ChainHook : uint8_t { kPre = 1, kIn = 2, kFwd = 4, kOut = 8, kPost = 16 };

// A rule while it is written.
struct RuleDraft {
  Dice& dice;
  LabPlan& plan;
  std::string_view table;
  uint8_t hooks = 0;          // every hook its chain is reached from
  bool built_in = false;      // its chain
  std::string_view protocol;  // of "-p", not inverted; empty: none
  std::string match;          // "-p tcp -m tcp --dport 80", so far
  uint32_t conditions = 0;    // how much in it makes the rule rarer

  bool reached_only_from(uint8_t mask) const { return (hooks & ~mask) == 0; }
  bool has_ports() const { return protocol == "tcp" || protocol == "udp"; }
  void add(std::string_view part) {
    if (!match.empty()) match += ' ';
    match += part;
  }
};

// -p, -s, -d, -i, -o, -f and the protocol's own match.
void draft_header(RuleDraft& rule);
// One more match, if one that fits is found; none twice.
void draft_match(RuleDraft& rule);
// " -j ..." of the target, empty for a rule without. Takes nothing away from most packets: what drops is only chosen
// for rules with conditions.
std::string draft_target(RuleDraft& rule);

// Words of the lab for a rule.
std::string some_address(RuleDraft& rule);  // an address or a network, as -s and --ctorigsrc take it
std::string some_port(RuleDraft& rule);     // one that is used
std::string some_port_range(RuleDraft& rule);
std::string some_interface(RuleDraft& rule);

}  // namespace nf::difftest
