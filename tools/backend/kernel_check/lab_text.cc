#include "tools/backend/kernel_check/lab_text.h"

#include <cstring>

namespace nf::kernel_check {

std::vector<uint8_t> packet(const Segment& s) {
  const size_t header = s.protocol == kProtoTcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  std::vector<uint8_t> out(sizeof(Ipv4Header) + header + s.payload);
  auto& ip = *reinterpret_cast<Ipv4Header*>(out.data());
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(out.size()));
  ip.id = be16(1);
  ip.ttl = 64;
  ip.protocol = s.protocol;
  ip.source = s.source;
  ip.destination = s.destination;
  ip_send_check(ip);
  const std::span<uint8_t> transport = std::span(out).subspan(sizeof(Ipv4Header));
  const auto length = static_cast<uint32_t>(transport.size());
  if (s.protocol == kProtoIcmp) {
    auto& icmp = *view<IcmpHeader>(transport);
    icmp.type = static_cast<uint8_t>(s.destination_port >> 8);
    icmp.id = be16(s.source_port);
    icmp.checksum = checksum_finish(checksum_add(transport));
    return out;
  }
  if (s.protocol != kProtoUdp && s.protocol != kProtoTcp) return out;
  auto& udp = *view<UdpHeader>(transport);
  udp.source = be16(s.source_port);
  udp.destination = be16(s.destination_port);
  const Sum pseudo = checksum_pseudo(s.source, s.destination, s.protocol, length);
  if (s.protocol == kProtoUdp) {
    udp.length = be16(static_cast<uint16_t>(length));
    udp.checksum = checksum_finish(checksum_add(transport, pseudo));
  } else {
    auto& tcp = *view<TcpHeader>(transport);
    tcp.sequence = be32(1000);
    tcp.offset_reserved = 0x50;
    tcp.flags = s.tcp_flags;
    tcp.window = be16(64240);
    tcp.checksum = checksum_finish(checksum_add(transport, pseudo));
  }
  return out;
}

std::vector<uint8_t> frame(const Backend& backend, int port, const Segment& s) {
  const std::vector<uint8_t> ip = packet(s);
  std::vector<uint8_t> out(sizeof(EthernetHeader));
  auto& ethernet = *reinterpret_cast<EthernetHeader*>(out.data());
  ethernet.destination = backend.ports()[static_cast<size_t>(port)].mac;
  ethernet.source = {2, 0};
  std::memcpy(ethernet.source.data() + 2, &s.source, 4);
  ethernet.type = be16(kEtherIpv4);
  out.insert(out.end(), ip.begin(), ip.end());
  return out;
}

}  // namespace nf::kernel_check
