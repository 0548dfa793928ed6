// A capture in memory: for whoever plays the same packets more than once, or only some of them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/time.h"
#include "datapath/port/capture.h"

namespace nf {

struct HeldPacket {
  size_t link = 0;      // index into HeldCapture::links
  uint64_t number = 0;  // 1-based, in the order of time of all captures read
  Time time = 0;
  LinkType link_type = LinkType::kEthernet;
  uint32_t original_length = 0;  // 0: all there was
  std::vector<uint8_t> bytes;

  // Valid as long as this is.
  CapturedPacket view() const;
};

struct HeldCapture {
  std::vector<std::string> links;  // names of interfaces; a capture a link, so a name may stand here twice
  std::vector<HeldPacket> packets;
};

// `inputs`: interface and file, as CaptureMerge takes them.
Result<HeldCapture> read_captures(const std::vector<std::pair<std::string, std::string>>& inputs);

}  // namespace nf
