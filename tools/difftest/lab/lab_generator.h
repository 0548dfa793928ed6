// Random labs: 2 to 4 ports, now and then a bridge, addresses, routes, policy rules, sysctls, and rulesets over
// everything the parser knows. Every lab it makes is one that `ip -batch`, sysctl and iptables-legacy-restore accept.
//
// What it leaves out, and why, is told by lab_left_out(), which the certificate prints.
#pragma once

#include <string>
#include <vector>

#include "datapath/base/random.h"
#include "tools/difftest/case/case.h"

namespace nf::difftest {

GeneratedLab generate_lab(Random& random);
std::vector<std::string> lab_left_out();

}  // namespace nf::difftest
