// Next hops of a replayed capture: nobody answers ARP there, so their link addresses are taken from the frames they
// sent, or derived from the IP address (02:00 and the four bytes). Only with RouterOptions::assume_neighbours.
#pragma once

#include <unordered_map>

#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"
#include "datapath/route/neighbour.h"

namespace nf {

class AssumedNeighbours {
 public:
  // A received packet at its IPv4 header, with its link header.
  void saw(const Packet& p);
  // Enters `address` into the table when nothing is known of it.
  void provide(NeighbourTable& table, const Device& dev, Be32 address) const;

 private:
  std::unordered_map<Be32, MacAddress> seen_;
};

}  // namespace nf
