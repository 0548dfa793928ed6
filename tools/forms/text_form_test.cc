#include "tools/forms/text_form.h"

#include <gtest/gtest.h>

namespace nf::forms {
namespace {

using trace::Level;
using trace::Step;
using trace::StepKind;
using trace::Story;

Step step(StepKind kind, Level level, Said said, bool in_hook = true, uint16_t made = 0) {
  Step s;
  s.kind = kind;
  s.level = level;
  s.said = std::move(said);
  s.in_hook = in_hook;
  s.made = made;
  return s;
}

// A packet that a rule in FORWARD rejects, with the error this host sends about it.
Story rejected() {
  Story story;
  story.number = 4;
  story.device = "eth0";
  story.packet = "tcp 10.0.0.2:5 > 10.1.0.2:80 SYN length 60";
  const auto hook = [](const char* name, uint16_t made = 0) {
    return step(StepKind::kHook, Level::kDecisions, {"step.hook", {name, "eth0", "-", "tcp"}, {}}, true, made);
  };
  story.steps = {
      hook("PREROUTING"),
      step(StepKind::kPolicy, Level::kEverything, {"step.policy", {"raw:PREROUTING:policy", "ACCEPT"}, {}}),
      step(StepKind::kRoute, Level::kDecisions, {"step.route", {"unicast", "eth1", "10.1.0.2"}, {}}, false),
      hook("FORWARD"),
      step(StepKind::kMade, Level::kDecisions, {"step.made", {"icmp"}, {}}, false, 1),
      hook("OUTPUT", 1),
      step(StepKind::kPolicy, Level::kEverything, {"step.policy", {"filter:OUTPUT:policy", "ACCEPT"}, {}}, true, 1),
      step(StepKind::kSent, Level::kDecisions, {"step.sent", {"eth0", "icmp"}, {}}, false, 1),
      step(StepKind::kRule, Level::kDecisions, {"step.rule", {"filter:FORWARD:rule:1", "DROP", "-j REJECT"}, {}}),
  };
  story.fate = trace::Fate::kDropped;
  story.verdict = {"step.dropped_by", {"FORWARD", "filter:FORWARD:rule:1"}, {{"drop.IptablesReject", {}, {}}}};
  return story;
}

constexpr char kHead[] = "packet 4 eth0 tcp 10.0.0.2:5 > 10.1.0.2:80 SYN length 60";
constexpr char kEnd[] = "dropped at FORWARD by filter:FORWARD:rule:1: rejected by a rule\n";

TEST(TextForm, AVerdictIsALine) {
  EXPECT_EQ(text_of(rejected(), {.level = Level::kVerdict}), std::string(kHead) + ": " + kEnd);
}

TEST(TextForm, OfTheDecisionsAHookWithoutOneIsLeftOut) {
  EXPECT_EQ(text_of(rejected(), {.level = Level::kDecisions}), std::string(kHead) +
                                                                   "\n"
                                                                   "  route: unicast by eth1, next hop 10.1.0.2\n"
                                                                   "      this host sends icmp\n"
                                                                   "      sent on eth0: icmp\n"
                                                                   "  FORWARD in=eth0 out=-: tcp\n"
                                                                   "    filter:FORWARD:rule:1 DROP: -j REJECT\n"
                                                                   "  => " +
                                                                   kEnd);
}

TEST(TextForm, EverythingIsEverything) {
  EXPECT_EQ(text_of(rejected(), {.level = Level::kEverything}), std::string(kHead) +
                                                                    "\n"
                                                                    "  PREROUTING in=eth0 out=-: tcp\n"
                                                                    "    raw:PREROUTING:policy ACCEPT\n"
                                                                    "  route: unicast by eth1, next hop 10.1.0.2\n"
                                                                    "  FORWARD in=eth0 out=-: tcp\n"
                                                                    "      this host sends icmp\n"
                                                                    "      OUTPUT in=eth0 out=-: tcp\n"
                                                                    "        filter:OUTPUT:policy ACCEPT\n"
                                                                    "      sent on eth0: icmp\n"
                                                                    "    filter:FORWARD:rule:1 DROP: -j REJECT\n"
                                                                    "  => " +
                                                                    kEnd);
}

TEST(TextForm, ColourIsOnlyColour) {
  std::string coloured;
  TextForm({.level = Level::kEverything, .colour = true}, [&](std::string_view t) { coloured += t; }).story(rejected());
  EXPECT_NE(coloured.find("\033[31m"), std::string::npos);
  std::string plain;
  for (size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\033')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  }
  EXPECT_EQ(plain, text_of(rejected(), {.level = Level::kEverything}));
}

TEST(TextForm, Chinese) {
  EXPECT_EQ(text_of(rejected(), {.language = words::Language::kChinese, .level = Level::kVerdict}),
            "包 4 eth0 tcp 10.0.0.2:5 > 10.1.0.2:80 SYN length 60: 在 FORWARD 被 filter:FORWARD:rule:1 "
            "丢弃：被规则拒绝（REJECT）\n");
}

}  // namespace
}  // namespace nf::forms
