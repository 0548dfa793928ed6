// Packets from text, for tests only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/pool.h"

namespace nf::testing_packets {

inline std::vector<uint8_t> from_hex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(*parse_number("0x" + std::string(hex.substr(i, 2)))));
  return bytes;
}

inline std::string to_hex(std::span<const uint8_t> bytes) {
  std::string hex;
  for (const uint8_t b : bytes) hex += strf("%02x", b);
  return hex;
}

inline void append(Packet& p, std::span<const uint8_t> bytes) {
  for (const uint8_t b : bytes) *p.put(1) = b;
}

// A packet of random bytes with a right IPv4 header (sometimes with options) and, for TCP, UDP and ICMP, a transport
// header's worth of payload at least. Checksums of the transport are not set.
inline PacketPtr random_packet(PacketPool& pool, Random& random, uint8_t protocol) {
  const uint32_t words = random.below(4) == 0 ? 5 + random.below(11) : 5;
  const uint32_t length = words * 4 + 20 + random.below(200);
  PacketPtr p = pool.allocate(length);
  for (uint32_t i = 0; i < length; ++i) *p->put(1) = static_cast<uint8_t>(random.u32());
  Ipv4Header& ip = p->ip();
  ip.version_ihl = static_cast<uint8_t>(0x40 | words);
  ip.total_length = be16(static_cast<uint16_t>(length));
  ip.fragment = Be16{};
  ip.protocol = protocol;
  ip_send_check(ip);
  return p;
}

}  // namespace nf::testing_packets
