#include "datapath/router/assumed_neighbours.h"

namespace nf {

void AssumedNeighbours::saw(const Packet& p) {
  if (p.has_mac_header()) seen_.insert_or_assign(p.ip().source, p.mac().source);
}

void AssumedNeighbours::provide(NeighbourTable& table, const Device& dev, Be32 address) const {
  if (dev.kind == DeviceKind::kLoopback || dev.kind == DeviceKind::kRawIp || table.lookup(dev, address)) return;
  const auto it = seen_.find(address);
  const uint32_t a = address.host();
  const MacAddress derived{0x02,
                           0x00,
                           static_cast<uint8_t>(a >> 24),
                           static_cast<uint8_t>(a >> 16),
                           static_cast<uint8_t>(a >> 8),
                           static_cast<uint8_t>(a)};
  table.add_static(dev, address, it == seen_.end() ? derived : it->second, NeighbourState::kPermanent);
}

}  // namespace nf
