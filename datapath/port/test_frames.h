// Frames for the tests of this folder. Only tests include it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"
#include "datapath/port/port.h"

namespace nf::test {

inline constexpr MacAddress kMacA{2, 0, 0, 0, 0, 0xa};
inline constexpr MacAddress kMacB{2, 0, 0, 0, 0, 0xb};
inline constexpr Be32 kIpA = ip4(10, 9, 0, 1);
inline constexpr Be32 kIpB = ip4(10, 9, 0, 2);

// An IPv4 packet with `l4` behind a 20 byte header; the IP checksum is right.
inline PacketPtr make_ip(PacketPool& pool, uint8_t protocol, std::span<const uint8_t> l4, uint8_t tos = 0,
                         Be32 source = kIpA, Be32 destination = kIpB) {
  const uint32_t length = static_cast<uint32_t>(sizeof(Ipv4Header) + l4.size());
  PacketPtr p = pool.allocate(length);
  std::memset(p->put(length), 0, sizeof(Ipv4Header));
  Ipv4Header& ip = p->ip();
  ip.version_ihl = 0x45;
  ip.tos = tos;
  ip.total_length = be16(static_cast<uint16_t>(length));
  ip.id = be16(0x1234);
  ip.fragment = be16(kIpDontFragment);
  ip.ttl = 64;
  ip.protocol = protocol;
  ip.source = source;
  ip.destination = destination;
  ip_send_check(ip);
  if (!l4.empty()) std::memcpy(p->data() + sizeof(Ipv4Header), l4.data(), l4.size());
  return p;
}

inline std::vector<uint8_t> pattern(size_t size) {
  std::vector<uint8_t> v(size);
  for (size_t i = 0; i < size; ++i) v[i] = static_cast<uint8_t>(i * 7 + i / 256);
  return v;
}

inline PacketPtr make_udp(PacketPool& pool, size_t payload, uint16_t port = 9) {
  std::vector<uint8_t> l4(sizeof(UdpHeader));
  UdpHeader& udp = *view<UdpHeader>(std::span<uint8_t>(l4));
  udp.source = be16(4000);
  udp.destination = be16(port);
  udp.length = be16(static_cast<uint16_t>(sizeof(UdpHeader) + payload));
  const std::vector<uint8_t> data = pattern(payload);
  l4.insert(l4.end(), data.begin(), data.end());
  PacketPtr p = make_ip(pool, kProtoUdp, l4);
  fill_transport_checksum(*p);
  p->checksum = ChecksumState::kNone;
  return p;
}

inline PacketPtr make_tcp(PacketPool& pool, size_t payload, uint8_t flags = kTcpAck) {
  std::vector<uint8_t> l4(sizeof(TcpHeader));
  TcpHeader& tcp = *view<TcpHeader>(std::span<uint8_t>(l4));
  tcp.source = be16(4000);
  tcp.destination = be16(80);
  tcp.sequence = be32(1000);
  tcp.acknowledgment = be32(2000);
  tcp.offset_reserved = 5 << 4;
  tcp.flags = flags;
  tcp.window = be16(500);
  const std::vector<uint8_t> data = pattern(payload);
  l4.insert(l4.end(), data.begin(), data.end());
  PacketPtr p = make_ip(pool, kProtoTcp, l4);
  fill_transport_checksum(*p);
  p->checksum = ChecksumState::kNone;
  return p;
}

// Leaves only the pseudo-header's sum in the checksum field. (RFC 1071 sums; twin: ~tcp_v4_check(len, ..., 0))
inline void to_partial(Packet& p) {
  const Ipv4Header& ip = p.ip();
  const Sum sum = checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(p.transport().size()));
  const size_t field = ip.protocol == kProtoTcp ? 16 : 6;
  *view<Be16>(p.transport(), field) = Be16::from_raw(checksum_fold(sum));
  p.checksum = ChecksumState::kPartial;
}

// Puts an Ethernet header in front.
inline PacketPtr framed(PacketPtr p, uint16_t type = kEtherIpv4) {
  const EthernetHeader ethernet{kMacB, kMacA, be16(type)};
  std::memcpy(p->push(sizeof ethernet), &ethernet, sizeof ethernet);
  return p;
}

inline std::vector<uint8_t> copy_bytes(const Packet& p) { return {p.bytes().begin(), p.bytes().end()}; }

// Waits on the port's descriptor until `want` packets that `keep` accepts are there; fewer after five idle seconds.
template <class Keep>
std::vector<PacketPtr> receive_until(Port& port, PacketPool& pool, size_t want, Keep keep) {
  std::vector<PacketPtr> kept, batch;
  while (kept.size() < want) {
    batch.clear();
    if (port.receive(pool, batch, 64) == 0) {
      pollfd wait{port.fd(), POLLIN, 0};
      if (poll(&wait, 1, 5000) <= 0) break;
      continue;
    }
    for (PacketPtr& p : batch)
      if (keep(*p)) kept.push_back(std::move(p));
  }
  return kept;
}

// Frames of the test itself, not the neighbour and multicast chatter of the kernel.
inline bool is_ipv4_frame(const Packet& p) {
  return p.length() >= sizeof(EthernetHeader) && (view<EthernetHeader>(p.bytes())->type == be16(kEtherIpv4) ||
                                                  view<EthernetHeader>(p.bytes())->type == be16(kEtherVlan));
}

}  // namespace nf::test
