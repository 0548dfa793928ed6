#include "datapath/router/link.h"

#include <cstring>
#include <utility>

#include "datapath/packet/gso.h"
#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {
namespace {

// Comparing arrays of 6 would call memcmp, once or twice per frame.
bool same(const MacAddress& a, const MacAddress& b) {
  uint32_t a4, b4;
  uint16_t a2, b2;
  std::memcpy(&a4, a.data(), sizeof a4);
  std::memcpy(&b4, b.data(), sizeof b4);
  std::memcpy(&a2, a.data() + sizeof a4, sizeof a2);
  std::memcpy(&b2, b.data() + sizeof b4, sizeof b2);
  return a4 == b4 && a2 == b2;
}

}  // namespace

bool Link::parse(Device& dev, PacketPtr& p) {
  p->dev = &dev;
  ++dev.rx_packets;
  dev.rx_bytes += p->length();
  p->protocol = 0;  // what comes in by lo has that of the packet sent
  r_.tell(*p, trace::Received{&dev, false});
  if (!dev.up) {
    r_.drop(std::move(p), DropReason::kDeviceDown);
    return false;
  }
  if (dev.kind == DeviceKind::kRawIp) {
    p->protocol = kEtherIpv4;
    p->type = PacketType::kHost;
    return true;
  }
  const EthernetHeader* eth = view<EthernetHeader>(std::as_const(*p).bytes());
  if (eth == nullptr) {
    r_.drop(std::move(p), DropReason::kTruncatedFrame);
    return false;
  }
  p->set_mac_header();
  p->protocol = eth->type.host();
  if (is_multicast(eth->destination)) {
    p->type = same(eth->destination, kBroadcastMac) ? PacketType::kBroadcast : PacketType::kMulticast;
  } else {
    p->type = same(eth->destination, dev.mac) || dev.kind == DeviceKind::kLoopback ? PacketType::kHost
                                                                                   : PacketType::kOtherHost;
  }
  p->pull(sizeof(EthernetHeader));
  // A tag and the type behind it (skb_vlan_untag); a PPPoE header and the protocol behind it, as bridges were seen to
  // want it.
  constexpr uint16_t kEtherPppoeSession = 0x8864;
  const bool vlan = p->protocol == kEtherVlan || p->protocol == kEtherServiceVlan;
  const uint32_t least = vlan ? 6 : p->protocol == kEtherPppoeSession ? 8 : 0;
  if (p->length() < least) {
    r_.drop(std::move(p), DropReason::kTruncatedFrame);
    return false;
  }
  return true;
}

void Link::deliver(PacketPtr p) {
  if (p->dev->master != nullptr) return r_.bridges().handle_frame(std::move(p));
  deliver_up(std::move(p));
}

void Link::deliver_up(PacketPtr p) {
  switch (p->protocol) {
    case kEtherIpv4:
      return r_.ip().rcv(std::move(p));
    case kEtherArp:
      return r_.arp_.rcv(std::move(p));
    default:
      return r_.drop(std::move(p), DropReason::kUnhandledProtocol);
  }
}

void Link::send(PacketPtr p, const Device& dev, const MacAddress& destination, const MacAddress& source,
                uint16_t type) {
  if (dev.kind != DeviceKind::kRawIp) {
    p->push(sizeof(EthernetHeader));
    p->set_mac_header();
    EthernetHeader& eth = p->mac();
    eth.destination = destination;
    eth.source = source;
    eth.type = be16(type);
  }
  p->protocol = type;
  transmit(std::move(p), dev);
}

void Link::transmit(PacketPtr p, const Device& dev) {
  p->dev = &dev;
  if (!dev.up) return r_.drop(std::move(p), DropReason::kDeviceDown);
  switch (dev.kind) {
    case DeviceKind::kLoopback: {
      r_.tell(*p, trace::Sent{&dev});
      Device& lo = r_.loopback();
      ++lo.tx_packets;
      lo.tx_bytes += p->length();
      return r_.enqueue_backlog(std::move(p));
    }
    case DeviceKind::kBridge:
      return r_.bridges().device_transmit(std::move(p), dev);
    case DeviceKind::kEthernet:
    case DeviceKind::kRawIp:
      return transmit_to_port(std::move(p), dev);
  }
}

void Link::transmit_to_port(PacketPtr p, const Device& dev) {
  Port* port = r_.port(dev);
  if (port == nullptr || !dev.running) return r_.drop(std::move(p), DropReason::kNoDevice);
  const uint32_t link_header = dev.kind == DeviceKind::kRawIp ? 0 : sizeof(EthernetHeader);
  Device& d = *r_.by_index_[static_cast<size_t>(dev.ifindex)];
  const auto hand_over = [&](PacketPtr frame) {
    ++d.tx_packets;
    d.tx_bytes += frame->length();
    r_.tell(*frame, trace::Sent{&dev});
    r_.pool().reset_ct(*frame);
    if (!port->send(std::move(frame))) {
      ++d.tx_dropped;
      ++r_.drops_[static_cast<size_t>(DropReason::kTxQueueFull)];
    }
  };
  const bool is_ip = p->protocol == kEtherIpv4;
  if (is_ip && p->gso != GsoType::kNone && !port->can_gso()) {
    MacAddress destination{}, source{};
    if (link_header != 0) {
      destination = p->mac().destination;
      source = p->mac().source;
    }
    p->pull(link_header);
    segment(std::move(p), r_.pool(), [&](PacketPtr s) {
      if (link_header != 0) {
        s->push(link_header);
        s->set_mac_header();
        s->mac() = EthernetHeader{destination, source, be16(kEtherIpv4)};
      }
      hand_over(std::move(s));
    });
    return;
  }
  if (is_ip && p->checksum == ChecksumState::kPartial && !port->can_checksum()) {
    p->pull(link_header);
    complete_checksum(*p);
    p->push(link_header);
  }
  hand_over(std::move(p));
}

}  // namespace nf
