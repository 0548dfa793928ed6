// A tcpdump filter over captured packets of any link type: compiled for each type when its first packet comes.
#pragma once

#include <map>
#include <string>

#include "datapath/base/result.h"
#include "datapath/port/capture_filter.h"

namespace nf {

class PacketFilter {
 public:
  // Empty: everything passes. The error is libpcap's.
  static Result<PacketFilter> compile(const std::string& expression);
  // An expression that a link type has no meaning for ("ether host" of raw IP) passes nothing of it.
  bool matches(const CapturedPacket& packet);

 private:
  std::string expression_;
  std::map<LinkType, Result<CaptureFilter>> compiled_;
};

}  // namespace nf
