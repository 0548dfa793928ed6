#include "datapath/router/bridge_layer.h"

#include <utility>

#include "datapath/router/router.h"

namespace nf {

void BridgeLayer::add_sysctls(SysctlTable& sysctl) {
  const auto flag = [&](const char* name, int64_t* value) {
    sysctl.add(std::string("net.bridge.bridge-nf-") + name, {.value = value, .min = 0, .max = 1});
  };
  flag("call-iptables", &call_iptables_);
  flag("call-ip6tables", &call_ip6tables_);
  flag("call-arptables", &call_arptables_);
  flag("filter-vlan-tagged", &filter_vlan_);
  flag("filter-pppoe-tagged", &filter_pppoe_);
  flag("pass-vlan-input-dev", &pass_vlan_);
}

Bridge& BridgeLayer::add(Device& dev, const BridgeOptions& options) {
  Bridge& bridge = *bridges_.emplace_back(std::make_unique<Bridge>(dev, options));
  const auto index = static_cast<size_t>(dev.ifindex);
  if (by_index_.size() <= index) by_index_.resize(index + 1, nullptr);
  by_index_[index] = &bridge;
  return bridge;
}

void BridgeLayer::set_master(Device& dev, Device* bridge) {
  if (dev.master != nullptr) {
    if (Bridge* old = find(*dev.master)) old->remove_port(dev);
    dev.master = nullptr;
  }
  if (bridge == nullptr) return;
  if (Bridge* b = find(*bridge)) {
    BridgePort port;
    port.device = &dev;
    b->add_port(port);
    dev.master = bridge;
  }
}

void BridgeLayer::port_down(const Device& dev) {
  if (Bridge* b = find(dev.master != nullptr ? *dev.master : dev)) b->port_down(dev);
}

void BridgeLayer::address_changed(const Device& dev) {
  if (Bridge* b = find(dev.master != nullptr ? *dev.master : dev)) b->address_changed(dev);
}

void BridgeLayer::sweep(Time now) {
  for (const auto& b : bridges_) b->sweep(now);
}

void BridgeLayer::handle_frame(PacketPtr p) {
  Bridge& bridge = *find(*p->dev->master);
  const BridgePort* port = bridge.port(*p->dev);
  if (!bridge.forwarding(*port)) return r_.drop(std::move(p), DropReason::kBridgePortDown);
  switch (Bridge::arrive(p->mac().source, p->mac().destination)) {
    case Bridge::Arrival::kDrop:
      return r_.drop(std::move(p), DropReason::kBridgeBadFrame);
    case Bridge::Arrival::kPortOnly:
      // For the port itself, as if it had no bridge. twin: br_handle_local_finish, RX_HANDLER_PASS
      bridge.learn(p->mac().source, *p->dev, r_.now());
      return r_.link().deliver_up(std::move(p));
    case Bridge::Arrival::kBridge:
      break;
  }
  if (p->mac().destination == bridge.device().mac) p->type = PacketType::kHost;
  if (p->protocol == kEtherIpv6 && call_ip6tables_ != 0 && !validate_ipv6(*p))
    return r_.drop(std::move(p), DropReason::kIpHeader);
  if (netfilter_on(*p) && !nf_pre_routing(bridge, p)) return;
  handle_frame_finish(bridge, std::move(p));
}

void BridgeLayer::handle_frame_finish(Bridge& bridge, PacketPtr p) {
  const Device* in = p->dev;
  bridge.learn(p->mac().source, *in, r_.now());
  const Bridge::Decision d = bridge.decide(p->mac().destination, r_.now());
  switch (d.kind) {
    case Bridge::Decision::Kind::kLocal:
      return pass_up(bridge, std::move(p));
    case Bridge::Decision::Kind::kForward:
      return forward(bridge, std::move(p), in, *d.port);
    case Bridge::Decision::Kind::kFlood: {
      PacketPtr up = d.also_local ? r_.clone(*p) : nullptr;
      if (up != nullptr) p->fragment_count = 0;  // every port gets a clone, and clones are not cut in the old places
      flood(bridge, std::move(p), in);
      if (up != nullptr) pass_up(bridge, std::move(up));
      return;
    }
  }
}

void BridgeLayer::pass_up(Bridge& bridge, PacketPtr p) {
  Device& dev = bridge.device();
  r_.tell(*p, trace::Bridged{&dev, p->dev, nullptr, false});
  p->dev = &dev;
  // The bridge's stand-in for a route. twin: br_drop_fake_rtable
  if (p->bridge_netfilter && p->dst.out == &dev) p->dst = {};
  if (p->ct != 0 && p->type != PacketType::kHost && !confirm(p, dev)) return;
  ++dev.rx_packets;
  dev.rx_bytes += p->length();
  r_.link().deliver_up(std::move(p));
}

bool BridgeLayer::confirm(PacketPtr& p, const Device& dev) {
  const ConnectionHooks& connection = r_.hooks().connection();
  if (connection.confirm == nullptr) return true;
  const HookState state{HookPoint::kLocalIn, &dev, nullptr, &r_, r_.now(), nullptr};
  return r_.carry_out(connection.confirm(connection.self, p, state), p, state.hook);
}

void BridgeLayer::forward(Bridge& bridge, PacketPtr p, const Device* in, Device& out) {
  const BridgePort* port = bridge.port(out);
  if (port == nullptr || !bridge.should_deliver(in, *port))
    return r_.drop(std::move(p), in == &out ? DropReason::kBridgeSamePort : DropReason::kBridgePortDown);
  forward_to(bridge, std::move(p), in, out, false);
}

void BridgeLayer::forward_to(Bridge& bridge, PacketPtr p, const Device* in, Device& out, bool flooded) {
  r_.tell(*p, trace::Bridged{&bridge.device(), in, &out, flooded});
  if (in != nullptr && call_iptables_ == 0 && p->protocol == kEtherIpv4 && p->traced) {
    const Said unseen{"bridge.unseen", {}, {}};
    r_.tell(*p, trace::Noted{&unseen});
  }
  // From the bridge device: already at its Ethernet header, POSTROUTING was the IP layer's.
  if (in == nullptr) {
    if (!fits(*p, p->length() - uint32_t{sizeof(EthernetHeader)}, out))
      return r_.drop(std::move(p), DropReason::kTxTooLong);
    return r_.link().transmit(std::move(p), out);
  }
  p->dev = &out;
  if (p->bridge_netfilter) {
    if (!nf_forward(bridge, p, out)) return;
    return nf_transmit(std::move(p), out);
  }
  if (!fits(*p, p->length(), out)) return r_.drop(std::move(p), DropReason::kTxTooLong);
  p->push(sizeof(EthernetHeader));
  r_.link().transmit(std::move(p), out);
}

bool BridgeLayer::fits(const Packet& p, uint32_t length, const Device& out) {
  constexpr uint32_t kTag = 4;
  if (p.gso != GsoType::kNone) return true;
  // A tag that is there is not counted: the kernel took it off.
  return length <= out.mtu + (p.protocol == kEtherVlan ? 2 * kTag : kTag);
}

void BridgeLayer::flood(Bridge& bridge, PacketPtr p, const Device* in) {
  Device* last = nullptr;
  for (const BridgePort& port : bridge.ports()) {
    if (!bridge.should_flood(in, port, p->mac().destination)) continue;
    if (last != nullptr) forward_to(bridge, r_.clone(*p), in, *last, true);
    last = port.device;
  }
  if (last == nullptr) return r_.drop(std::move(p), DropReason::kBridgeNoPort);
  forward_to(bridge, std::move(p), in, *last, true);
}

void BridgeLayer::device_transmit(PacketPtr p, const Device& dev) {
  Bridge& bridge = *find(dev);
  Device& d = bridge.device();
  ++d.tx_packets;
  d.tx_bytes += p->length();
  const Bridge::Decision decision = bridge.decide(p->mac().destination, r_.now());
  if (decision.kind == Bridge::Decision::Kind::kFlood) return flood(bridge, std::move(p), nullptr);
  if (decision.port == nullptr) return r_.drop(std::move(p), DropReason::kBridgeNoPort);
  forward(bridge, std::move(p), nullptr, *decision.port);
}

}  // namespace nf
