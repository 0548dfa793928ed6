// Delta debugging of a list (ddmin: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002):
// halves are taken away first, then ever smaller pieces, down to single elements.
//
// The list is the caller's; this only says which piece of it to try without. Complements alone are tried: a half is the
// complement of the other half, and smaller pieces by themselves hardly ever hold.
//
// Invariants:
//  1. When it ends and the budget is not spent, the list is 1-minimal: no single element can be taken away any more.
//  2. A run is counted where it is made: whoever plays takes it from the budget.
#pragma once

#include <algorithm>
#include <cstddef>

namespace nf::shrink {

// How often a candidate may be played.
class RunBudget {
 public:
  explicit RunBudget(size_t limit) : limit_(limit) {}
  bool spent() const { return used_ >= limit_; }
  // False: there is none left.
  bool take() {
    if (spent()) return false;
    ++used_;
    return true;
  }
  size_t used() const { return used_; }

 private:
  size_t limit_, used_ = 0;
};

// `count()`: elements the list has now. `without(from, to)`: tries it without the elements [from, to), takes one run,
// and when the rest still holds takes them away, and more with them if it likes; returns whether it did. An answer of
// false leaves the list as it was.
template <class Count, class Without>
void ddmin(const Count& count, const Without& without, const RunBudget& budget) {
  size_t piece = (count() + 1) / 2;
  while (piece > 0 && !budget.spent()) {
    bool smaller = false;
    // From the end: later elements depend on earlier ones.
    for (size_t end = count(); end > 0 && !budget.spent();) {
      const size_t from = end > piece ? end - piece : 0;
      smaller = without(from, end) || smaller;
      end = std::min(from, count());
    }
    if (piece > 1)
      piece = (piece + 1) / 2;
    else if (!smaller)
      return;
  }
}

}  // namespace nf::shrink
