// Reads pcapng: sections of either byte order, any number of interfaces of any supported link type, time stamps of
// any resolution. Blocks that hold no packets (names, statistics, secrets, custom) are passed over.
// https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
//
// Interfaces of all sections are numbered through in order of appearance.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/port/pcap_reader.h"

namespace nf {

class PcapngReader final : public PcapReader {
 public:
  // Takes the file, which stands before its first byte. Reads up to the first packet, so that an error in the
  // headers shows here and the first interfaces are known.
  static Result<std::unique_ptr<PcapReader>> open(const std::string& path, FILE* file);
  ~PcapngReader() override { std::fclose(file_); }

  Result<const CapturedPacket*> next() override;

 private:
  // How an interface counts time.
  struct Clock {
    bool binary = false;  // units of 2^-exponent seconds, else 10^-exponent
    uint8_t exponent = 6;
    int64_t offset = 0;  // seconds
  };
  enum class Step : uint8_t { kPacket, kOther, kEnd };

  PcapngReader(std::string path, FILE* file) : PcapReader(std::move(path)), file_(file) {}

  Result<Step> read_block();
  Result<Step> read_section_header(const uint8_t* start);
  Status read_interface(std::span<const uint8_t> body);
  Status read_packet(uint32_t type, std::span<const uint8_t> body);
  Status read_body(uint32_t total, uint32_t had);
  Error broken(const std::string& text) const { return at_packet(packet_.number + 1, text); }
  Error cut_off() const { return broken("the file ends inside a block"); }

  uint16_t u16(const uint8_t* p) const;
  uint32_t u32(const uint8_t* p) const;
  Time to_time(const Clock& clock, uint64_t ticks) const;

  FILE* file_;
  bool big_endian_ = false;
  bool in_section_ = false;
  uint32_t section_base_ = 0;  // index of the section's first interface
  std::vector<Clock> clocks_;  // beside interfaces_
  std::vector<uint8_t> body_;
  CapturedPacket packet_;
  bool peeked_ = false;  // packet_ was read by open() and not handed out yet
  bool ended_ = false;
  std::optional<Error> failed_;
};

}  // namespace nf
