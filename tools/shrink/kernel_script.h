// A lab and frames as a script for the kernel alone: `unshare -Urnm sh kernel.sh` makes the links as TAPs, applies the
// lab with ip, sysctl, nfct and iptables-legacy-restore, writes the frames, and prints what came out of each, the rule
// counters and the connections. It needs python3 and nothing of ours.
//
// Lines of its output, for programs: "in LINK HEX", "out LINK HEX", "deliver HEX" (at the IPv4 header), each followed
// by a blank and a few words for people.
#pragma once

#include <string>

#include "datapath/base/result.h"
#include "tools/shrink/oracle.h"

namespace nf::shrink {

// `about`: for the headline. The error is the lab's.
Result<std::string> kernel_script(const Candidate& candidate, size_t side, const std::string& about);

}  // namespace nf::shrink
