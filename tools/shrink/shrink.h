// `hookpoint shrink LAB --in IF=FILE --until 'CONDITION'`: the smallest capture and lab that still show it.
//
// In the folder --out names:
//   shrunk.scn            a scenario that passes on memory, and wherever else the machine agrees
//   shrunk-IF.pcap        what entered by each link
//   lab/                  the lab
//   kernel.sh             the same for the kernel alone
// With `differs LAB_B` shrunk.scn, lab and kernel.sh are lab A's, and there are shrunk-b.scn, lab-b/ and kernel-b.sh.
//
// What is played is a scenario's world (tools/scenario): the captures' link addresses and neighbours become lines of
// the lab, unless it does without.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/words/words.h"

namespace nf::shrink {

struct ShrinkOptions {
  std::string lab;
  std::vector<std::pair<std::string, std::string>> inputs;  // interface, file
  std::string until;
  std::string out;  // empty: the scenario to standard output
  bool checksum = false;
  size_t max_runs = 20000;
  words::Language language = words::Language::kEnglish;
};

// Returns the exit code: 0 shrunk, 1 the condition never holds, 2 bad input, 3 not modelled. Errors were printed.
int shrink(const ShrinkOptions& options);

}  // namespace nf::shrink
