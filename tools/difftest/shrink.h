// Makes a failing case small: takes away steps, rules, chains, tables, settings and network lines, then what is special
// about the packets left, as long as the two sides still disagree about the same thing. Delta debugging (Zeller and
// Hildebrandt 2002) on each list; plays both sides each time, so it takes as many runs as it is given.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "tools/difftest/run.h"

namespace nf::difftest {

// Plays a case: run_case, or the like. A case that cannot be played (a lab refused) is an error.
using Play = std::function<Result<RunResult>(const Case&)>;

struct Shrunk {
  Case smallest;
  Mismatch mismatch;  // of the smallest
  size_t runs = 0;
};

// `mismatch`: what play(c) gave. `max_runs` bounds the work.
Shrunk shrink(const Case& c, const Mismatch& mismatch, const Play& play, size_t max_runs);

}  // namespace nf::difftest
