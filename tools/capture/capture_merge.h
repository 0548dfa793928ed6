// Several captures as one stream in time order; at equal times in the order the files were named.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datapath/port/pcap_reader.h"

namespace nf {

class CaptureMerge {
 public:
  // `inputs`: interface and file. A pcapng file with an interface block of that name gives that block's packets only;
  // otherwise all of its packets are the interface's.
  static Result<std::unique_ptr<CaptureMerge>> open(const std::vector<std::pair<std::string, std::string>>& inputs);

  struct Item {
    size_t input;  // index into `inputs`
    const CapturedPacket* packet;
  };
  // The next packet; its bytes are valid until the next call. input == size() at the end.
  Result<Item> next();
  size_t size() const { return sources_.size(); }
  // Some input has time stamps finer than a microsecond.
  bool nanoseconds() const;
  // Of the files, headers of packets included; total_bytes() is 0 when an input has no size (a pipe).
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  struct Source {
    std::string interface;
    std::unique_ptr<PcapReader> reader;
    const CapturedPacket* head = nullptr;
    bool ended = false;
  };
  Status fill(Source& s);
  std::vector<Source> sources_;
  uint64_t bytes_read_ = 0, total_bytes_ = 0;
};

// The link address a capture was most likely taken at: the one that is an end of most of its first frames; nullopt
// when there is no Ethernet frame or the file can be read only once (a pipe). For labs that do not give the link an
// address.
std::optional<MacAddress> likely_own_address(const std::string& interface, const std::string& file);
// The same of packets in memory, all of one link.
std::optional<MacAddress> likely_own_address(std::span<const CapturedPacket> packets);

// Who sent IPv4 in the first frames of a capture, in their order. For replay, where nobody answers ARP: of a file that
// can be read twice, as above.
struct Station {
  Be32 address;
  MacAddress mac;
};
std::vector<Station> first_stations(const std::string& interface, const std::string& file);
std::vector<Station> first_stations(std::span<const CapturedPacket> packets);

}  // namespace nf
