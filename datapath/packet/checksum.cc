#include "datapath/packet/checksum.h"

#include <cstring>

namespace nf {

Sum checksum_add(std::span<const uint8_t> bytes, Sum initial) {
  // 32-bit loads into a 64-bit accumulator cannot overflow for any length an IP packet has.
  uint64_t sum = (initial & 0xffffffff) + (initial >> 32);
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  while (n >= 16) {
    uint32_t w[4];
    std::memcpy(w, p, 16);
    sum += uint64_t{w[0]} + w[1] + w[2] + w[3];
    p += 16;
    n -= 16;
  }
  while (n >= 2) {
    uint16_t w;
    std::memcpy(&w, p, 2);
    sum += w;
    p += 2;
    n -= 2;
  }
  if (n == 1) {
    uint16_t w = 0;
    std::memcpy(&w, p, 1);
    sum += w;
  }
  return sum;
}

Sum checksum_pseudo(Be32 source, Be32 destination, uint8_t protocol, uint32_t length) {
  return Sum{source.raw()} + destination.raw() + be32(protocol).raw() + be32(length).raw();
}

void ip_send_check(Ipv4Header& ip) {
  ip.checksum = Be16{};
  ip.checksum = checksum_finish(checksum_add({reinterpret_cast<const uint8_t*>(&ip), ip.header_length()}));
}

}  // namespace nf
