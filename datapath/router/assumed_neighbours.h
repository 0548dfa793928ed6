// Next hops of a replayed capture: nobody answers ARP there, so their link addresses are taken from the frames they
// sent, or derived from the IP address (02:00 and the four bytes). Only with RouterOptions::assume_neighbours.
#pragma once

#include <array>
#include <unordered_map>

#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"
#include "datapath/route/neighbour.h"

namespace nf {

class AssumedNeighbours {
 public:
  // A received packet at its IPv4 header, with its link header. An address derived for its sender gives way.
  void saw(NeighbourTable& table, const Packet& p);
  // Answers for `address`, which is asked for: enters it into the table for good.
  void provide(NeighbourTable& table, const Device& dev, Be32 address);

 private:
  struct Recent {
    Be32 address;
    MacAddress mac;
  };
  std::array<Recent, 256> recent_{};  // what was seen last, by a hash of the address: spares most look-ups
  std::unordered_map<Be32, MacAddress> seen_;
  std::unordered_map<Be32, const Device*> derived_;
};

}  // namespace nf
