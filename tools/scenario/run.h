// `hookpoint scenario`: many scenarios, each played in a process of its own, several at once.
//
// A child that crashes or does not end in time fails its scenario, not the run. One that failed is played once more
// with the trace on, for the report.
#pragma once

#include <string>
#include <vector>

namespace nf::scenario {

struct RunOptions {
  std::string backend = "memory";  // memory, gateway, kernel
  std::string program;             // the hookpoint binary, for the gateway; empty: this one
  std::string known;               // known_differences.md; empty: none
  std::string format = "text";     // text, tap, junit (report.h)
  unsigned jobs = 0;               // 0: one per cpu, two where backends wait
  bool verbose = false;
  std::vector<std::string> paths;  // files, and folders: every *.scn below
};

// Prints the report to standard output, what cannot be read to standard error. Returns the exit code.
int run_scenarios(const RunOptions& options);

}  // namespace nf::scenario
