// A tcpdump filter expression, compiled by libpcap. twin: pcap-filter(7)
#pragma once

#include <memory>
#include <span>
#include <string>

#include "datapath/base/result.h"
#include "datapath/port/capture.h"

struct bpf_program;

namespace nf {

class CaptureFilter {
 public:
  // For frames of one link type. The error is libpcap's.
  static Result<CaptureFilter> compile(const std::string& expression, LinkType link);

  // original_length 0: the bytes are all there was.
  bool matches(std::span<const uint8_t> bytes, uint32_t original_length = 0) const;

 private:
  struct Free {
    void operator()(bpf_program* p) const;
  };
  std::unique_ptr<bpf_program, Free> program_;
};

}  // namespace nf
