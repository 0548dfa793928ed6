// What hosts around a lab do: TCP that opens, talks, loses, reorders, resets, closes and reuses its ports; UDP; ping
// and other queries; ICMP errors about what was received; fragments; malformed headers; local processes.
#pragma once

#include <string>
#include <vector>

#include "datapath/base/random.h"
#include "tools/difftest/case/case.h"

namespace nf::difftest {

// Appends about `packets` steps and their flows to `c`, whose lab is there already.
void generate_traffic(Random& random, size_t packets, Case& c);
std::vector<std::string> traffic_left_out();

}  // namespace nf::difftest
