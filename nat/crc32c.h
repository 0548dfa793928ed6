// CRC-32C (Castagnoli), the checksum of SCTP (RFC 9260, appendix A). twin: crc32c, lib/crc/crc32-main.c
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace nf::nat {

inline uint32_t crc32c(std::span<const uint8_t> bytes) {
  static constexpr std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t r = i;
      for (int bit = 0; bit < 8; ++bit) r = (r >> 1) ^ ((r & 1) != 0 ? 0x82f63b78 : 0);
      table[i] = r;
    }
    return table;
  }();
  uint32_t crc = 0xffffffff;
  for (const uint8_t b : bytes) crc = kTable[(crc ^ b) & 0xff] ^ (crc >> 8);
  return ~crc;
}

}  // namespace nf::nat
