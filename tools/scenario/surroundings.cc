#include "tools/scenario/surroundings.h"

#include <algorithm>
#include <variant>

#include "tools/backend/station.h"

namespace nf::scenario {

struct Surroundings::Change {
  Surroundings& s;

  void operator()(const lab::LinkAdd& op) {
    settings(op.name, op.settings);
    settings(op.peer, op.peer_settings);
  }
  void operator()(const lab::LinkSet& op) { settings(op.device, op.settings); }
  void operator()(const lab::LinkDelete& op) {
    std::erase_if(s.own_, [&](const Own& o) { return o.device == op.device; });
    std::erase_if(s.master_, [&](const auto& m) { return m.first == op.device || m.second == op.device; });
  }
  void operator()(const lab::AddressAdd& op) {
    const uint32_t local = op.address.local.host();
    const Be32 peer = op.address.peer.is_zero() ? op.address.local : op.address.peer;
    s.own_.push_back({local, (peer & prefix_mask(op.address.length)).host(), op.address.length, op.device});
  }
  void operator()(const lab::AddressDelete& op) {
    std::erase_if(s.own_, [&](const Own& o) {
      return o.device == op.device && o.address == op.address.local.host() &&
             (op.any_length || o.length == op.address.length);
    });
  }
  template <class Other>
  void operator()(const Other&) {}

  void settings(const std::string& device, const lab::LinkSettings& settings) {
    if (device.empty()) return;
    if (settings.address) s.macs_[device] = *settings.address;
    if (settings.master && settings.master->empty())
      s.master_.erase(device);
    else if (settings.master)
      s.master_[device] = *settings.master;
  }
};

void Surroundings::apply(const std::vector<lab::NetworkLine>& lines) {
  Change change{*this};
  for (const lab::NetworkLine& line : lines) std::visit(change, line.operation);
}

const std::string& Surroundings::device_of(int port) const {
  const auto bridge = master_.find(port_name(port));
  return bridge != master_.end() ? bridge->second : port_name(port);
}

// A bridge without an address of its own has the smallest of its ports'. twin: br_stp_recalculate_bridge_id
MacAddress Surroundings::device_mac(int port) const {
  const std::string& device = device_of(port);
  if (const auto given = macs_.find(device); given != macs_.end()) return given->second;
  if (device == port_name(port)) return ports_[static_cast<size_t>(port)].mac;
  MacAddress smallest = kBroadcastMac;
  for (const BackendPort& p : ports_) {
    const auto bridge = master_.find(p.name);
    if (bridge == master_.end() || bridge->second != device) continue;
    const auto given = macs_.find(p.name);
    smallest = std::min(smallest, given != macs_.end() ? given->second : p.mac);
  }
  return smallest;
}

MacAddress Surroundings::destination_mac(int port, uint32_t destination) const {
  if (destination == UINT32_MAX) return kBroadcastMac;
  if (destination >> 28 == 14)  // RFC 1112, 6.4
    return {1,
            0,
            0x5e,
            static_cast<uint8_t>(destination >> 16 & 0x7f),
            static_cast<uint8_t>(destination >> 8),
            static_cast<uint8_t>(destination)};
  const std::string& device = device_of(port);
  const bool bridged = device != port_name(port);
  bool in_network = true, addressed = false, own = false;
  for (const Own& o : own_) {
    own = own || o.address == destination;
    if (o.device != device) continue;
    const uint32_t mask = prefix_mask(o.length).host();
    if (!addressed) in_network = false;
    addressed = true;
    if ((destination & mask) != o.network) continue;
    if (o.length < 31 && (destination | mask) == UINT32_MAX && destination != o.address) return kBroadcastMac;
    in_network = true;
  }
  return bridged && in_network && !own ? station_mac(be32(destination)) : device_mac(port);
}

uint32_t Surroundings::own_address(int port) const {
  const std::string& device = device_of(port);
  const auto first = std::find_if(own_.begin(), own_.end(), [&](const Own& o) { return o.device == device; });
  return first == own_.end() ? 0 : first->address;
}

void Surroundings::sends(int port, uint32_t source) { stations_[source] = port; }

std::optional<std::vector<uint8_t>> Surroundings::arp_reply(int port, std::span<const uint8_t> frame) {
  const ArpHeader* request = arp_request(frame);
  if (request == nullptr || request->target_ip == request->sender_ip) return std::nullopt;
  const auto [known, fresh] = stations_.emplace(request->target_ip.host(), port);
  if (!fresh && known->second != port && device_of(known->second) == device_of(port)) return std::nullopt;
  known->second = port;
  return arp_answer(*request, station_mac(request->target_ip));
}

bool is_arp(std::span<const uint8_t> frame) {
  const EthernetHeader* h = view<EthernetHeader>(frame);
  return h != nullptr && h->type == be16(kEtherArp);
}

}  // namespace nf::scenario
