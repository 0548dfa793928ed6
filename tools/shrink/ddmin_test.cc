#include "tools/shrink/ddmin.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

#include "datapath/base/random.h"

namespace nf::shrink {
namespace {

using List = std::vector<int>;
using Holds = std::function<bool(const List&)>;

// A list made small, and how often it was tried.
struct Result {
  List list;
  size_t runs;
  bool spent;
};
Result minimized(List list, const Holds& holds, size_t limit = 100000) {
  RunBudget budget(limit);
  const auto without = [&](size_t from, size_t to) {
    if (!budget.take()) return false;
    List smaller = list;
    smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(from),
                  smaller.begin() + static_cast<std::ptrdiff_t>(to));
    if (!holds(smaller)) return false;
    list = std::move(smaller);
    return true;
  };
  ddmin([&] { return list.size(); }, without, budget);
  return {list, budget.used(), budget.spent()};
}

List counting(int n) {
  List out;
  for (int i = 0; i < n; ++i) out.push_back(i);
  return out;
}

Holds contains(std::set<int> needed) {
  return [needed](const List& list) {
    std::set<int> left = needed;
    for (const int x : list) left.erase(x);
    return left.empty();
  };
}

TEST(Ddmin, LeavesWhatIsNeeded) {
  EXPECT_EQ(minimized(counting(8), contains({1, 7})).list, (List{1, 7}));  // the paper's example has 1, 7 and 8 of 8
  EXPECT_EQ(minimized(counting(8), contains({})).list, List{});
  EXPECT_EQ(minimized({}, contains({})).list, List{});
  EXPECT_EQ(minimized(counting(1), contains({0})).list, (List{0}));
  EXPECT_EQ(minimized(counting(5), contains({0, 1, 2, 3, 4})).list, counting(5));
}

// Of n elements of which one is needed a binary search finds it: a halving a step, and each half tried at most twice.
TEST(Ddmin, OneNeededTakesLogarithmicallyManyRuns) {
  for (const int needed : {0, 1, 511, 512, 1023}) {
    const Result r = minimized(counting(1024), contains({needed}));
    EXPECT_EQ(r.list, (List{needed}));
    EXPECT_LE(r.runs, 2u * 10 + 3) << needed;
  }
}

// An element that can only go when another is gone already is found by going over the singles again.
TEST(Ddmin, GoesOverTheSinglesUntilNoneGoes) {
  const Holds holds = [](const List& list) {
    // 0 is needed; 3 only as long as 1 is there.
    const std::set<int> has(list.begin(), list.end());
    return has.contains(0) && (!has.contains(1) || has.contains(3)) && (has.contains(1) || !has.contains(2));
  };
  const Result r = minimized(counting(4), holds);
  EXPECT_EQ(r.list, (List{0}));
}

TEST(Ddmin, StopsWhenTheBudgetIsSpent) {
  size_t asked = 0;
  const Holds never = [&](const List&) {
    ++asked;
    return false;
  };
  const Result r = minimized(counting(100), never, 7);
  EXPECT_EQ(asked, 7u);
  EXPECT_EQ(r.runs, 7u);
  EXPECT_TRUE(r.spent);
  EXPECT_EQ(r.list, counting(100));
}

// Any oracle, not only monotone ones: the result holds, is a part of the list in its order, and no single element of it
// can go.
TEST(Ddmin, ResultIsOneMinimal) {
  Random random(5);
  for (int round = 0; round < 500; ++round) {
    const int n = 1 + static_cast<int>(random.below(40));
    // Pairs (a, b): with a there must be b. And some are needed. Not monotone: taking b alone away fails.
    std::set<int> needed;
    std::vector<std::pair<int, int>> implied;
    for (uint32_t i = random.below(4); i > 0; --i)
      needed.insert(static_cast<int>(random.below(static_cast<uint32_t>(n))));
    for (uint32_t i = random.below(10); i > 0; --i)
      implied.emplace_back(random.below(static_cast<uint32_t>(n)), random.below(static_cast<uint32_t>(n)));
    const Holds holds = [&](const List& list) {
      const std::set<int> has(list.begin(), list.end());
      for (const int x : needed)
        if (!has.contains(x)) return false;
      for (const auto& [a, b] : implied)
        if (has.contains(a) && !has.contains(b)) return false;
      return true;
    };
    ASSERT_TRUE(holds(counting(n)));
    const Result r = minimized(counting(n), holds);
    EXPECT_FALSE(r.spent);
    EXPECT_TRUE(holds(r.list)) << round;
    EXPECT_TRUE(std::is_sorted(r.list.begin(), r.list.end()));
    for (size_t i = 0; i < r.list.size(); ++i) {
      List without = r.list;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(holds(without)) << "round " << round << ", element " << r.list[i];
    }
  }
}

}  // namespace
}  // namespace nf::shrink
