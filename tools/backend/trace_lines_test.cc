#include "tools/backend/trace_lines.h"

#include <gtest/gtest.h>

#include "tools/backend/told.h"
#include "tools/forms/json_form.h"

namespace nf {
namespace {

// {"name": "value", ...} with ' for ".
std::string line(std::string text) {
  for (char& c : text)
    if (c == '\'') c = '"';
  return "{" + text + "}\n";
}
std::string packet(int n, const char* more = "") {
  return line("'line': 'packet', 'packet': " + std::to_string(n) +
              ", 'time': 0.000000000, 'device': 'ens33', 'from_host': false, 'description': 'udp'" + more);
}
std::string step(int n, int made, const std::string& more) {
  return line("'line': 'step', 'packet': " + std::to_string(n) + ", 'made': " + std::to_string(made) + ", " + more);
}
std::string place(int n, int made, const std::string& at) {
  const char* kind = at.find(":policy:") == at.npos ? "rule" : "policy";
  return step(n, made, std::string("'kind': '") + kind + "', 'place': '" + at + "'");
}
std::string end(int n) { return line("'line': 'end', 'packet': " + std::to_string(n) + ", 'fate': 'sent'"); }

std::vector<RulePath> paths_of(const std::string& text) {
  TraceLines lines;
  const Status added = lines.add(text);
  EXPECT_TRUE(added) << (added ? "" : added.error().str());
  return lines.take_paths();
}

// The second packet is refused, and what refuses it is a packet of its own.
TEST(TraceLines, PathsPacketByPacket) {
  const std::vector<RulePath> expected{
      {"nat:PREROUTING:rule:1", "nat:DOCKER:rule:2", "filter:FORWARD:policy"},
      {"filter:INPUT:rule:3"},
      {"filter:OUTPUT:policy"},
  };
  EXPECT_EQ(paths_of(packet(1) + place(1, 0, "nat:PREROUTING:rule:1") + place(1, 0, "nat:DOCKER:rule:2") +
                     place(1, 0, "filter:DOCKER-USER:return:2") + place(1, 0, "filter:FORWARD:policy:3") + end(1) +
                     packet(2) + step(2, 1, "'kind': 'made'") + place(2, 1, "filter:OUTPUT:policy:1") +
                     step(2, 0, "'kind': 'miss', 'place': 'filter:INPUT:rule:1'") + place(2, 0, "filter:INPUT:rule:3") +
                     end(2) + packet(3) + end(3)),
            expected);
}

// What goes over lo is one packet, whether it comes back in its story or in one of its own.
TEST(TraceLines, PathsOverLo) {
  const std::string on_lo = "'kind': 'sent', 'device': 'lo'";
  EXPECT_EQ(paths_of(packet(1) + place(1, 0, "filter:OUTPUT:rule:1") + step(1, 0, on_lo) + end(1) +
                     packet(2, ", 'continues': 1") + place(2, 0, "filter:INPUT:rule:1") + step(2, 1, "'kind': 'made'") +
                     place(2, 1, "filter:OUTPUT:policy:2") + step(2, 1, on_lo) + end(2) +
                     packet(3, ", 'continues': 2") + place(3, 0, "filter:INPUT:policy:1") + end(3)),
            (std::vector<RulePath>{{"filter:OUTPUT:rule:1", "filter:INPUT:rule:1"},
                                   {"filter:OUTPUT:policy", "filter:INPUT:policy"}}));
}

TEST(TraceLines, NothingTold) {
  TraceLines lines;
  EXPECT_TRUE(lines.add(""));
  EXPECT_TRUE(lines.take_paths().empty());
  EXPECT_TRUE(lines.take_told().empty());
  EXPECT_EQ(lines.take_text(), "");
}

// For people: what is about a packet this host made stands further in, what happens in a hook under it.
TEST(TraceLines, Text) {
  TraceLines lines;
  ASSERT_TRUE(
      lines.add(packet(4) + step(4, 0, "'kind': 'hook', 'hook': 'INPUT', 'text': 'at INPUT'") +
                step(4, 1, "'kind': 'made', 'hook': 'INPUT', 'text': 'this host sends'") +
                step(4, 1, "'kind': 'route', 'text': 'routed'") +
                step(4, 0, "'kind': 'rule', 'place': 'filter:INPUT:rule:1', 'hook': 'INPUT', 'text': 'a rule'") +
                line("'line': 'end', 'packet': 4, 'fate': 'dropped', 'text': 'the end'")));
  EXPECT_EQ(lines.take_text(),
            "packet 4 ens33 udp\n  at INPUT\n    this host sends\n      routed\n    a rule\n  => the end\n");
  EXPECT_EQ(lines.take_text(), "");
}

TEST(TraceLines, WhatIsNoTraceIsRefused) {
  for (const std::string& text : {std::string("packet 1 ens33\n"), std::string("[]\n"), line(""),
                                  line("'line': 'what'"), std::string("{\"line\": \"step\"\n")}) {
    TraceLines lines;
    EXPECT_FALSE(lines.add(text)) << text;
  }
}

// A story read from its JSON tells what the story tells.
TEST(TraceLines, ToldAsInTheStory) {
  trace::Story story;
  story.number = 7;
  story.device = "ens33";
  story.packet = "udp \"odd\" \\ \n packet";
  story.fate = trace::Fate::kDropped;
  trace::Step dropped;
  dropped.kind = trace::StepKind::kDropped;
  dropped.in_hook = true;
  dropped.hook = HookPoint::kForward;
  dropped.said = {"step.dropped_by", {"FORWARD", "filter:FORWARD:rule:2"}, {{"drop.IptablesRule", {}, {}}}};
  trace::Step skipped;
  skipped.kind = trace::StepKind::kNatSkipped;
  const Said because{"origin.because", {}, {{"invalid.words", {"x, y", "\t1"}, {}}}};
  skipped.said = {"step.nat_skipped", {"POSTROUTING"}, {{"nat_skip.invalid", {}, {}}, because}};
  story.steps = {dropped, skipped, {}};
  const ToldPacket direct = told_of(story);
  EXPECT_EQ(direct.fate, "dropped");
  EXPECT_EQ(direct.steps[0].hook, "FORWARD");
  EXPECT_EQ(direct.steps[1].keys,
            (std::vector<std::string>{"step.nat_skipped", "nat_skip.invalid", "origin.because", "invalid.words"}));
  EXPECT_EQ(direct.steps[1].values, (std::vector<std::string>{"POSTROUTING", "x, y", "\t1"}));

  TraceLines lines;
  ASSERT_TRUE(lines.add(forms::json_lines(story, words::Language::kEnglish)));
  const std::vector<ToldPacket> told = lines.take_told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].number, direct.number);
  EXPECT_EQ(told[0].fate, direct.fate);
  ASSERT_EQ(told[0].steps.size(), direct.steps.size());
  for (size_t i = 0; i < direct.steps.size(); ++i) {
    EXPECT_EQ(told[0].steps[i].hook, direct.steps[i].hook);
    EXPECT_EQ(told[0].steps[i].keys, direct.steps[i].keys);
    EXPECT_EQ(told[0].steps[i].values, direct.steps[i].values);
  }
}

