// Two lists of lines: what is common, against a search of all subsequences (small lists) and arithmetic (big ones).
#include "tools/labdiff/common_lines.h"

#include <gtest/gtest.h>

#include <string>

#include "datapath/base/random.h"

namespace nf::labdiff {
namespace {

using Lines = std::vector<std::string_view>;

void expect_common(const Lines& a, const Lines& b, const CommonLines& common) {
  for (size_t i = 0; i < common.size(); ++i) {
    ASSERT_LT(common[i].first, a.size());
    ASSERT_LT(common[i].second, b.size());
    EXPECT_EQ(a[common[i].first], b[common[i].second]);
    if (i == 0) continue;
    EXPECT_LT(common[i - 1].first, common[i].first);
    EXPECT_LT(common[i - 1].second, common[i].second);
  }
}

bool is_subsequence(const Lines& of, const Lines& lines) {
  size_t found = 0;
  for (const std::string_view line : lines) found += found < of.size() && of[found] == line;
  return found == of.size();
}

// Every choice of a's lines.
size_t longest(const Lines& a, const Lines& b) {
  size_t most = 0;
  for (uint32_t choice = 0; choice < 1u << a.size(); ++choice) {
    Lines chosen;
    for (size_t i = 0; i < a.size(); ++i)
      if (choice >> i & 1) chosen.push_back(a[i]);
    if (chosen.size() > most && is_subsequence(chosen, b)) most = chosen.size();
  }
  return most;
}

TEST(CommonLines, IsALongestCommonSubsequence) {
  static constexpr std::string_view kLines[] = {"a", "b", "c"};
  Random random(1);
  const auto lines = [&] {
    Lines out;
    for (uint32_t i = random.below(9); i > 0; --i) out.push_back(kLines[random.below(3)]);
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    const Lines a = lines(), b = lines();
    const CommonLines common = common_lines(a, b);
    expect_common(a, b, common);
    EXPECT_EQ(common.size(), longest(a, b));
    expect_common(a, b, common_lines(a, b, 4));
  }
}

// Tables of 100000 * 100000 would not fit in memory.
TEST(CommonLines, LongListsTakeLittleMemory) {
  constexpr size_t kMany = 100'000;
  std::vector<std::string> names;
  for (size_t i = 0; i < 2 * kMany; ++i) names.push_back(std::to_string(i));
  Lines all(names.begin(), names.begin() + kMany);

  Lines more = all;
  more.insert(more.begin() + kMany / 2, "between");
  EXPECT_EQ(common_lines(all, more).size(), kMany);

  // Changed at both ends: only lines in between are common.
  Lines changed = all;
  changed.front() = "first";
  changed.back() = "last";
  changed[kMany / 2] = "middle";
  const CommonLines common = common_lines(all, changed);
  expect_common(all, changed, common);
  EXPECT_EQ(common.size(), kMany - 3);

  const Lines others(names.begin() + kMany, names.end());
  EXPECT_TRUE(common_lines(all, others).empty());
  EXPECT_TRUE(common_lines(Lines(kMany, "x"), others).empty());
}

}  // namespace
}  // namespace nf::labdiff
