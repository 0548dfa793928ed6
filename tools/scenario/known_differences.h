// netns-tests/known_differences.md: where this engine differs from the kernel, and the scenarios that say so. Any word
// that ends in .scn is such a scenario, relative to the folder of that file; the rest is for people.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "datapath/base/result.h"

namespace nf::scenario {

class KnownDifferences {
 public:
  // A scenario that is listed and does not exist is an error.
  static Result<KnownDifferences> read(const std::string& file);
  bool has(const std::string& scenario_file) const;

 private:
  std::set<std::string> scenarios_;  // canonical paths
};

}  // namespace nf::scenario
