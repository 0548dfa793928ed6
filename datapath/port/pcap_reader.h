// Reads capture files: pcap (through libpcap: micro- and nanosecond, either byte order) and pcapng (pcapng_reader,
// because libpcap refuses files whose interfaces differ and does not tell interfaces apart).
//
// Invariants:
//  1. Packets come in file order, numbered from 1; every packet before a damaged place is handed out before the
//     error, and the error names the number of the packet that could not be read.
//  2. After an error or the end, next() repeats it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/port/capture.h"

namespace nf {

class PcapReader {
 public:
  // "-" is standard input.
  static Result<std::unique_ptr<PcapReader>> open(const std::string& path);
  virtual ~PcapReader() = default;

  // The next packet, owned by the reader and valid until the next call; null at the end of the file.
  virtual Result<const CapturedPacket*> next() = 0;
  // Those known so far: a pcapng file may describe more of them later.
  const std::vector<CaptureInterface>& interfaces() const { return interfaces_; }
  // Time stamps finer than a microsecond.
  bool nanoseconds() const { return nanoseconds_; }

 protected:
  explicit PcapReader(std::string path) : path_(std::move(path)) {}
  Error at_packet(uint64_t number, const std::string& text) const;

  std::string path_;
  std::vector<CaptureInterface> interfaces_;
  bool nanoseconds_ = false;
};

}  // namespace nf
