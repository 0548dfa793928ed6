#include "tools/commands/command_words.h"

#include <gtest/gtest.h>

namespace nf {
namespace {

constexpr OptionName kNames[] = {
    {'t', "table", TakesValue::kYes, 't'},     {'L', "list", TakesValue::kOptional, 'L'},
    {'n', "numeric", TakesValue::kNo, 'n'},    {'v', "verbose", TakesValue::kNo, 'v'},
    {0, "line-numbers", TakesValue::kNo, '0'}, {'s', "src", TakesValue::kYes, 's'},
    {0, "orig-src", TakesValue::kYes, 's'},
};

// "t=nat L n" for what was given; "! words" for an error. As getopt_long(3) reads them.
std::string read(const std::vector<std::string>& words) {
  const Result<std::vector<GivenOption>> given = read_options(words, kNames);
  if (!given) return "! " + given.error().text;
  std::string out;
  for (const GivenOption& o : *given) {
    if (!out.empty()) out += ' ';
    if (o.is != 0) out += o.is;
    if (o.has_value) out += '=' + o.value;
  }
  return out;
}

TEST(CommandWords, Read) {
  const struct {
    std::vector<std::string> words;
    std::string expected;
  } kCases[] = {
      {{}, ""},
      {{"-L"}, "L"},
      {{"-L", "FORWARD", "-n"}, "L=FORWARD n"},
      {{"-nvL", "FORWARD"}, "n v L=FORWARD"},
      {{"-Ln"}, "L n"},
      {{"-tnat", "-L"}, "t=nat L"},
      {{"-t", "nat", "-L"}, "t=nat L"},
      {{"-vtnat"}, "v t=nat"},
      {{"--table=nat", "--list=X"}, "t=nat L=X"},
      {{"--table", "nat", "--list", "X"}, "t=nat L=X"},
      {{"--line"}, "0"},
      {{"--numer"}, "n"},
      {{"--orig-src", "1.2.3.4"}, "s=1.2.3.4"},
      {{"word"}, "=word"},
      {{"-t", "-L"}, "t=-L"},
      {{"--li"}, "! option \"--li\" is ambiguous"},
      {{"--numeric=1"}, "! option \"--numeric\" doesn't allow an argument"},
      {{"-t"}, "! option \"-t\" requires an argument"},
      {{"--table"}, "! option \"--table\" requires an argument"},
      {{"-q"}, "! unknown option \"-q\""},
      {{"-nq"}, "! unknown option \"-q\""},
      {{"--frob"}, "! unknown option \"--frob\""},
      {{"--"}, "! unknown option \"--\""},
  };
  for (const auto& c : kCases) EXPECT_EQ(read(c.words), c.expected);
}

}  // namespace
}  // namespace nf
