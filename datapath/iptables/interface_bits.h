// Which of a table's interface patterns ("eth+") a device's name matches, as a bitmap computed once per device.
// twin: the ifname_compare_aligned() calls of ip_packet_match, made ahead
//
// The cache is indexed by ifindex and checked against the name, which alone decides: a device may be renamed, removed
// or replaced.
// bits() allocates nothing; what it returns is good until the next call.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/hook/device.h"

namespace nf::ipt {

class InterfaceBits {
 public:
  // The pattern's bit; only before seal().
  uint16_t add(const std::string& pattern);
  // All patterns are known.
  void seal();
  // Words of 64 patterns, at least one. null: no device, its name is empty.
  const uint64_t* bits(const Device* dev) {
    if (dev == nullptr) return none();
    if (patterns_.empty()) return none();
    return lookup(*dev);
  }

 private:
  static constexpr size_t kSlots = 64;
  static constexpr uint8_t kUnused = 0xff;
  struct Slot {
    uint8_t length = kUnused;
    std::array<char, 16> name{};
  };
  const uint64_t* none() const { return words_.data() + kSlots * stride_; }
  const uint64_t* lookup(const Device& dev);
  void fill(std::string_view name, uint64_t* words) const;

  std::vector<std::string> patterns_;
  size_t stride_ = 1;
  std::array<Slot, kSlots> slots_;
  std::vector<uint64_t> words_;  // slot by slot, then those of "no device"
};

}  // namespace nf::ipt
