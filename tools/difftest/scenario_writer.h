// A case as a scenario that says what the kernel did with it (tools/scenario/README.md): its lab, the packets that
// went in, what came out, and about the end of it what the two sides disagree on. The kernel passes it; an engine
// that still disagrees fails.
//
// Ports and ICMP ids the kernel chose at random become $names; IP ids of what the host itself answers are left open.
#pragma once

#include <string>

#include "tools/difftest/run.h"

namespace nf::difftest {

// `recording`: of the case's run; `mismatch` is what it ended with.
std::string scenario_text(const Case& c, const Recording& recording, const Mismatch& mismatch);

}  // namespace nf::difftest
