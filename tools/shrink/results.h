// What a shrinking writes into its folder (shrink.h).
#pragma once

#include <string>
#include <vector>

#include "tools/shrink/condition.h"
#include "tools/shrink/oracle.h"

namespace nf::shrink {

struct Artifacts {
  std::string scenario, kernel_script;
  LabText lab;
};
// Of one of the labs. The scenario was parsed and played in memory, and passed.
Result<Artifacts> artifacts_of(const Candidate& candidate, size_t side, const Condition& condition);

// Writes those of all labs and the frames.
Status write_results(const std::string& folder, const std::vector<Artifacts>& labs, const std::vector<Frame>& frames);

}  // namespace nf::shrink
