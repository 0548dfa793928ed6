#include "tools/gateway/network_setup.h"

#include <algorithm>

namespace nf {

// One line's operation, carried out.
struct NetworkSetup::Line {
  Router& router_;
  const FindLink& find_link_;
  const std::set<std::string>& made_;
  std::set<const Device*>&addressed_, &sized_;

  Status operator()(const lab::LinkAdd& op) {
    if (made_.count(op.name) != 0) return set_made(op);
    if (router_.device(op.name) != nullptr) return error("RTNETLINK answers: File exists");
    if (op.kind == lab::LinkKind::kBridge) {
      Device& dev = router_.add_device(op.name, DeviceKind::kBridge, made_address(op.name), 1500);
      BridgeOptions options;
      if (op.bridge.ageing_time) options.ageing_time = *op.bridge.ageing_time;
      router_.bridges().add(dev, options);
      return apply(dev, op.settings);
    }
    const DeviceKind kind = op.kind == lab::LinkKind::kTun ? DeviceKind::kRawIp : DeviceKind::kEthernet;
    if (op.kind == lab::LinkKind::kVeth && (op.peer == op.name || router_.device(op.peer) != nullptr))
      return error("RTNETLINK answers: File exists");
    Result<Device*> dev = make(op.name, kind, true);
    if (!dev) return dev.error();
    if (Status s = apply(**dev, op.settings); !s) return s;
    if (op.kind != lab::LinkKind::kVeth || op.peer.empty()) return {};
    Result<Device*> peer = make(op.peer, kind, true);
    if (!peer) return peer.error();
    return apply(**peer, op.peer_settings);
  }

  Status operator()(const lab::LinkSet& op) {
    Result<Device*> found = find(op.device);
    if (!found) return found.error();
    Device& dev = **found;
    if (op.new_name) return error("renaming a link is not modelled");
    if (Status s = apply(dev, op.settings); !s) return s;
    if (op.bridge.ageing_time) {
      Bridge* bridge = router_.bridges().find(dev);
      if (bridge == nullptr) return error("RTNETLINK answers: Operation not supported");
      bridge->set_ageing_time(*op.bridge.ageing_time);
    }
    return apply_port(dev, op.port);
  }

  Status operator()(const lab::LinkDelete&) { return error("deleting a link is not modelled: leave it out"); }

  Status operator()(const lab::AddressAdd& op) {
    Result<Device*> dev = find(op.device);
    if (!dev) return dev.error();
    if (op.device == "lo" && op.address.local == ip4(127, 0, 0, 1) && op.address.length == 8) return {};
    if (op.replace) {
      for (const Address& a : router_.routing().addresses(**dev))
        if (a.local == op.address.local && a.length == op.address.length) return {};
    }
    return router_.routing().add_address(**dev, op.address);
  }

  Status operator()(const lab::AddressDelete& op) {
    Result<Device*> dev = find(op.device);
    if (!dev) return dev.error();
    return router_.routing().remove_address(**dev, op.address.local, op.any_length ? -1 : op.address.length);
  }

  Status operator()(const lab::RouteAdd& op) {
    Route route = op.route;
    if (Status s = resolve(route, op.devices); !s) return s;
    return router_.routing().add_route(route, op.mode);
  }

  Status operator()(const lab::RouteDelete& op) {
    Route route = op.route;
    if (Status s = resolve(route, op.devices); !s) return s;
    return router_.routing().remove_route(route);
  }

  Status operator()(const lab::RuleAdd& op) { return router_.routing().add_rule(op.rule); }
  Status operator()(const lab::RuleDelete& op) { return router_.routing().remove_rule(op.rule); }

  Status operator()(const lab::NeighbourAdd& op) {
    Result<Device*> dev = find(op.device);
    if (!dev) return dev.error();
    const bool exists = router_.neighbours().state(**dev, op.address) != NeighbourState::kNone;
    if (exists && !op.replace) return error("RTNETLINK answers: File exists");
    router_.neighbours().add_static(**dev, op.address, op.mac.value_or(MacAddress{}), op.state);
    return {};
  }

  Status operator()(const lab::NeighbourDelete& op) {
    Result<Device*> dev = find(op.device);
    if (!dev) return dev.error();
    if (!router_.neighbours().remove(**dev, op.address)) return error("RTNETLINK answers: No such file or directory");
    return {};
  }

  Status set_made(const lab::LinkAdd& op) {
    Status s = apply(*router_.device(op.name), op.settings);
    if (s.ok() && made_.count(op.peer) != 0) s = apply(*router_.device(op.peer), op.peer_settings);
    return s;
  }

