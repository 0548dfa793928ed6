// SipHash-c-d (Aumasson and Bernstein, 2012) of exactly sixteen bytes: the length of a connection key.
//
// Keyed, because whoever sends packets chooses the tuples. twin: siphash, lib/siphash.c
#pragma once

#include <bit>
#include <cstdint>

namespace nf::ct {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// `w0` and `w1` are the message as two little-endian words.
template <int kCompress, int kFinish>
inline uint64_t siphash16(const SipKey& key, uint64_t w0, uint64_t w1) {
  uint64_t v0 = 0x736f6d6570736575 ^ key.k0;
  uint64_t v1 = 0x646f72616e646f6d ^ key.k1;
  uint64_t v2 = 0x6c7967656e657261 ^ key.k0;
  uint64_t v3 = 0x7465646279746573 ^ key.k1;
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  constexpr uint64_t kLength = uint64_t{16} << 56;
  for (const uint64_t word : {w0, w1, kLength}) {
    v3 ^= word;
    rounds(kCompress);
    v0 ^= word;
  }
  v2 ^= 0xff;
  rounds(kFinish);
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace nf::ct
