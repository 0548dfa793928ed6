// What is in a capture file: interfaces and packets. Shared by the readers, the writer and whoever replays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "datapath/base/time.h"
#include "datapath/hook/device.h"
#include "datapath/packet/pool.h"

namespace nf {

// LINKTYPE_* numbers of the capture formats, those that are understood.
enum class LinkType : uint16_t {
  kNull = 0,  // BSD loopback: address family in the writer's byte order
  kEthernet = 1,
  kRaw = 101,   // IPv4 or IPv6, no link header
  kLoop = 108,  // as kNull, in network byte order
  kLinuxSll = 113,
  kIpv4 = 228,
  kIpv6 = 229,
  kLinuxSll2 = 276,
};
// "EN10MB" and so on; empty when it is not one of LinkType.
std::string_view link_type_name(LinkType t);
// The device its frames can be given to: kEthernet, or kRawIp once decode_capture() took the link header off.
inline DeviceKind device_kind(LinkType t) {
  return t == LinkType::kEthernet ? DeviceKind::kEthernet : DeviceKind::kRawIp;
}

struct CaptureInterface {
  std::string name;  // if_name of a pcapng interface block; empty when the file does not say
  LinkType link = LinkType::kEthernet;
  uint32_t snaplen = 0;  // 0: no limit
};

struct CapturedPacket {
  uint64_t number = 0;  // 1-based in the file, over all interfaces
  Time time = 0;        // a pcapng Simple Packet Block has none: that of the packet before
  uint32_t original_length = 0;
  uint32_t interface = 0;  // index into interfaces()
  LinkType link = LinkType::kEthernet;
  std::span<const uint8_t> bytes;  // valid until the next packet is read
  bool truncated() const { return bytes.size() < original_length; }
};

// Why a captured packet did not become a Packet.
enum class CaptureSkip : uint8_t { kNone, kNotIpv4, kShortLinkHeader, kTooLong };

// A captured packet as a port would have received it: an Ethernet frame as it is, anything else as the IPv4 packet
// behind its link header. Cooked captures tell the PacketType too (kOutgoing: sent by the capturing host).
// Null: skipped, `why` says for what reason.
PacketPtr decode_capture(const CapturedPacket& captured, PacketPool& pool, CaptureSkip& why);

// Interface index a Linux cooked v2 packet was captured on ("any"); 0 for all other link types.
int cooked_ifindex(const CapturedPacket& captured);

}  // namespace nf
