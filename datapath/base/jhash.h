// Bob Jenkins' lookup3 hash over 32-bit words, as the kernel has it: the address NAT picks from a range is this
// hash of the source, so it must agree bit for bit. twin: jhash2, include/linux/jhash.h
#pragma once

#include <cstddef>
#include <cstdint>

namespace nf {

// Hash of `length` words as they stand in memory; `initial` is any earlier value. twin: jhash2
inline uint32_t jhash2(const uint32_t* words, size_t length, uint32_t initial) {
  const auto rotate = [](uint32_t x, int k) { return (x << k) | (x >> (32 - k)); };
  uint32_t a = 0xdeadbeef + static_cast<uint32_t>(length << 2) + initial;
  uint32_t b = a;
  uint32_t c = a;
  while (length > 3) {
    a += words[0];
    b += words[1];
    c += words[2];
    a -= c, a ^= rotate(c, 4), c += b;
    b -= a, b ^= rotate(a, 6), a += c;
    c -= b, c ^= rotate(b, 8), b += a;
    a -= c, a ^= rotate(c, 16), c += b;
    b -= a, b ^= rotate(a, 19), a += c;
    c -= b, c ^= rotate(b, 4), b += a;
    length -= 3;
    words += 3;
  }
  switch (length) {
    case 3:
      c += words[2];
      [[fallthrough]];
    case 2:
      b += words[1];
      [[fallthrough]];
    case 1:
      a += words[0];
      c ^= b, c -= rotate(b, 14);
      a ^= c, a -= rotate(c, 11);
      b ^= a, b -= rotate(a, 25);
      c ^= b, c -= rotate(b, 16);
      a ^= c, a -= rotate(c, 4);
      b ^= a, b -= rotate(a, 14);
      c ^= b, c -= rotate(b, 24);
      break;
    default:
      break;
  }
  return c;
}

}  // namespace nf
