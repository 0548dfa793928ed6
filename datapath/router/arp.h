// ARP packets in and out; what they teach is kept in route/neighbour.h. twin: net/ipv4/arp.c
#pragma once

#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"

namespace nf {

class Router;

class Arp {
 public:
  explicit Arp(Router& router) : r_(router) {}
  // A received ARP packet, at its ARP header. twin: arp_rcv, arp_process
  void rcv(PacketPtr p);
  // Asks who has `target`; to `known` alone when it is only to be confirmed. `cause`: a packet waiting for the
  // answer, whose source is spoken from when it is ours. twin: arp_solicit
  void solicit(const Device& dev, Be32 target, const MacAddress* known, const Packet* cause);

 private:
  // twin: arp_ignore
  bool ignored(const Device& dev, Be32 sender, Be32 target) const;
  void send(uint16_t operation, const Device& dev, const MacAddress& to, Be32 target_ip, Be32 sender_ip,
            const MacAddress& target_mac);
  Router& r_;
};

}  // namespace nf
