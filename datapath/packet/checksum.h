// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//
// A Sum is the unfolded one's-complement sum in machine order of 16-bit words as they stand in memory, so it can be
// stored into a Be16 field by from_raw without swapping.
#pragma once

#include <cstdint>
#include <span>

#include "datapath/base/byteorder.h"
#include "datapath/packet/headers.h"

namespace nf {

using Sum = uint64_t;

// One's-complement sum of the bytes (an odd last byte is padded with zero), added to `initial`.
Sum checksum_add(std::span<const uint8_t> bytes, Sum initial = 0);

// The pseudo-header of TCP and UDP (RFC 793, RFC 768); length in bytes of header and payload.
Sum checksum_pseudo(Be32 source, Be32 destination, uint8_t protocol, uint32_t length);

// Folded to 16 bits, not complemented. twin: ~csum_fold
inline uint16_t checksum_fold(Sum sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// The field value: folded and complemented.
inline Be16 checksum_finish(Sum sum) { return Be16::from_raw(static_cast<uint16_t>(~checksum_fold(sum))); }

// RFC 1624, eqn. 3: HC' = ~(~HC + ~m + m').
inline Be16 checksum_replace(Be16 check, Be16 from, Be16 to) {
  const Sum sum = Sum{static_cast<uint16_t>(~check.raw())} + static_cast<uint16_t>(~from.raw()) + to.raw();
  return checksum_finish(sum);
}
inline Be16 checksum_replace(Be16 check, Be32 from, Be32 to) {
  const Sum sum = Sum{static_cast<uint16_t>(~check.raw())} + static_cast<uint32_t>(~from.raw()) + to.raw();
  return checksum_finish(sum);
}

// Computes and stores the header checksum. The header's length must have been proved.
void ip_send_check(Ipv4Header& ip);

}  // namespace nf
