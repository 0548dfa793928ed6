// ARP packets in and out; what they teach is kept in route/neighbour.h. twin: net/ipv4/arp.c
#pragma once

#include <deque>

#include "datapath/base/time.h"
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
  // Answers for others that are due. Returns when the next is (INT64_MAX: none). twin: neigh_proxy_process
  Time expire(Time now);

 private:
  static constexpr Duration kProxyDelay = 800 * kMillisecond;  // net.ipv4.neigh.*.proxy_delay
  static constexpr size_t kProxyQueue = 64;                    // net.ipv4.neigh.*.proxy_qlen
  struct Delayed {
    Time due;
    PacketPtr packet;
  };

  // `delayed`: a request for somebody else that has waited. twin: arp_process
  void process(PacketPtr p, bool delayed);
  // twin: arp_ignore
  bool ignored(const Device& dev, Be32 sender, Be32 target) const;
  bool filtered(const Device& dev, Be32 sender, Be32 target) const;  // twin: arp_filter
  void send(uint16_t operation, const Device& dev, const MacAddress& to, Be32 target_ip, Be32 sender_ip,
            const MacAddress& target_mac);
  Router& r_;
  std::deque<Delayed> delayed_;  // by due time
};

}  // namespace nf
