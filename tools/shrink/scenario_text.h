// A lab and frames as a scenario that says what was seen (tools/scenario/README.md): packets out and delivered, the
// rules met, and of conntrack's events and of what is told, what the condition is about.
//
// IP ids of what the host itself makes are left open.
#pragma once

#include <string>
#include <vector>

#include "tools/shrink/condition.h"
#include "tools/shrink/machine.h"
#include "tools/shrink/oracle.h"
#include "tools/shrink/setup.h"

namespace nf::shrink {

// `side`: which of the labs. Played once more for it.
Result<std::string> scenario_text(const Candidate& candidate, size_t side, const Condition& condition);

}  // namespace nf::shrink
