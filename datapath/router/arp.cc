#include "datapath/router/arp.h"

#include <algorithm>
#include <utility>

#include "datapath/router/router.h"

namespace nf {
namespace {

bool is_loopback(Be32 a) { return a.host() >> 24 == 127; }
bool is_multicast_ip(Be32 a) { return a.host() >> 28 == 14; }

}  // namespace

bool Arp::ignored(const Device& dev, Be32 sender, Be32 target) const {
  const int64_t mode = std::max(dev.conf.arp_ignore, r_.conf_all().arp_ignore);
  const auto on_device = [&](bool same_subnet) {
    for (const Address& a : r_.routing().addresses(dev)) {
      if (a.local != target) continue;
      if (!same_subnet) return true;
      const Be32 mask = prefix_mask(a.length);
      if ((a.local & mask) == (sender & mask)) return true;
    }
    return false;
  };
  switch (mode) {
    case 0:
      return false;
    case 1:
      return !on_device(false);
    case 2:
      return !on_device(true);
    case 8:
      return true;
    default:
      return false;
  }
}

void Arp::rcv(PacketPtr p) {
  const Device& dev = *p->dev;
  if (dev.no_arp || p->type == PacketType::kOtherHost) return r_.drop(std::move(p), DropReason::kArpIgnored);
  const ArpHeader* received = view<ArpHeader>(std::as_const(*p).bytes());
  if (received == nullptr || received->hardware_type.host() != 1 || received->protocol_type.host() != kEtherIpv4 ||
      received->hardware_length != 6 || received->protocol_length != 4)
    return r_.drop(std::move(p), DropReason::kArpMalformed);
  const ArpHeader arp = *received;
  const uint16_t operation = arp.operation.host();
  if (operation != kArpRequest && operation != kArpReply) return r_.drop(std::move(p), DropReason::kArpMalformed);

  const bool local_net = dev.conf.route_localnet != 0 || r_.conf_all().route_localnet != 0;
  if (is_multicast_ip(arp.target_ip) || (!local_net && is_loopback(arp.target_ip)))
    return r_.drop(std::move(p), DropReason::kArpIgnored);

  const auto answer = [&] {
    send(kArpReply, dev, arp.sender_mac, arp.sender_ip, arp.target_ip, arp.sender_mac);
  };
  if (arp.sender_ip.is_zero()) {
    // Duplicate address detection (RFC 5227 probe).
    if (operation == kArpRequest && r_.address_type(arp.target_ip, nullptr) == RouteType::kLocal &&
        !ignored(dev, arp.sender_ip, arp.target_ip))
      answer();
    return;
  }

  NeighbourTable& neighbours = r_.neighbours();
  if (operation == kArpRequest) {
    Dst dst;
    const DropReason refused = r_.routing().route_input(arp.target_ip, arp.sender_ip, 0, 0, dev, dst);
    if (refused == DropReason::kNone && dst.type == RouteType::kLocal) {
      if (!ignored(dev, arp.sender_ip, arp.target_ip)) {
        neighbours.learn(dev, arp.sender_ip, arp.sender_mac, false, true, true, r_.now());
        answer();
      }
      return;
    }
    if (refused == DropReason::kNone && dst.type == RouteType::kUnicast && dev.conf.forwarding != 0 &&
        (dev.conf.proxy_arp != 0 || r_.conf_all().proxy_arp != 0) && dst.out != &dev) {
      neighbours.learn(dev, arp.sender_ip, arp.sender_mac, false, true, true, r_.now());
      answer();
      return;
    }
  }
  // twin: arp_is_garp
  const bool gratuitous = arp.sender_ip == arp.target_ip &&
                          (operation == kArpRequest || arp.target_mac == arp.sender_mac) &&
                          r_.address_type(arp.sender_ip, &dev) == RouteType::kUnicast;
  const bool reply_to_us = operation == kArpReply && p->type == PacketType::kHost;
  neighbours.learn(dev, arp.sender_ip, arp.sender_mac, reply_to_us, false, gratuitous, r_.now());
}

void Arp::solicit(const Device& dev, Be32 target, const MacAddress* known, const Packet* cause) {
  std::optional<Be32> source;
  const int64_t announce = std::max(dev.conf.arp_announce, r_.conf_all().arp_announce);
  if (cause != nullptr && announce < 2) {
    const Be32 from = cause->ip().source;
    if (r_.address_type(from, nullptr) == RouteType::kLocal) {
      bool usable = announce == 0;
      if (announce == 1) {
        for (const Address& a : r_.routing().addresses(dev))
          usable = usable || ((a.local & prefix_mask(a.length)) == (target & prefix_mask(a.length)) &&
                              (from & prefix_mask(a.length)) == (a.local & prefix_mask(a.length)));
      }
      if (usable) source = from;
    }
  }
  if (!source) source = r_.select_address(dev, target, RouteScope::kLink);
  send(kArpRequest, dev, known != nullptr ? *known : kBroadcastMac, target, source.value_or(Be32{}), MacAddress{});
}

void Arp::send(uint16_t operation, const Device& dev, const MacAddress& to, Be32 target_ip, Be32 sender_ip,
               const MacAddress& target_mac) {
  if (dev.no_arp) return;
  PacketPtr p = r_.pool().allocate(sizeof(ArpHeader));
  ArpHeader& arp = *reinterpret_cast<ArpHeader*>(p->put(sizeof(ArpHeader)));
  arp.hardware_type = be16(1);
  arp.protocol_type = be16(kEtherIpv4);
  arp.hardware_length = 6;
  arp.protocol_length = 4;
  arp.operation = be16(operation);
  arp.sender_mac = dev.mac;
  arp.sender_ip = sender_ip;
  arp.target_mac = target_mac;
  arp.target_ip = target_ip;
  p->type = PacketType::kOutgoing;
  r_.link().send(std::move(p), dev, to, dev.mac, kEtherArp);
}

}  // namespace nf
