#include "tools/shrink/setup.h"

#include <gtest/gtest.h>

namespace nf::shrink {
namespace {

constexpr char kRulesA[] =
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n"
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i a -j ACCEPT\n-A FORWARD -i b -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n";
constexpr char kRulesB[] =
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j LOG\n-A FORWARD -i a -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"
    "*raw\n-A PREROUTING -j DROP\nCOMMIT\n";

LabText text(const char* rules, std::vector<std::string> network) { return {std::move(network), {}, {}, rules}; }

std::string sides(const Line& line) { return line.text + (line.in[0] ? " A" : "") + (line.in[1] ? " B" : ""); }

std::vector<std::string> sides(const std::vector<Line>& lines) {
  std::vector<std::string> out;
  for (const Line& line : lines) out.push_back(sides(line));
  return out;
}

TEST(Setup, WhatBothLabsHaveIsOneLine) {
  const shrink::Setup both =
      setup_of(text(kRulesA, {"link set dev a up", "link set dev b up"}), text(kRulesB, {"link set dev b up", "x"}));
  EXPECT_EQ(sides(both.network), (std::vector<std::string>{"link set dev a up A", "link set dev b up A B", "x B"}));
  ASSERT_EQ(both.tables.size(), 3u);
  EXPECT_EQ(both.tables[0].name, "nat");
  EXPECT_FALSE(both.tables[0].in[1]);
  EXPECT_EQ(sides(both.tables[1].lines),
            (std::vector<std::string>{":FORWARD DROP [0:0] A B", "-A FORWARD -j LOG B", "-A FORWARD -i a -j ACCEPT A B",
                                      "-A FORWARD -i b -j ACCEPT A", "-A INPUT -j DROP A B"}));
  EXPECT_EQ(both.tables[2].name, "raw");
  EXPECT_FALSE(both.tables[2].in[0]);
  EXPECT_EQ(both.size(), 3u + 3u + 2u + 5u + 1u);
}

TEST(Setup, EachLabComesOutAsItWentIn) {
  const shrink::Setup both = setup_of(text(kRulesA, {"a", "c"}), text(kRulesB, {"b", "c"}));
  EXPECT_EQ(text_of(both, 0).rules, kRulesA);
  EXPECT_EQ(text_of(both, 1).rules, kRulesB);
  EXPECT_EQ(text_of(both, 0).network, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(text_of(both, 1).network, (std::vector<std::string>{"b", "c"}));
}

// A rule keeps its id when those in front of it go, and its number follows.
TEST(Setup, RulesAreFoundAgainByTheirId) {
  shrink::Setup setup = setup_of(text(kRulesA, {}));
  const std::vector<RulePlace> before = rules_of(setup, 0);
  ASSERT_EQ(before.size(), 4u);
  EXPECT_EQ(before[2].table + before[2].chain + std::to_string(before[2].number), "filterFORWARD2");
  EXPECT_EQ(before[3].table + before[3].chain + std::to_string(before[3].number), "filterINPUT1");
  auto& lines = setup.tables[1].lines;
  lines.erase(lines.begin() + 1);  // -A FORWARD -i a
  const std::vector<RulePlace> after = rules_of(setup, 0);
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after[1].id, before[2].id);
  EXPECT_EQ(after[1].number, 1u);
}

}  // namespace
}  // namespace nf::shrink
