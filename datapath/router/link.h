// The link layer: frames come in from ports and go out to them; lo turns around.
// twin: __netif_receive_skb_core, __dev_queue_xmit, validate_xmit_skb (net/core/dev.c), eth_type_trans, loopback_xmit
#pragma once

#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"

namespace nf {

class Router;

class Link {
 public:
  explicit Link(Router& router) : r_(router) {}

  // Reads the link header and leaves the packet at its payload: mac header, type and protocol are set. False: it was
  // dropped. twin: eth_type_trans
  bool parse(Device& dev, PacketPtr& p);
  // A parsed frame goes to the bridge, ARP or IP. twin: __netif_receive_skb_core
  void deliver(PacketPtr p);
  // The same, past the bridge: a packet of the bridge device, or one that is for the port alone.
  void deliver_up(PacketPtr p);

  // Puts an Ethernet header in front of `p` and transmits it. `p` is at its payload. twin: dev_hard_header
  void send(PacketPtr p, const Device& dev, const MacAddress& destination, const MacAddress& source, uint16_t type);
  // A frame at its Ethernet header (kRawIp device: at its IPv4 header) leaves by `dev`: a port, a bridge, or lo.
  // Completes checksums and cuts GSO packets that the port cannot take. twin: __dev_queue_xmit
  void transmit(PacketPtr p, const Device& dev);

 private:
  void transmit_to_port(PacketPtr p, const Device& dev);
  Router& r_;
};

}  // namespace nf
