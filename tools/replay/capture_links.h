// What captures tell of the links they were taken at, and a lab does not: the link's own address, who is on it. Learned
// once and before the first packet, so that a part of a capture is played among the same neighbours as the whole.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/capture/capture_merge.h"
#include "tools/replay/held_capture.h"

namespace nf {

struct CaptureLink {
  std::string interface;
  std::string origin;  // "--in ens33=FILE", for errors
  MacAddress mac{};    // zero: not told
  std::vector<Station> stations;
};

// One for each input. A file that cannot be read tells nothing here: opening it to be played says so.
std::vector<CaptureLink> links_of(const std::vector<std::pair<std::string, std::string>>& inputs);
std::vector<CaptureLink> links_of(const HeldCapture& capture);

}  // namespace nf
