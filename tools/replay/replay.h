// `hookpoint replay LAB --in IF=FILE ... --out DIR`: captures through a lab, in capture time, without root.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nf {

struct ReplayOptions {
  std::string lab;
  std::vector<std::pair<std::string, std::string>> inputs;  // interface, file
  std::string out;
  bool checksum = false;  // verify transport checksums; captures often hold unfinished ones
  bool trace = false;     // write trace.txt too
  uint64_t seed = 1;
};

// Returns the exit code; errors were printed to stderr. On bad input nothing is left in the output folder.
int replay(const ReplayOptions& options);

}  // namespace nf
