#include "datapath/bridge/fdb.h"

#include <algorithm>

namespace nf {

Bridge::Bridge(Device& device, const BridgeOptions& options)
    : device_(device), options_(options), fdb_(options.hash_seed) {}

void Bridge::add_port(const BridgePort& port) {
  ports_.insert(ports_.begin(), port);
  fdb_.erase(port.device->mac);
}

void Bridge::remove_port(const Device& dev) {
  std::erase_if(ports_, [&dev](const BridgePort& p) { return p.device == &dev; });
  fdb_.erase_if([&dev](const FdbEntry& e) { return e.port == &dev; });
}

void Bridge::port_down(const Device& dev) {
  const bool all = &dev == &device_;
  fdb_.erase_if([&dev, all](const FdbEntry& e) { return !e.is_static && (all || e.port == &dev); });
}

void Bridge::address_changed(const Device& dev) { fdb_.erase(dev.mac); }

const BridgePort* Bridge::port(const Device& dev) const {
  const auto it = std::find_if(ports_.begin(), ports_.end(), [&dev](const BridgePort& p) { return p.device == &dev; });
  return it == ports_.end() ? nullptr : &*it;
}

BridgePort* Bridge::port(const Device& dev) { return const_cast<BridgePort*>(std::as_const(*this).port(dev)); }

std::optional<MacAddress> Bridge::automatic_address() const {
  std::optional<MacAddress> smallest;
  for (const BridgePort& p : ports_) {
    if (!smallest || p.device->mac < *smallest) smallest = p.device->mac;
  }
  return smallest;
}

bool Bridge::forwarding(const BridgePort& port) const { return device_.up && port.device->up && port.device->running; }

const BridgePort* Bridge::port_with_address(const MacAddress& mac) const {
  // Among ports with one address the oldest owns the entry. twin: fdb_add_local
  const auto it =
      std::find_if(ports_.rbegin(), ports_.rend(), [&mac](const BridgePort& p) { return p.device->mac == mac; });
  return it == ports_.rend() ? nullptr : &*it;
}

Bridge::Arrival Bridge::arrive(const MacAddress& source, const MacAddress& destination) {
  if (is_multicast(source) || source == MacAddress{}) return Arrival::kDrop;
  constexpr std::array<uint8_t, 5> kGroup{0x01, 0x80, 0xc2, 0x00, 0x00};
  if (!std::equal(kGroup.begin(), kGroup.end(), destination.begin()) || destination[5] > 0x0f) return Arrival::kBridge;
  switch (destination[5]) {
    case 0x00:
      return Arrival::kBridge;  // without STP the bridge group address is forwarded, so that loops are seen elsewhere
    case 0x01:
      return Arrival::kDrop;
    default:
      return Arrival::kPortOnly;
  }
}

void Bridge::learn(const MacAddress& source, const Device& port, Time now) {
  if (options_.ageing_time == 0 || is_multicast(source) || source == MacAddress{}) return;
  BridgePort* p = this->port(port);
  if (p == nullptr || !p->learning || !forwarding(*p)) return;
  if (FdbEntry* e = fdb_.find(source); e != nullptr) {
    e->port = p->device;
    e->updated = now;
    return;
  }
  if (is_local(source)) return;
  fdb_.insert({source, false, p->device, now});
}

void Bridge::add_static(const MacAddress& mac, const Device& port) {
  BridgePort* p = this->port(port);
  if (p == nullptr || is_local(mac)) return;
  fdb_.erase(mac);
  fdb_.insert({mac, true, p->device, 0});
}

Bridge::Decision Bridge::decide(const MacAddress& destination, Time now) const {
  using Kind = Decision::Kind;
  if (is_multicast(destination)) return {Kind::kFlood, nullptr, true};
  if (destination == device_.mac) return {Kind::kLocal};  // first, because all routed traffic comes here
  if (const FdbEntry* e = fdb_.find(destination); e != nullptr && !expired(*e, now)) return {Kind::kForward, e->port};
  if (const BridgePort* p = port_with_address(destination); p != nullptr) return {Kind::kLocal, p->device};
  return {Kind::kFlood};
}

bool Bridge::should_deliver(const Device* in, const BridgePort& out) const {
  if (!forwarding(out)) return false;
  if (in == nullptr) return true;
  if (in == out.device && !out.hairpin) return false;
  if (!out.isolated) return true;
  const BridgePort* from = port(*in);
  return from == nullptr || !from->isolated;
}

bool Bridge::should_flood(const Device* in, const BridgePort& out, const MacAddress& destination) const {
  const bool own = in == nullptr;
  const bool allowed = destination == kBroadcastMac ? out.broadcast_flood || own
                       : is_multicast(destination)  ? out.multicast_flood || own
                                                    : out.flood;
  return allowed && should_deliver(in, out);
}

void Bridge::sweep(Time now) {
  fdb_.erase_if([this, now](const FdbEntry& e) { return expired(e, now); });
}

}  // namespace nf
