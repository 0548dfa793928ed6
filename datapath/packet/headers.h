// Wire formats: one struct per header, made of bytes and Be16/Be32, so alignment is 1 and sizeof is the wire size.
//
// view<H>(bytes) proves once that a header fits; behind the returned pointer no accessor can overrun the header.
// Variable-length parts (IP and TCP options) are reached through options(), which callers bound by the length
// they proved. Changing an address, a port or a TTL is done in rewrite.h, which keeps the checksums right.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "datapath/base/byteorder.h"

namespace nf {

template <class H>
H* view(std::span<uint8_t> bytes, size_t offset = 0) {
  static_assert(alignof(H) == 1);
  if (offset > bytes.size() || bytes.size() - offset < sizeof(H)) return nullptr;
  return reinterpret_cast<H*>(bytes.data() + offset);
}
template <class H>
const H* view(std::span<const uint8_t> bytes, size_t offset = 0) {
  static_assert(alignof(H) == 1);
  if (offset > bytes.size() || bytes.size() - offset < sizeof(H)) return nullptr;
  return reinterpret_cast<const H*>(bytes.data() + offset);
}

using MacAddress = std::array<uint8_t, 6>;
inline constexpr MacAddress kBroadcastMac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline bool is_multicast(const MacAddress& m) { return (m[0] & 1) != 0; }

enum EtherType : uint16_t {
  kEtherIpv4 = 0x0800,
  kEtherArp = 0x0806,
  kEtherVlan = 0x8100,
  kEtherIpv6 = 0x86dd,
  kEtherServiceVlan = 0x88a8
};

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14);

// ARP for IPv4 over Ethernet (RFC 826).
struct ArpHeader {
  Be16 hardware_type;  // 1
  Be16 protocol_type;  // 0x0800
  uint8_t hardware_length;
  uint8_t protocol_length;
  Be16 operation;
  MacAddress sender_mac;
  Be32 sender_ip;
  MacAddress target_mac;
  Be32 target_ip;
};
static_assert(sizeof(ArpHeader) == 28);
enum ArpOperation : uint16_t { kArpRequest = 1, kArpReply = 2 };

enum IpProtocol : uint8_t {
  kProtoIcmp = 1,
  kProtoIgmp = 2,
  kProtoTcp = 6,
  kProtoUdp = 17,
  kProtoDccp = 33,
  kProtoGre = 47,
  kProtoSctp = 132,
  kProtoUdplite = 136,
};

inline constexpr uint16_t kIpDontFragment = 0x4000;
inline constexpr uint16_t kIpMoreFragments = 0x2000;
inline constexpr uint16_t kIpOffsetMask = 0x1fff;  // in units of 8 bytes

struct Ipv4Header {
  uint8_t version_ihl;
  uint8_t tos;
  Be16 total_length;
  Be16 id;
  Be16 fragment;  // flags and offset
  uint8_t ttl;
  uint8_t protocol;
  Be16 checksum;
  Be32 source;
  Be32 destination;

  unsigned version() const { return version_ihl >> 4; }
  unsigned header_length() const { return (version_ihl & 15u) * 4; }            // bytes
  unsigned fragment_offset() const { return fragment.host() & kIpOffsetMask; }  // units of 8 bytes
  bool more_fragments() const { return (fragment.host() & kIpMoreFragments) != 0; }
  bool dont_fragment() const { return (fragment.host() & kIpDontFragment) != 0; }
  bool is_fragment() const { return (fragment.host() & (kIpMoreFragments | kIpOffsetMask)) != 0; }
};
static_assert(sizeof(Ipv4Header) == 20);

enum TcpFlag : uint8_t {
  kTcpFin = 0x01,
  kTcpSyn = 0x02,
  kTcpRst = 0x04,
  kTcpPsh = 0x08,
  kTcpAck = 0x10,
  kTcpUrg = 0x20,
  kTcpEce = 0x40,
  kTcpCwr = 0x80,
};

struct TcpHeader {
  Be16 source;
  Be16 destination;
  Be32 sequence;
  Be32 acknowledgment;
  uint8_t offset_reserved;
  uint8_t flags;  // TcpFlag
  Be16 window;
  Be16 checksum;
  Be16 urgent;

  unsigned header_length() const { return (offset_reserved >> 4) * 4u; }  // bytes
};
static_assert(sizeof(TcpHeader) == 20);

struct UdpHeader {
  Be16 source;
  Be16 destination;
  Be16 length;
  Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

enum IcmpType : uint8_t {
  kIcmpEchoReply = 0,
  kIcmpUnreachable = 3,
  kIcmpSourceQuench = 4,
  kIcmpRedirect = 5,
  kIcmpEcho = 8,
  kIcmpTimeExceeded = 11,
  kIcmpParameterProblem = 12,
  kIcmpTimestamp = 13,
  kIcmpTimestampReply = 14,
  kIcmpInfoRequest = 15,
  kIcmpInfoReply = 16,
  kIcmpAddress = 17,
  kIcmpAddressReply = 18,
};

struct IcmpHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be16 id;        // query types
  Be16 sequence;  // query types; the MTU in "fragmentation needed"

  // Bytes 4..7 as one word: gateway of a redirect, unused+MTU of an error.
  Be32 info() const { return Be32::from_raw(uint32_t{id.raw()} | uint32_t{sequence.raw()} << 16); }
  void set_info(Be32 v) {
    id = Be16::from_raw(static_cast<uint16_t>(v.raw()));
    sequence = Be16::from_raw(static_cast<uint16_t>(v.raw() >> 16));
  }
  // twin: icmp_is_err, include/linux/icmp.h
  bool is_error() const {
    return type == kIcmpUnreachable || type == kIcmpSourceQuench || type == kIcmpRedirect ||
           type == kIcmpTimeExceeded || type == kIcmpParameterProblem;
  }
};
static_assert(sizeof(IcmpHeader) == 8);

}  // namespace nf
