// The packets that are made small: frames as they enter a link, each by itself playable on a kernel.
//
// What a capture does not hold is made up for: missing link headers, bytes cut by the snap length (zeros), transport
// checksums left to the card, super-packets that GRO put together (segments). Frames the link sent itself are left out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/lab/lab.h"
#include "tools/replay/capture_player.h"
#include "tools/scenario/surroundings.h"

namespace nf::shrink {

struct Frame {
  uint64_t number = 0;  // of the packet in the captures
  Duration gap = 0;     // behind the frame before, whole milliseconds
  std::string link;
  std::vector<uint8_t> bytes;  // at the Ethernet header
};

// `player` is configured with the lab and has played nothing. `mend`: wrong transport checksums become right.
Result<std::vector<Frame>> frames_of(const HeldCapture& capture, CapturePlayer& player, bool mend);

// Addresses of the link layer as scenarios have them, where every frame comes from a station of its IPv4 source and
// goes to the link or to a station on its bridge: such frames need no words about it.
void use_station_addresses(std::vector<Frame>& frames, const std::vector<BackendPort>& ports,
                           const scenario::Surroundings& surroundings);

// Makes one frame smaller or plainer; false: nothing to change.
using Change = bool (*)(Frame&);
// In the order they are to be tried: no payload, half of it, no TCP options.
const std::vector<Change>& changes();

}  // namespace nf::shrink
