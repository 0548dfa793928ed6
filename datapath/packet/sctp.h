// SCTP's common header and checksum (RFC 9260, 3.1 and appendix A). Big endian, but for the checksum: least significant
// byte first.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "datapath/base/byteorder.h"
#include "datapath/base/crc32c.h"

namespace nf {

struct SctpHeader {
  Be16 source, destination;
  Be32 vtag;
  std::array<uint8_t, 4> checksum;
};
static_assert(sizeof(SctpHeader) == 12);

// What follows it, one behind the other, each padded to four bytes. 3.2
struct SctpChunkHeader {
  uint8_t type, flags;
  Be16 length;  // of the whole chunk, without padding
};
static_assert(sizeof(SctpChunkHeader) == 4);

// twin: enum sctp_cid
enum SctpChunk : uint8_t {
  kSctpData = 0,
  kSctpInit = 1,
  kSctpInitAck = 2,
  kSctpSack = 3,
  kSctpHeartbeat = 4,
  kSctpHeartbeatAck = 5,
  kSctpAbort = 6,
  kSctpShutdown = 7,
  kSctpShutdownAck = 8,
  kSctpError = 9,
  kSctpCookieEcho = 10,
  kSctpCookieAck = 11,
  kSctpShutdownComplete = 14,
};
inline constexpr uint8_t kSctpFlagT = 0x01;  // of ABORT and SHUTDOWN COMPLETE: the tag is the peer's

// Of a packet from its SCTP header on (at least that long), as if the field were zero. twin: sctp_compute_cksum
inline std::array<uint8_t, 4> sctp_checksum(std::span<const uint8_t> transport) {
  constexpr size_t kField = offsetof(SctpHeader, checksum);
  constexpr uint8_t kZero[4] = {};
  Crc32c crc;
  crc.add(transport.first(kField));
  crc.add(kZero);
  crc.add(transport.subspan(sizeof(SctpHeader)));
  const uint32_t sum = crc.value();
  return {static_cast<uint8_t>(sum), static_cast<uint8_t>(sum >> 8), static_cast<uint8_t>(sum >> 16),
          static_cast<uint8_t>(sum >> 24)};
}

}  // namespace nf
