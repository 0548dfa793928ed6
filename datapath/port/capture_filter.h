// A tcpdump filter expression, compiled by libpcap. twin: pcap-filter(7)
//
// To compile one may ask a name server and wait for it ("host example.org"). Whoever must not wait gets the filter as
// bytecode from somebody who may.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "datapath/base/result.h"
#include "datapath/port/capture.h"

struct bpf_program;

namespace nf {

class CaptureFilter {
 public:
  // For frames of one link type. The error is libpcap's.
  static Result<CaptureFilter> compile(const std::string& expression, LinkType link);

  // "4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0": the number of instructions, then each one's code, jt, jf and k.
  // twin: `tcpdump -ddd` with ',' for the ends of lines, `iptables -m bpf --bytecode`
  std::string bytecode() const;
  // Whatever this accepts ends for any packet, after each instruction once at most, and reads nothing but the packet
  // and its own scratch memory. The error says which instruction is none. twin: bpf_check_classic (net/core/filter.c)
  static Result<CaptureFilter> from_bytecode(std::string_view text);

  // original_length 0: the bytes are all there was.
  bool matches(std::span<const uint8_t> bytes, uint32_t original_length = 0) const;

 private:
  struct Free {
    void operator()(bpf_program* p) const;
  };
  std::unique_ptr<bpf_program, Free> program_;
};

}  // namespace nf
