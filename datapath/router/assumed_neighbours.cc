#include "datapath/router/assumed_neighbours.h"

namespace nf {

void AssumedNeighbours::saw(NeighbourTable& table, const Packet& p) {
  if (!p.has_mac_header()) return;
  const Be32 source = p.ip().source;
  Recent& recent = recent_[(source.host() * 0x9e3779b1u) >> 24];
  if (recent.address == source && recent.mac == p.mac().source) return;
  recent = {source, p.mac().source};
  seen_.insert_or_assign(source, p.mac().source);
  const auto it = derived_.find(source);
  if (it == derived_.end() || it->second != p.dev) return;
  table.add_static(*p.dev, source, p.mac().source, NeighbourState::kPermanent);
  derived_.erase(it);
}

void AssumedNeighbours::provide(NeighbourTable& table, const Device& dev, Be32 address) {
  const auto it = seen_.find(address);
  if (it == seen_.end()) derived_.insert_or_assign(address, &dev);
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
