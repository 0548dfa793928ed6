#include "tools/words/words.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "datapath/trace/drop_reason.h"
#include "datapath/trace/nat_skip.h"

namespace nf::words {
namespace {

struct Row {
  std::string key, english, chinese;
};
const Row kRows[] = {
#define X(key, english, chinese) {key, english, chinese},
#include "tools/words/words.inc"
#undef X
};

std::multiset<std::string> blanks(const std::string& text) {
  std::multiset<std::string> out;
  for (size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) out.insert(text.substr(at, 3));
  return out;
}

TEST(Words, BothLanguagesHaveTheSameBlanks) {
  for (const Row& row : kRows) EXPECT_EQ(blanks(row.english), blanks(row.chinese)) << row.key;
}

TEST(Words, AKeyStandsOnceAndHasWords) {
  std::set<std::string> keys;
  for (const Row& row : kRows) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    EXPECT_FALSE(row.english.empty()) << row.key;
    EXPECT_FALSE(row.chinese.empty()) << row.key;
  }
}

TEST(Words, EveryReasonOfTheClosedListsHasWords) {
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    const std::string_view key = drop_reason_key(static_cast<DropReason>(i));
    EXPECT_NE(text_of(key, Language::kEnglish), key);
  }
#define NF_X(name, key) EXPECT_NE(text_of("nat_skip." key, Language::kChinese), "nat_skip." key);
  NF_NAT_SKIPS(NF_X)
#undef NF_X
}

TEST(Words, BlanksAreFilled) {
  const Said said{"step.nat_skipped",
                  {"POSTROUTING"},
                  {{"nat_skip.established", {}, {}}, {"origin.rule", {"1", "nat:POSTROUTING:rule:2"}, {}}}};
  EXPECT_EQ(render(said, Language::kEnglish),
            "nat POSTROUTING not run: the connection exists; its NAT was decided by its first packet (packet 1, by "
            "nat:POSTROUTING:rule:2)");
  EXPECT_EQ(render(said, Language::kChinese),
            "nat POSTROUTING 未执行：连接已经存在；它的 NAT 由第一个包决定（包 1，由 nat:POSTROUTING:rule:2 决定）");
}

TEST(Words, ValuesMayHoldBraces) {
  EXPECT_EQ(render({"step.policy", {"{a}", "{1}"}, {}}, Language::kEnglish), "{a} {1}");
}

TEST(Words, WhatIsMissingStaysEmpty) {
  EXPECT_EQ(render({"step.policy", {}, {}}, Language::kEnglish), " ");
  EXPECT_EQ(render({}, Language::kEnglish), "");
}

TEST(Words, TheLocaleChooses) {
  const struct {
    const char *all, *messages, *lang;
    Language language;
  } kLocales[] = {
      {nullptr, nullptr, "zh_CN.UTF-8", Language::kChinese}, {nullptr, nullptr, "en_US.UTF-8", Language::kEnglish},
      {"C", nullptr, "zh_TW", Language::kEnglish},           {"", "zh", "de", Language::kChinese},
      {nullptr, nullptr, nullptr, Language::kEnglish},
  };
  const auto set = [](const char* name, const char* value) {
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  };
  for (const auto& l : kLocales) {
    set("LC_ALL", l.all);
    set("LC_MESSAGES", l.messages);
    set("LANG", l.lang);
    EXPECT_EQ(language_of_locale(), l.language);
  }
}

}  // namespace
}  // namespace nf::words
