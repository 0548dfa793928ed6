#include "datapath/router/arp.h"

#include <algorithm>
#include <utility>

#include "datapath/router/router.h"

namespace nf {
namespace {

// Ethernet, and IEEE 802 as some stations call it (RFC 1042).
bool known_hardware(uint16_t type) { return type == 1 || type == 6; }
bool is_loopback(Be32 a) { return a.host() >> 24 == 127; }
bool is_multicast_ip(Be32 a) { return a.host() >> 28 == 14; }

}  // namespace

bool Arp::ignored(const Device& dev, Be32 sender, Be32 target) const {
  const int64_t mode = std::max(dev.conf.arp_ignore, r_.conf_all().arp_ignore);
  // twin: confirm_addr_indev
  const auto has = [&](const Device& on, Be32 neighbour, RouteScope widest) {
    bool found = false, same_subnet = neighbour.is_zero();
    for (const Address& a : r_.routing().addresses(on)) {
      found = found || (a.local == target && a.scope <= widest);
      const Be32 mask = prefix_mask(a.length);
      same_subnet = same_subnet || ((a.peer & mask) == (neighbour & mask) && (a.peer & mask) == (target & mask));
    }
    return found && same_subnet;
  };
  switch (mode) {
    case 1:
      if (!has(dev, Be32{}, RouteScope::kHost)) return true;
      break;
    case 2:
      if (!has(dev, sender, RouteScope::kHost)) return true;
      break;
    case 3: {
      const auto& devices = r_.devices();
      if (std::none_of(devices.begin(), devices.end(),
                       [&](const auto& d) { return has(*d, Be32{}, RouteScope::kLink); }))
        return true;
      break;
    }
    case 8:
      return true;
    default:
      break;
  }
  return false;
}

bool Arp::filtered(const Device& dev, Be32 sender, Be32 target) const {
  if (dev.conf.arp_filter == 0 && r_.conf_all().arp_filter == 0) return false;
  FlowKey key;
  key.destination = sender;
  key.source = target;
  Dst dst;
  Be32 chosen;
  return r_.routing().route_output(key, dst, chosen) != DropReason::kNone || dst.out != &dev;
}

void Arp::rcv(PacketPtr p) {
  const Device& dev = *p->dev;
  if (dev.no_arp || p->type == PacketType::kOtherHost) return r_.drop(std::move(p), DropReason::kArpIgnored);
  const ArpHeader* received = view<ArpHeader>(std::as_const(*p).bytes());
  if (received == nullptr || !known_hardware(received->hardware_type.host()) ||
      received->protocol_type.host() != kEtherIpv4 || received->hardware_length != 6 || received->protocol_length != 4)
    return r_.drop(std::move(p), DropReason::kArpMalformed);
  process(std::move(p), false);
}

void Arp::process(PacketPtr p, bool delayed) {
  const Device& dev = *p->dev;
  const ArpHeader arp = *view<ArpHeader>(std::as_const(*p).bytes());
  const uint16_t operation = arp.operation.host();
  if (operation != kArpRequest && operation != kArpReply) return r_.drop(std::move(p), DropReason::kArpMalformed);

  const bool local_net = dev.conf.route_localnet != 0 || r_.conf_all().route_localnet != 0;
  if (is_multicast_ip(arp.target_ip) || (!local_net && is_loopback(arp.target_ip)))
    return r_.drop(std::move(p), DropReason::kArpIgnored);

  const auto answer = [&] { send(kArpReply, dev, arp.sender_mac, arp.sender_ip, arp.target_ip, arp.sender_mac); };
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
      if (!ignored(dev, arp.sender_ip, arp.target_ip) && !filtered(dev, arp.sender_ip, arp.target_ip)) {
        neighbours.learn(dev, arp.sender_ip, arp.sender_mac, false, true, true, r_.now());
        answer();
      }
      return;
    }
    if (refused == DropReason::kNone && dst.type == RouteType::kUnicast && dev.conf.forwarding != 0 &&
        (dev.conf.proxy_arp != 0 || r_.conf_all().proxy_arp != 0) && dst.out != &dev) {
      neighbours.learn(dev, arp.sender_ip, arp.sender_mac, false, true, true, r_.now());
      // An answer for somebody else gives that one the chance to be quicker.
      if (delayed || p->type == PacketType::kHost) return answer();
      if (delayed_.size() >= kProxyQueue) return r_.drop(std::move(p), DropReason::kArpIgnored);
      const Time due = r_.now() + r_.random().below(kProxyDelay / kMillisecond) * kMillisecond;
      const auto at =
          std::upper_bound(delayed_.begin(), delayed_.end(), due, [](Time t, const Delayed& d) { return t < d.due; });
      delayed_.insert(at, Delayed{due, std::move(p)});
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

Time Arp::expire(Time now) {
  while (!delayed_.empty() && delayed_.front().due <= now) {
    PacketPtr p = std::move(delayed_.front().packet);
    delayed_.pop_front();
    if (p->dev->up) process(std::move(p), true);
  }
  return delayed_.empty() ? INT64_MAX : delayed_.front().due;
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
