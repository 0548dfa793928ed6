// The machines on a Backend's wires, which exist as far as somebody asks for them: their link addresses, and how they
// answer ARP.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "datapath/packet/headers.h"

namespace nf {

// 02:00 and the four bytes of the address.
inline MacAddress station_mac(Be32 address) {
  MacAddress mac{0x02, 0x00};
  const uint32_t raw = address.raw();  // in network order
  std::memcpy(mac.data() + 2, &raw, sizeof raw);
  return mac;
}

// The ARP request an Ethernet frame is; null: it is something else.
inline const ArpHeader* arp_request(std::span<const uint8_t> frame) {
  const auto* eth = view<EthernetHeader>(frame);
  const auto* arp = view<ArpHeader>(frame, sizeof(EthernetHeader));
  const bool request =
      eth != nullptr && arp != nullptr && eth->type.host() == kEtherArp && arp->operation.host() == kArpRequest;
  return request ? arp : nullptr;
}

// The frame in which a station says that it is the one asked for. nullopt: who asks speaks of itself.
inline std::optional<std::vector<uint8_t>> arp_answer(const ArpHeader& request, const MacAddress& mac) {
  if (request.target_ip == request.sender_ip) return std::nullopt;
  const EthernetHeader head{request.sender_mac, mac, be16(kEtherArp)};
  const ArpHeader body{
      be16(1), be16(kEtherIpv4), 6, 4, be16(kArpReply), mac, request.target_ip, request.sender_mac, request.sender_ip};
  std::vector<uint8_t> frame(sizeof head + sizeof body);
  std::memcpy(frame.data(), &head, sizeof head);
  std::memcpy(frame.data() + sizeof head, &body, sizeof body);
  return frame;
}

}  // namespace nf
