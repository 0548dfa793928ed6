#include "tools/forms/html_form.h"

#include <gtest/gtest.h>

#include <string>

namespace nf::forms {
namespace {

using trace::Step;
using trace::StepKind;
using trace::Story;

std::string page_of(const std::vector<Story>& stories, const Surroundings& surroundings = {},
                    FormOptions options = {}) {
  std::string out;
  HtmlForm form(options, [&out](std::string_view text) { out += text; });
  form.begin(surroundings);
  for (const Story& s : stories) form.story(s);
  form.end();
  return out;
}

size_t count(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

Story story_with(const std::string& rule) {
  Story story;
  story.number = 1;
  story.device = rule;
  story.packet = rule;
  Step step;
  step.kind = StepKind::kRule;
  step.table = "filter";
  step.chain = rule;
  step.number = 1;
  step.target = rule;
  step.rule = rule;
  step.said = {"step.rule", {rule}, {{"origin.before", {rule}, {}}}};
  step.fields = {{"before", rule}};
  story.steps.push_back(step);
  story.verdict = {"end.sent", {rule}, {}};
  return story;
}

Surroundings lab_of(const std::string& text) {
  Surroundings s;
  s.lab = text;
  s.rules.push_back({"filter", text, 1, text, 0, 0});
  s.devices.push_back({text, text, text});
  return s;
}

// HTML Living Standard, 13.2.5.4 on: inside a script element only "<" leads anywhere.
TEST(HtmlForm, HostileTextStaysText) {
  const std::string harmless = page_of({story_with("x")}, lab_of("x"));
  for (const char* const text : {"</script><script>alert(1)</script>", "<!--<script>", "]]>--><b>", "\"</SCRIPT\n>"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(count(page_of({story_with(text)}, lab_of(text)), "<"), count(harmless, "<"));
  }
}

// The page's own marks in a lab's name are not places to put something in.
TEST(HtmlForm, ANameMayLookLikeAMark) {
  const char* const mark = ":root {";  // the style's first words
  EXPECT_EQ(count(page_of({}, lab_of("@STYLE@@SCRIPT@")), mark), count(page_of({}), mark));
}

TEST(HtmlForm, AStepToldAgainIsWrittenOnce) {
  const Story story = story_with("-j ACCEPT");
  const std::string once = page_of({story}), twice = page_of({story, story});
  const std::string json = "\"kind\": \"rule\"";
  EXPECT_EQ(count(once, json), 1u);
  EXPECT_EQ(count(twice, json), 1u);
  EXPECT_EQ(count(twice, "\"steps\": [0]"), 2u);
}

TEST(HtmlForm, WhatItKeepsOfManyDifferentStepsIsBounded) {
  const Story rule = story_with("-j ACCEPT");
  std::string out;
  HtmlForm form({}, [&out](std::string_view text) { out += text; });
  form.begin({});
  form.story(rule);
  size_t told = 0, others = 0;
  for (; told <= 2 * HtmlForm::kMaxKnown; ++others) {  // most of a story here is its step
    const size_t before = out.size();
    form.story(story_with("other " + std::to_string(others) + std::string(2000, 'x')));
    told += out.size() - before;
  }
  EXPECT_EQ(count(out, "\"-j ACCEPT\""), count(page_of({rule}), "\"-j ACCEPT\""));
  const std::string first_again = "\"steps\": [" + std::to_string(others + 1) + "]";
  out.clear();
  form.story(rule);
  // It was forgotten: it is told anew and numbered behind all the others, and is known from here on.
  EXPECT_EQ(count(out, "\"kind\": \"rule\""), 1u);
  EXPECT_EQ(count(out, first_again), 1u) << out;
  out.clear();
  form.story(rule);
  EXPECT_EQ(count(out, "\"kind\": \"rule\""), 0u);
  EXPECT_EQ(count(out, first_again), 1u) << out;
}

TEST(HtmlForm, TheWordsSaidAreThereInBothLanguages) {
  const std::string page = page_of({story_with("-j ACCEPT")});
  for (const char* const key : {"step.rule", "origin.before", "end.sent", "html.packets"}) {
    for (const auto language : {words::Language::kEnglish, words::Language::kChinese}) {
      const std::string text(words::text_of(key, language));
      EXPECT_NE(page.find(text), page.npos) << text;
    }
  }
  EXPECT_EQ(page.find("\"step.ttl\""), page.npos);
}

TEST(HtmlForm, WithoutPacketsItIsAPageAllTheSame) {
  std::string out;
  HtmlForm form({}, [&out](std::string_view text) { out += text; });
  form.end();
  EXPECT_TRUE(out.starts_with("<!doctype html>"));
  EXPECT_TRUE(out.ends_with("</html>\n"));
  EXPECT_EQ(out, page_of({}));
}

}  // namespace
}  // namespace nf::forms