  // Locally administered, and the same in every run: chance would make two replays differ.
  static MacAddress made_address(std::string_view name) {
    uint64_t h = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    MacAddress mac{0x02};
    for (size_t i = 1; i < mac.size(); ++i) mac[i] = static_cast<uint8_t>(h >> (8 * i));
    return mac;
  }

  Result<Device*> make(const std::string& name, DeviceKind kind, bool made) {
    const std::optional<LinkFacts> facts = find_link_(name, made);
    if (!facts) return error("Cannot find device \"" + name + "\"");
    MacAddress mac = facts->mac;
    if (mac == MacAddress{} && kind == DeviceKind::kEthernet) mac = made_address(name);
    Device& dev = router_.add_device(name, kind, mac, facts->mtu);
    router_.set_running(dev, facts->running);
    router_.set_up(dev, facts->up);
    return &dev;
  }

  Result<Device*> find(const std::string& name) {
    if (Device* dev = router_.device(name)) return dev;
    return make(name, DeviceKind::kEthernet, false);
  }

  Status apply(Device& dev, const lab::LinkSettings& s) {
    if (s.address) {
      router_.set_address(dev, *s.address);
      addressed_.insert(&dev);
      follow_ports(dev.master);
    }
    if (s.mtu) {
      dev.mtu = *s.mtu;
      if (dev.kind == DeviceKind::kBridge) sized_.insert(&dev);
      follow_mtu(dev.master);
    }
    if (s.arp) dev.no_arp = !*s.arp;
    if (s.master) {
      Device* bridge = nullptr;
      if (!s.master->empty()) {
        bridge = router_.device(*s.master);
        if (bridge == nullptr) return error("Device does not exist: \"" + *s.master + "\"");
        if (bridge->kind != DeviceKind::kBridge || dev.kind != DeviceKind::kEthernet)
          return error("RTNETLINK answers: Operation not supported");
      }
      router_.bridges().set_master(dev, bridge);
      follow_ports(bridge);
      follow_mtu(bridge);
    }
    if (s.up) router_.set_up(dev, *s.up);
    return {};
  }

  // A bridge nobody gave an address takes its ports' smallest.
  void follow_ports(Device* bridge) {
    if (bridge == nullptr || addressed_.count(bridge) != 0) return;
    if (const auto mac = router_.bridges().find(*bridge)->automatic_address()) router_.set_address(*bridge, *mac);
  }

  // Likewise its MTU. twin: br_mtu_auto_adjust
  void follow_mtu(Device* bridge) {
    if (bridge == nullptr || sized_.count(bridge) != 0) return;
    uint32_t smallest = UINT32_MAX;
    for (const BridgePort& port : router_.bridges().find(*bridge)->ports())
      smallest = std::min(smallest, port.device->mtu);
    bridge->mtu = smallest != UINT32_MAX ? smallest : 1500;
  }

  Status apply_port(Device& dev, const lab::PortSettings& s) {
    if (!s.hairpin && !s.isolated && !s.learning && !s.flood && !s.multicast_flood && !s.broadcast_flood) return {};
    BridgePort* port = dev.master != nullptr ? router_.bridges().find(*dev.master)->port(dev) : nullptr;
    if (port == nullptr) return error("RTNETLINK answers: Operation not supported");
    port->hairpin = s.hairpin.value_or(port->hairpin);
    port->isolated = s.isolated.value_or(port->isolated);
    port->learning = s.learning.value_or(port->learning);
    port->flood = s.flood.value_or(port->flood);
    port->multicast_flood = s.multicast_flood.value_or(port->multicast_flood);
    port->broadcast_flood = s.broadcast_flood.value_or(port->broadcast_flood);
    return {};
  }

  Status resolve(Route& route, const std::vector<std::string>& devices) {
    for (size_t i = 0; i < route.nexthops.size(); ++i) {
      if (i >= devices.size() || devices[i].empty()) continue;
      Result<Device*> dev = find(devices[i]);
      if (!dev) return dev.error();
      route.nexthops[i].device = *dev;
    }
    return {};
  }
};

Status NetworkSetup::make_links(const std::vector<std::string>& names) {
  Line line{router_, find_link_, made_, addressed_, sized_};
  for (const std::string& name : names) {
    if (Result<Device*> dev = line.make(name, DeviceKind::kEthernet, false); !dev) return dev.error();
    made_.insert(name);
  }
  return {};
}

Status NetworkSetup::apply(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  Line carry_out{router_, find_link_, made_, addressed_, sized_};
  for (const lab::NetworkLine& line : lines) {
    if (Status s = std::visit(carry_out, line.operation); !s)
      return error_at(file, line.line, s.error().text + " (" + line.text + ")");
  }
  return {};
}

}  // namespace nf
