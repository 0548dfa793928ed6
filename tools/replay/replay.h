// `hookpoint replay LAB --in IF=FILE ... --out DIR`: captures through a lab, in capture time, without root.
//
// Time is the captures': a packet is handled at its time stamp, and timers between two packets run at their own times.
// As in the kernel an expired connection ends when a packet asks for its tuple, or when the garbage collector comes by:
// at its expiry if the last sweep saw the connection, 60 s after that sweep otherwise. So [DESTROY] is stamped up to
// 60 s after the expiry, always the same for the same captures. After the last packet time stands still.
//
// Frames that the link itself sent (its own source address, or a bridge's on the bridge's port; cooked captures say so)
// are left out, so that a capture of both directions can be used as it is.
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
