// Bridges at work: frames of bridge ports, frames from the bridge device, and netfilter on bridged IPv4.
// twin: net/bridge/br_input.c, br_forward.c, br_device.c (bridge_layer.cc); br_netfilter_hooks.c (bridge_netfilter.cc)
//
// The forwarding decision itself is datapath/bridge/fdb.h.
#pragma once

#include <memory>
#include <vector>

#include "datapath/base/sysctl.h"
#include "datapath/bridge/fdb.h"
#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"

namespace nf {

class Router;

class BridgeLayer {
 public:
  explicit BridgeLayer(Router& router) : r_(router) {}
  void add_sysctls(SysctlTable& sysctl);

  // `dev` is a device of kind kBridge.
  Bridge& add(Device& dev, const BridgeOptions& options);
  Bridge* find(const Device& dev) {
    const auto index = static_cast<size_t>(dev.ifindex);
    return index < by_index_.size() ? by_index_[index] : nullptr;
  }
  // Makes `dev` a port of `bridge`, or (null) of none.
  void set_master(Device& dev, Device* bridge);
  // Something about a device changed that its bridge, or it as a bridge, must know.
  void port_down(const Device& dev);
  void address_changed(const Device& dev);
  void sweep(Time now);

  // --- bridge_layer.cc
  // A frame received by a bridge port, parsed, at its payload. twin: br_handle_frame
  void handle_frame(PacketPtr p);
  // A frame the IP layer sends on the bridge device, at its Ethernet header. twin: br_dev_xmit
  void device_transmit(PacketPtr p, const Device& dev);
  // A bridged frame whose new destination's link address is known now. `dev` is the bridge device.
  // twin: br_nf_pre_routing_finish_bridge
  void send_bridged_dnat(PacketPtr p, const Device& dev, const MacAddress& destination);

 private:
  // twin: br_handle_frame_finish. At its payload, p->dev is the port.
  void handle_frame_finish(Bridge& bridge, PacketPtr p);
  void pass_up(Bridge& bridge, PacketPtr p);  // twin: br_pass_frame_up
  // A packet not for this station alone may have been flooded, too: its connection is confirmed before it goes up, and
  // nobody is told of it yet. False: the packet ended. twin: br_nf_local_in
  bool confirm(PacketPtr& p, const Device& dev);
  // Sends to one port if that may get it, or copies to all that may. `in`: the port it came by, null: from the bridge
  // device.
  void forward(Bridge& bridge, PacketPtr p, const Device* in, Device& out);                   // twin: br_forward
  void flood(Bridge& bridge, PacketPtr p, const Device* in);                                  // twin: br_flood
  void forward_to(Bridge& bridge, PacketPtr p, const Device* in, Device& out, bool flooded);  // twin: __br_forward
  // --- bridge_netfilter.cc. Each returns false when the packet ended there.
  bool netfilter_on(const Packet& p) const;
  // PREROUTING with the bridge as input device; a changed destination is routed. twin: br_nf_pre_routing
  bool nf_pre_routing(Bridge& bridge, PacketPtr& p);
  // FORWARD and POSTROUTING for a frame going from port to port. twin: br_nf_forward_ip, br_nf_post_routing
  bool nf_forward(Bridge& bridge, PacketPtr& p, const Device& out);
  // The checks bridged IPv6 meets; there are no hooks for it. twin: br_validate_ipv6
  static bool validate_ipv6(Packet& p);
  // Sends on, cut into the fragments it came in. twin: br_nf_dev_queue_xmit
  void nf_transmit(PacketPtr p, const Device& out);
  // What a port may send: a bridge, unlike the IP layer, drops what is longer than that, and leaves room for a VLAN
  // tag. `length` without the Ethernet header. twin: is_skb_forwardable
  static bool fits(const Packet& p, uint32_t length, const Device& out);

  Router& r_;
  std::vector<std::unique_ptr<Bridge>> bridges_;
  std::vector<Bridge*> by_index_;  // by ifindex of the bridge device
  int64_t call_iptables_ = 1;      // net.bridge.bridge-nf-call-iptables
  int64_t call_ip6tables_ = 1;     // bridged IPv6 is checked; there are no rules for it
  int64_t call_arptables_ = 1;     // accepted; there are no arptables rules here
  int64_t filter_vlan_ = 0;
  int64_t filter_pppoe_ = 0;
  int64_t pass_vlan_ = 0;
};

}  // namespace nf
