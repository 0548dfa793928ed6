// Rules found by name and by the texts people have of them: what iptables-save prints, what they typed.
#include "tools/explain/rule_text.h"

#include <gtest/gtest.h>

#include "tools/explain/rule_probe.h"

namespace nf::explain {
namespace {

// As iptables-save 1.8.9 prints them.
const std::vector<Rule> kRules = {
    {"nat", "PREROUTING", 0, "ACCEPT", 0, 0},
    {"nat", "PREROUTING", 1, "-m addrtype --dst-type LOCAL -j DOCKER", 0, 0},
    {"nat", "PREROUTING", 2, "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.2:80", 0, 0},
    {"nat", "DOCKER", 1, "-i docker0 -j RETURN", 0, 0},
    {"filter", "FORWARD", 0, "DROP", 0, 0},
    {"filter", "FORWARD", 1, "-i docker0 -j ACCEPT", 0, 0},
    {"filter", "FORWARD", 2, "-m comment --comment \"a -j b\" -j ACCEPT", 0, 0},
    {"mangle", "FORWARD", 1, "-i docker0 -j ACCEPT", 0, 0},
};

TEST(RuleText, ARuleIsFoundByEveryNameOfIt) {
  const struct {
    const char* asked;
    const char* name;
  } cases[] = {
      {"nat:PREROUTING:2", "nat:PREROUTING:2"},
      {"nat:PREROUTING:rule:2", "nat:PREROUTING:2"},
      {"filter:FORWARD:policy", "filter:FORWARD:policy"},
      {"-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "nat:PREROUTING:1"},
      {"-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.2:80", "nat:PREROUTING:2"},
      {"-A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.2:80", "nat:PREROUTING:2"},
      {"-A PREROUTING -p 6 --destination-port http -j DNAT --to-destination 10.0.0.2:80", "nat:PREROUTING:2"},
      {"iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2:80", "nat:PREROUTING:2"},
      {"-t nat -I PREROUTING 1 -m addrtype --dst-type LOCAL -j DOCKER", "nat:PREROUTING:1"},
      {"-t filter -A FORWARD -i docker0 -j ACCEPT", "filter:FORWARD:1"},
      {"iptables -w -t filter -A FORWARD -i docker0 -j ACCEPT", "filter:FORWARD:1"},
      {"iptables -A FORWARD -i docker0 -j ACCEPT -t mangle -w 5", "mangle:FORWARD:1"},
      {"iptables --wait=2 -A FORWARD --table=filter -i docker0 -j ACCEPT", "filter:FORWARD:1"},
      {"-A FORWARD -m comment --comment 'a -j b' -j ACCEPT", "filter:FORWARD:2"},
      {"-A DOCKER -i docker0 -j RETURN", "nat:DOCKER:1"},
  };
  for (const auto& c : cases) {
    const Result<Rule> r = find_rule(kRules, c.asked);
    EXPECT_EQ(r ? name_of(*r) : r.error().text, c.name) << c.asked;
  }
}

TEST(RuleText, WhatNamesNoRuleOrSeveralIsRefusedWithTheCandidates) {
  const struct {
    const char* asked;
    std::vector<const char*> said;
  } cases[] = {
      {"nat:PREROUTING:3", {"nat:PREROUTING:3", "nat:PREROUTING:1", "nat:PREROUTING:2"}},
      {"nat:DOKCER:1", {"PREROUTING", "DOCKER"}},
      {"raw:PREROUTING:1", {"no table raw"}},
      {"nat:PREROUTING", {"TABLE:CHAIN:NUMBER"}},
      {"nat:PREROUTING:x", {"TABLE:CHAIN:NUMBER"}},
      {"nat:PREROUTING:0", {"TABLE:CHAIN:NUMBER"}},
      {"-A FORWARD -i docker0 -j ACCEPT", {"more than one", "filter:FORWARD:1", "mangle:FORWARD:1"}},
      {"-A FORWARD -i docker1 -j ACCEPT", {"not among", "filter:FORWARD:1"}},
      {"-A NOWHERE -j ACCEPT", {"no chain NOWHERE"}},
      {"-p tcp -j ACCEPT", {"-A CHAIN"}},
      {"-A FORWARD -m comment --comment -t -j ACCEPT", {"not among", "filter:FORWARD:2"}},
      {"", {"needs a rule"}},
  };
  for (const auto& c : cases) {
    const Result<Rule> r = find_rule(kRules, c.asked);
    ASSERT_FALSE(r) << c.asked << " is " << name_of(*r);
    EXPECT_EQ(r.error().code, ExitCode::kBadInput);
    for (const char* words : c.said)
      EXPECT_NE(r.error().text.find(words), std::string::npos) << c.asked << ": " << r.error().text;
  }
}

TEST(RuleText, ChainsAreToldFromTargets) {
  EXPECT_EQ(chain_behind(kRules[1], kRules), "DOCKER");
  EXPECT_EQ(chain_behind(kRules[2], kRules), "");
  EXPECT_EQ(chain_behind(kRules[4], kRules), "");
  // The "-j b" stands in quotes.
  EXPECT_EQ(chain_behind({"nat", "X", 1, "-m comment --comment \"x -j DOCKER\" -j RETURN", 0, 0}, kRules), "");
}

TEST(RuleText, ConditionsEndBeforeTheTarget) {
  EXPECT_EQ(conditions_of("-i docker0 -p tcp -j ACCEPT"), "-i docker0 -p tcp ");
  EXPECT_EQ(conditions_of("-m comment --comment \"a -j b\" -g X"), "-m comment --comment \"a -j b\" ");
  EXPECT_EQ(conditions_of("-j DNAT --to-destination 1.2.3.4"), "");
  EXPECT_EQ(conditions_of("-p udp"), "-p udp");
}

}  // namespace
}  // namespace nf::explain
