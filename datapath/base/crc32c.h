// CRC-32C (Castagnoli, RFC 3720 and RFC 9260): SCTP's checksum, which the kernel leaves to the link like TCP's.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace nf {

inline constexpr std::array<uint32_t, 256> kCrc32cTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = c;
  }
  return table;
}();

// Over bytes that come in pieces. Complemented at both ends; stored little-endian in an SCTP header.
class Crc32c {
 public:
  void add(std::span<const uint8_t> bytes) {
    for (const uint8_t b : bytes) crc_ = (crc_ >> 8) ^ kCrc32cTable[(crc_ ^ b) & 0xff];
  }
  uint32_t value() const { return ~crc_; }

 private:
  uint32_t crc_ = ~0u;
};

inline uint32_t crc32c(std::span<const uint8_t> bytes) {
  Crc32c c;
  c.add(bytes);
  return c.value();
}

}  // namespace nf
