// The one source of chance: seeded, so that two runs with one seed are identical. (xoshiro256**, Blackman and
// Vigna 2018, state filled by splitmix64.)
#pragma once

#include <cstdint>

namespace nf {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& s : s_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      s = z ^ (z >> 31);
    }
  }
  uint64_t u64() {
    const uint64_t result = rotl(s_[1] * 5, 7) * 9;
    const uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotl(s_[3], 45);
    return result;
  }
  uint32_t u32() { return static_cast<uint32_t>(u64() >> 32); }
  uint16_t u16() { return static_cast<uint16_t>(u64() >> 48); }
  // Uniform in 0..bound-1; bound 0 gives 0. twin: get_random_u32_below
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((uint64_t{u32()} * bound) >> 32); }

 private:
  static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t s_[4];
};

}  // namespace nf
