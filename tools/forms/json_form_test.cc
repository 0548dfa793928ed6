#include "tools/forms/json_form.h"

#include <gtest/gtest.h>

namespace nf::forms {
namespace {

using trace::Step;
using trace::StepKind;
using trace::Story;

// As docs/trace.md has them.
TEST(JsonForm, Lines) {
  Story story;
  story.number = 7;
  story.time = 1795246547 * kSecond + 971'176'000;
  story.device = "ens33";
  story.packet = "tcp";
  story.fate = trace::Fate::kDropped;
  story.verdict = {"step.dropped_by", {"FORWARD", "filter:FORWARD:rule:2"}, {{"drop.IptablesRule", {}, {}}}};
  Step rule;
  rule.kind = StepKind::kRule;
  rule.in_hook = true;
  rule.hook = HookPoint::kForward;
  rule.table = "filter";
  rule.chain = "FORWARD";
  rule.number = 2;
  rule.verdict = trace::RuleVerdict::kDrop;
  rule.target = "DROP";
  rule.rule = "-m comment --comment \"a\xff\" -j DROP";
  story.steps.push_back(rule);
  Step seen;
  seen.kind = StepKind::kConntrack;
  seen.made = 1;
  seen.fields = {{"ctinfo", "NEW"}, {"before", ""}, {"id", "12"}, {"created", "true"}};
  story.steps.push_back(seen);
  std::string out;
  JsonForm({}, [&](std::string_view s) { out += s; }).story(story);
  EXPECT_EQ(
      out,
      "{\"line\": \"packet\", \"packet\": 7, \"time\": 1795246547.971176000, \"device\": \"ens33\", \"from_host\": "
      "false, \"description\": \"tcp\"}\n"
      "{\"line\": \"step\", \"packet\": 7, \"step\": 1, \"kind\": \"rule\", \"level\": \"decisions\", \"made\": 0, "
      "\"pass\": 0, \"hook\": \"FORWARD\", \"place\": \"filter:FORWARD:rule:2\", \"table\": \"filter\", \"chain\": "
      "\"FORWARD\", \"number\": 2, \"verdict\": \"drop\", \"target\": \"DROP\", \"rule\": \"-m comment --comment "
      "\\\"a\\ufffd\\\" -j DROP\"}\n"
      "{\"line\": \"step\", \"packet\": 7, \"step\": 2, \"kind\": \"conntrack\", \"level\": \"decisions\", \"made\": "
      "1, \"pass\": 0, \"ctinfo\": \"NEW\", \"id\": 12, \"created\": true}\n"
      "{\"line\": \"end\", \"packet\": 7, \"fate\": \"dropped\", \"key\": \"step.dropped_by\", \"values\": "
      "[\"FORWARD\", \"filter:FORWARD:rule:2\"], \"reasons\": [{\"key\": \"drop.IptablesRule\"}], \"text\": \"dropped "
      "at FORWARD by filter:FORWARD:rule:2: dropped by a rule\"}\n");
}

// Outer before inner; what says nothing is left out.
TEST(JsonForm, ReasonsAreFlat) {
  Story story;
  story.verdict = {"a", {}, {{"b", {"1"}, {{"c", {}, {}}, {}}}, {}, {"d", {}, {}}}};
  const std::string out = json_lines(story, words::Language::kEnglish);
  EXPECT_NE(out.find("\"reasons\": [{\"key\": \"b\", \"values\": [\"1\"]}, {\"key\": \"c\"}, {\"key\": \"d\"}]"),
            std::string::npos)
      << out;
}

}  // namespace
}  // namespace nf::forms
