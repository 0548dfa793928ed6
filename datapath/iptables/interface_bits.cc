#include "datapath/iptables/interface_bits.h"

#include <algorithm>
#include <cstring>

#include "datapath/iptables/rule.h"

namespace nf::ipt {

uint16_t InterfaceBits::add(const std::string& pattern) {
  const auto at = std::find(patterns_.begin(), patterns_.end(), pattern);
  if (at != patterns_.end()) return static_cast<uint16_t>(at - patterns_.begin());
  patterns_.push_back(pattern);
  return static_cast<uint16_t>(patterns_.size() - 1);
}

void InterfaceBits::seal() {
  stride_ = std::max<size_t>((patterns_.size() + 63) / 64, 1);
  words_.assign((kSlots + 1) * stride_, 0);
  fill({}, words_.data() + kSlots * stride_);
}

void InterfaceBits::fill(std::string_view name, uint64_t* words) const {
  std::fill(words, words + stride_, 0);
  for (size_t i = 0; i < patterns_.size(); ++i)
    if (interface_matches(patterns_[i], name)) words[i / 64] |= uint64_t{1} << (i % 64);
}

const uint64_t* InterfaceBits::lookup(const Device& dev) {
  const size_t at = static_cast<size_t>(dev.ifindex) % kSlots;
  Slot& slot = slots_[at];
  uint64_t* words = words_.data() + at * stride_;
  const std::string& name = dev.name;
  if (slot.length != kUnused && slot.length == name.size() &&
      std::memcmp(slot.name.data(), name.data(), name.size()) == 0)
    return words;
  fill(name, words);
  // A name too long to be kept is compared with the patterns each time.
  const bool fits = name.size() <= slot.name.size();
  slot.length = fits ? static_cast<uint8_t>(name.size()) : kUnused;
  if (fits) std::memcpy(slot.name.data(), name.data(), name.size());
  return words;
}

}  // namespace nf::ipt
