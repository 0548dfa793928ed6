// The layout of a RuleKey's second word. Private to the program's compiler and evaluator.
#pragma once

#include <cstdint>

namespace nf::ipt::key {

// Ports as a little-endian load of the four bytes gives them: source low. The images are made the same way for rule
// and packet, so only their place matters, not the machine's byte order.
inline constexpr unsigned kSourcePortShift = 0;
inline constexpr unsigned kDestinationPortShift = 16;
inline constexpr uint64_t kPortsMask = 0xffffffff;
inline constexpr unsigned kProtocolShift = 32;
inline constexpr uint64_t kFragmentBit = uint64_t{1} << 40;
// One bit per interface pattern, as many as fit; the others are tested behind the key.
inline constexpr unsigned kInShift = 41;
inline constexpr uint32_t kInPatterns = 12;
inline constexpr unsigned kOutShift = 53;
inline constexpr uint32_t kOutPatterns = 11;

}  // namespace nf::ipt::key
