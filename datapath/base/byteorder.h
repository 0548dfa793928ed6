// Integers in network byte order, as types of their own.
//
// Be16 and Be32 hold the bytes exactly as they are on the wire and have alignment 1, so a header struct made of
// them can be laid over any address of a frame. There is no implicit conversion: host() and be16()/be32() are the
// only ways across.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>

namespace nf {

class Be16 {
 public:
  constexpr Be16() = default;
  constexpr uint16_t host() const { return static_cast<uint16_t>(b_[0] << 8 | b_[1]); }
  // The two bytes as the machine would load them; only for checksums and hashing.
  uint16_t raw() const {
    uint16_t v;
    std::memcpy(&v, b_, sizeof v);
    return v;
  }
  static Be16 from_raw(uint16_t v) {
    Be16 r;
    std::memcpy(r.b_, &v, sizeof v);
    return r;
  }
  friend bool operator==(Be16 a, Be16 b) { return a.raw() == b.raw(); }
  friend auto operator<=>(Be16 a, Be16 b) { return a.host() <=> b.host(); }

 private:
  friend constexpr Be16 be16(uint16_t);
  uint8_t b_[2]{};
};

constexpr Be16 be16(uint16_t v) {
  Be16 r;
  r.b_[0] = static_cast<uint8_t>(v >> 8);
  r.b_[1] = static_cast<uint8_t>(v);
  return r;
}

class Be32 {
 public:
  constexpr Be32() = default;
  constexpr uint32_t host() const {
    return uint32_t{b_[0]} << 24 | uint32_t{b_[1]} << 16 | uint32_t{b_[2]} << 8 | uint32_t{b_[3]};
  }
  uint32_t raw() const {
    uint32_t v;
    std::memcpy(&v, b_, sizeof v);
    return v;
  }
  static Be32 from_raw(uint32_t v) {
    Be32 r;
    std::memcpy(r.b_, &v, sizeof v);
    return r;
  }
  bool is_zero() const { return raw() == 0; }
  friend bool operator==(Be32 a, Be32 b) { return a.raw() == b.raw(); }
  friend auto operator<=>(Be32 a, Be32 b) { return a.host() <=> b.host(); }
  friend Be32 operator&(Be32 a, Be32 b) { return from_raw(a.raw() & b.raw()); }
  friend Be32 operator|(Be32 a, Be32 b) { return from_raw(a.raw() | b.raw()); }
  friend Be32 operator~(Be32 a) { return from_raw(~a.raw()); }

 private:
  friend constexpr Be32 be32(uint32_t);
  uint8_t b_[4]{};
};

constexpr Be32 be32(uint32_t v) {
  Be32 r;
  r.b_[0] = static_cast<uint8_t>(v >> 24);
  r.b_[1] = static_cast<uint8_t>(v >> 16);
  r.b_[2] = static_cast<uint8_t>(v >> 8);
  r.b_[3] = static_cast<uint8_t>(v);
  return r;
}

// An IPv4 address written as four numbers: ip4(192, 168, 66, 100).
constexpr Be32 ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return be32(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d);
}

// The netmask of a prefix length 0..32.
constexpr Be32 prefix_mask(unsigned length) { return be32(length == 0 ? 0 : ~uint32_t{0} << (32 - length)); }

static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1);
static_assert(sizeof(Be32) == 4 && alignof(Be32) == 1);

}  // namespace nf

template <>
struct std::hash<nf::Be32> {
  size_t operator()(nf::Be32 v) const noexcept { return std::hash<uint32_t>{}(v.raw()); }
};
