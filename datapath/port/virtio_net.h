// Checksum and segmentation state as the kernel hands it over with a frame: struct virtio_net_hdr, used by AF_PACKET
// sockets (PACKET_VNET_HDR) and TUN/TAP (IFF_VNET_HDR). Fields are in the machine's byte order.
// twin: include/linux/virtio_net.h
#pragma once

#include <optional>
#include <span>

#include "datapath/packet/packet.h"

namespace nf {

// twin: struct virtio_net_hdr, uapi/linux/virtio_net.h, which C++ cannot include (it has a member named class).
struct VirtioNetHeader {
  static constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;                                         // flags
  static constexpr uint8_t kGsoNone = 0, kGsoTcpv4 = 1, kGsoTcpv6 = 4, kGsoUdpL4 = 5, kGsoEcn = 0x80;  // gso_type

  uint8_t flags = 0;
  uint8_t gso_type = 0;
  uint16_t header_length = 0;    // bytes up to the payload; from the kernel: of the linear part, whatever that is
  uint16_t gso_size = 0;         // payload bytes per segment
  uint16_t checksum_start = 0;   // from the start of the frame
  uint16_t checksum_offset = 0;  // of the field, from checksum_start
};
static_assert(sizeof(VirtioNetHeader) == 10);

// Where the TCP or UDP header of a frame is. Offsets in bytes from the start of the frame.
struct TransportPlace {
  uint16_t network;         // IPv4 or IPv6 header
  uint16_t transport;       // TCP or UDP header
  uint16_t payload;         // behind it, options included
  uint16_t checksum_field;  // from `transport`: 16 (TCP) or 6 (UDP)
  bool ipv6;
  bool tcp;
};

// Looks through VLAN tags and IPv6 extension headers. nullopt: no TCP or UDP, a later fragment, or the header is not
// whole. `ethernet`: the frame begins with an Ethernet header, else with the IP header.
std::optional<TransportPlace> locate_transport(std::span<const uint8_t> frame, bool ethernet);

// Sets checksum and GSO fields of a received frame. What Packet cannot say (a partial checksum elsewhere than in the
// outermost TCP or UDP header) is completed in the bytes. A TCP super-packet over IPv6, which only a bridge can meet,
// is GsoType::kTcpv4 too: its own header tells the family.
// `intact`: the frame is whole; of a truncated one no checksum can be completed.
void apply_virtio_header(const VirtioNetHeader& header, Packet& p, bool ethernet, bool intact = true);

// The inverse, for a frame to be sent. A super-packet with a finished checksum is put back to a partial one, which
// is what the kernel expects of one.
VirtioNetHeader make_virtio_header(Packet& p, bool ethernet);

}  // namespace nf
