// A bare TCP segment in an Ethernet frame, as the benchmarks that drive the engine in memory send it.
#pragma once

#include <cstdint>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/pool.h"

namespace nf {

struct TcpFrame {
  MacAddress mac_destination, mac_source;
  Be32 source, destination;
  Be16 source_port, destination_port;
  uint32_t sequence, acknowledgment;
  uint8_t flags;
  uint16_t ip_fragment;  // kIpDontFragment or 0
};

inline PacketPtr make_tcp_frame(PacketPool& pool, const TcpFrame& f) {
  constexpr uint32_t kLength = sizeof(Ipv4Header) + sizeof(TcpHeader);
  PacketPtr p = pool.allocate(sizeof(EthernetHeader) + kLength);
  auto& eth = *reinterpret_cast<EthernetHeader*>(p->put(sizeof(EthernetHeader)));
  eth.destination = f.mac_destination;
  eth.source = f.mac_source;
  eth.type = be16(kEtherIpv4);
  auto& ip = *reinterpret_cast<Ipv4Header*>(p->put(sizeof(Ipv4Header)));
  std::memset(static_cast<void*>(&ip), 0, sizeof ip);
  ip.version_ihl = 0x45;
  ip.total_length = be16(kLength);
  ip.fragment = be16(f.ip_fragment);
  ip.ttl = 64;
  ip.protocol = kProtoTcp;
  ip.source = f.source;
  ip.destination = f.destination;
  ip_send_check(ip);
  auto& tcp = *reinterpret_cast<TcpHeader*>(p->put(sizeof(TcpHeader)));
  std::memset(static_cast<void*>(&tcp), 0, sizeof tcp);
  tcp.source = f.source_port;
  tcp.destination = f.destination_port;
  tcp.sequence = be32(f.sequence);
  tcp.acknowledgment = be32(f.acknowledgment);
  tcp.offset_reserved = 5 << 4;
  tcp.flags = f.flags;
  tcp.window = be16(60000);
  p->checksum = ChecksumState::kUnnecessary;  // as a link with checksum offload says
  return p;
}

}  // namespace nf