// RFC 8259
TEST(JsonLine, WhatIsReadAndWhatIsNot) {
  const auto read = read_json_line(
      R"( {"a": "x\\\"\/\b\f\n\r\t\u0041\u00e9\u4e2d\ud83d\ude00", "n": -1.5e3, "t": true, "l": ["1", 2, "]"],
           "e": [], "o": [{"k": "v", "m": ["w"]}, {}]} )");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->word("a"), "x\\\"/\b\f\n\r\tA\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
  EXPECT_EQ(read->word("n"), "-1.5e3");
  EXPECT_EQ(read->word("t"), "true");
  EXPECT_EQ(read->word("none"), "");
  EXPECT_EQ(read->list("l"), (std::vector<std::string>{"1", "2", "]"}));
  EXPECT_TRUE(read->list("e").empty());
  ASSERT_EQ(read->objects.at("o").size(), 2u);
  EXPECT_EQ(read->objects.at("o")[0].word("k"), "v");
  EXPECT_EQ(read->objects.at("o")[0].list("m"), (std::vector<std::string>{"w"}));
  for (const char* text : {"", "{", "}", "[]", R"({"a"})", R"({"a": })", R"({"a": "})", R"({"a": "\x"})",
                           R"({"a": "\u12"})", R"({"a": "\ud800\u0041"})", R"({"a": 1,})", R"({"a": 1} 2)",
                           R"({"a": [1})", R"({"a": {"b": 1}})", R"({"a": [[1]]})"})
    EXPECT_FALSE(read_json_line(text)) << text;
}

}  // namespace
}  // namespace nf
