// Why a packet is INVALID, or passes without its connection learning from it, in the kernel's words.
//
// Costs nothing unless somebody wants to know: the packet is traced, or nf_conntrack_log_invalid asks for its
// protocol. twin: nf_ct_l4proto_log_invalid, nf_l4proto_log_invalid
#pragma once

#include <cstdint>
#include <string_view>

#include "datapath/hook/stack.h"

namespace nf::ct {

class Reason {
 public:
  // Begins a packet. `log_invalid` is the sysctl: 0 for none, a protocol number, or 255 for all.
  void start(const Packet& p, Stack& stack, int64_t log_invalid, bool traced);
  // What the kernel logs.
  [[gnu::format(printf, 2, 3)]] void set(const char* format, ...);
  // What it passes over in silence.
  void note(const char* text);
  std::string_view text() const { return text_; }

 private:
  const Packet* packet_ = nullptr;
  Stack* stack_ = nullptr;
  bool log_ = false;
  bool traced_ = false;
  char text_[160] = {};
};

}  // namespace nf::ct
