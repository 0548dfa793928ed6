// Writes pcapng: one little-endian section, interfaces as they are needed, nanoseconds, comments on packets.
// https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
//
// Invariants:
//  1. The same calls give the same bytes.
//  2. All interfaces have one link type: libpcap reads no file in which they differ.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/port/capture.h"

namespace nf {

class PcapngWriter {
 public:
  // Gets the file's bytes piece by piece, whole blocks.
  using Write = std::function<void(std::string_view)>;
  // Twin: the direction of epb_flags.
  enum class Direction : uint8_t { kUnknown = 0, kInbound = 1, kOutbound = 2 };

  PcapngWriter(LinkType link, Write write) : link_(link), write_(std::move(write)) {}

  // The section header; done by the first packet. A file without packets is one that has been begun.
  void begin();
  // `interface` is its name; it gets its block when it is met first. A time before 1970 is written as 1970, a comment
  // longer than an option can be is cut.
  void packet(std::string_view interface, Time time, std::span<const uint8_t> bytes, Direction direction,
              std::string_view comment);

 private:
  uint32_t interface_id(std::string_view name);

  LinkType link_;
  Write write_;
  bool begun_ = false;
  std::map<std::string, uint32_t, std::less<>> interfaces_;
};

}  // namespace nf
