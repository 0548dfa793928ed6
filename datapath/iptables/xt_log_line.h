// A packet as a line of the kernel log, as -j LOG, TRACE and others write it.
// twin: nf_log_ip_packet, net/netfilter/nf_log_syslog.c
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "datapath/hook/hook.h"
#include "datapath/packet/packet.h"

namespace nf::ipt {

// twin: NF_LOG_*, uapi/linux/netfilter/nf_log.h (values)
enum LogFlag : uint8_t {
  kLogTcpSequence = 0x01,
  kLogTcpOptions = 0x02,
  kLogIpOptions = 0x04,
  kLogUid = 0x08,
  kLogMacDecode = 0x20,
};

// The line under construction, in a fixed buffer: no allocation. Text that does not fit is cut off and ends the line.
// twin: struct nf_log_buf
class LogLine {
 public:
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...);
  void add_hex(const uint8_t* bytes, size_t count);
  std::string_view text() const { return {buffer_, count_}; }

 private:
  // The kernel's buffer, less the two bytes of its level mark.
  static constexpr size_t kCapacity = 1019 - 2;
  char buffer_[kCapacity + 1] = {};
  size_t count_ = 0;
  bool full_ = false;
};

// Appends `prefix`, devices, link-layer header and packet. `flags` are LogFlags; kLogUid has no effect: no packet here
// belongs to a socket. The line ends in a blank, as the kernel's does.
void add_packet(LogLine& line, std::string_view prefix, uint8_t flags, const Packet& p, const HookState& state);

}  // namespace nf::ipt
