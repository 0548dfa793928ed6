// Writes capture files: classic pcap, little-endian, snaplen 262144, so the same packets give the same bytes on any
// machine. Microseconds unless nanoseconds are asked for (as when the input had them: PcapReader::nanoseconds()).
//
// Ownership: the writer owns its file. The first error sticks: later writes do nothing, and close() reports it.
#pragma once

#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "datapath/base/result.h"
#include "datapath/port/capture.h"

namespace nf {

class PcapWriter {
 public:
  static constexpr uint32_t kSnaplen = 262144;

  struct Options {
    LinkType link = LinkType::kEthernet;
    bool nanoseconds = false;
  };
  // Replaces the file. "-" is standard output.
  static Result<std::unique_ptr<PcapWriter>> open(const std::string& path, const Options& options);
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  // Finer parts of the time than the file holds are cut off; a time before 1970 is written as 1970. original_length
  // is what was on the link, 0: as many as `bytes`. False: there was an error, now or before.
  bool write(Time time, std::span<const uint8_t> bytes, uint32_t original_length = 0);
  // Pushes what is buffered to the file; true when everything so far is there.
  bool flush();
  // Ends the file and tells the first error of all.
  Status close();

 private:
  PcapWriter(std::string path, FILE* file, const Options& options)
      : path_(std::move(path)), file_(file), options_(options) {}
  void put(const void* data, size_t size);

  std::string path_;
  FILE* file_;
  Options options_;
  int error_ = 0;  // errno of the first failure
};

}  // namespace nf
