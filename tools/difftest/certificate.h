// What a run of certify found, and how it says it. A run passes when nothing disagreed but what is listed as known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/difftest/known_keys.h"
#include "tools/difftest/run.h"

namespace nf::difftest {

// A lab, or a capture, that did not go well.
struct Finding {
  std::string where;     // "seed 17", "packet 42 of lan.pcap"
  Mismatch mismatch;     // field "lab": refused by one side; "crash": the process playing it ended
  std::string scenario;  // file; empty: none was written
};

struct Certificate {
  std::string seeds;  // "100..299"; empty: of a capture
  unsigned jobs = 1;
  double seconds = 0;
  uint64_t labs = 0, cut_short = 0;
  RunResult totals;  // its mismatch and cut_short are not used
  std::vector<Finding> findings;
  KnownKeys known;
  std::vector<std::string> left_out;

  void add(const RunResult& result);
  // Differences met whose key is not in `known`.
  std::vector<std::string> unlisted() const;
  bool passed() const { return findings.empty() && unlisted().empty(); }
};

std::string certificate_text(const Certificate& certificate);

}  // namespace nf::difftest
