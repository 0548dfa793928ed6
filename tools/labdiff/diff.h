// `hookpoint diff LAB_A LAB_B --in IF=FILE`: two labs over one capture, and what becomes of its packets on each.
//
// Both play every packet, so that both have their connections; --filter chooses which packets are counted and shown.
// What a timer does to a packet later is told of that packet, behind the last one too. The
// captures are read twice when something differs: the second time everything is told of the examples shown.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/words/words.h"

namespace nf::labdiff {

enum class Output : uint8_t { kText, kJson };

struct DiffOptions {
  std::string lab_a, lab_b;
  std::vector<std::pair<std::string, std::string>> inputs;  // interface, file
  std::string filter;                                       // tcpdump's; empty: all
  words::Language language = words::Language::kEnglish;
  Output output = Output::kText;
  uint64_t limit = 10;  // groups shown
  bool paths = false;   // another way to the same outcome is a difference too
  bool checksum = false;
  uint64_t seed = 1;
  size_t columns = 0;  // of the terminal written to; 0: none, or it is narrow
  bool colour = false;
};

// Prints to standard output, errors to standard error. 0 the same, 1 different, 2 bad input, 3 something not modelled
// was reached.
int diff(const DiffOptions& options);

}  // namespace nf::labdiff
