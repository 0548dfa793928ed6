// The stories of one packet on two labs as lines for people: what both decided once, what only one did beside what the
// other did there instead.
#pragma once

#include <string>
#include <vector>

#include "tools/labdiff/report.h"

namespace nf::labdiff {

struct Line {
  enum class Of : uint8_t { kBoth, kOne } of;
  std::string a, b;    // kBoth: `a` only; else either may be empty
  bool apart = false;  // the step where the two part
};
std::vector<Line> lines_of(const Example& example, Kind kind, const Report& report, words::Language language);

}  // namespace nf::labdiff
