#include "tools/capture/captured_frame.h"

#include <cstring>
#include <vector>

#include "datapath/packet/checksum.h"

namespace nf {
namespace {

constexpr MacAddress kNobody{0x02, 0, 0, 0, 0, 0x01};
constexpr MacAddress kSomebodyElse{0x02, 0, 0, 0, 0, 0x02};
constexpr MacAddress kEverybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr MacAddress kGroup{0x01, 0x00, 0x5e, 0, 0, 0x01};

// A bridge port's capture holds what the bridge itself sends there under the bridge's address.
bool sent_by(const Device& dev, const EthernetHeader& eth) {
  return eth.source == dev.mac || (dev.master != nullptr && eth.source == dev.master->mac);
}

MacAddress destination_of(const Device& dev, PacketType type) {
  switch (type) {
    case PacketType::kBroadcast:
      return kEverybody;
    case PacketType::kMulticast:
      return kGroup;
    case PacketType::kOtherHost:
      return kSomebodyElse;
    default:
      return dev.mac;
  }
}

void mark_super_packet(Packet& p, uint32_t network, uint32_t mtu) {
  const std::span<uint8_t> bytes = p.bytes().subspan(network);
  const auto* ip = view<Ipv4Header>(bytes);
  if (ip == nullptr || ip->protocol != kProtoTcp || ip->version_ihl >> 4 != 4) return;
  const uint32_t length = ip->total_length.host(), at = ip->header_length();
  if (length <= mtu || length != bytes.size() || (ip->fragment.host() & ~kIpDontFragment) != 0) return;
  if (at < sizeof *ip || at + sizeof(TcpHeader) > length) return;
  auto& tcp = *reinterpret_cast<TcpHeader*>(bytes.data() + at);
  const uint32_t header = at + (tcp.offset_reserved >> 4) * 4u;
  if (header < at + sizeof tcp || header >= mtu || header >= length) return;
  p.gso = GsoType::kTcpv4;
  p.gso_header = static_cast<uint16_t>(header);
  p.gso_size = static_cast<uint16_t>(mtu - header);
  p.checksum = ChecksumState::kPartial;
  tcp.checksum = Be16::from_raw(checksum_fold(checksum_pseudo(ip->source, ip->destination, kProtoTcp, length - at)));
}

}  // namespace

CapturedFrame captured_frame(const CapturedPacket& captured, const Device& dev, PacketPool& pool) {
  CapturedPacket whole = captured;
  std::vector<uint8_t> padded;
  constexpr uint32_t kLongest = 65535 + 64;  // an IPv4 packet behind any link header
  if (captured.truncated() && captured.original_length <= kLongest && !captured.bytes.empty()) {
    padded.assign(captured.original_length, 0);
    std::memcpy(padded.data(), captured.bytes.data(), captured.bytes.size());
    whole.bytes = padded;
  }
  CaptureSkip why;
  PacketPtr p = decode_capture(whole, pool, why);
  if (p == nullptr) {
    return {nullptr, why == CaptureSkip::kNotIpv4   ? LeftOut::kNotIpv4
                     : why == CaptureSkip::kTooLong ? LeftOut::kTooLong
                                                    : LeftOut::kBadFrame};
  }
  if (p->type == PacketType::kOutgoing) return {nullptr, LeftOut::kOwn};

  if (captured.link == LinkType::kEthernet) {
    const EthernetHeader* eth = view<EthernetHeader>(p->bytes());
    if (eth != nullptr && dev.kind == DeviceKind::kEthernet && sent_by(dev, *eth)) return {nullptr, LeftOut::kOwn};
    if (dev.kind == DeviceKind::kRawIp) {
      if (eth == nullptr) return {nullptr, LeftOut::kBadFrame};
      if (eth->type.host() != kEtherIpv4) return {nullptr, LeftOut::kNotIpv4};
      p->pull(sizeof *eth);
    }
  } else if (dev.kind == DeviceKind::kEthernet) {
    const EthernetHeader eth{destination_of(dev, p->type), kNobody, be16(kEtherIpv4)};
    std::memcpy(p->push(sizeof eth), &eth, sizeof eth);
  }
  p->type = PacketType::kHost;
  const bool ethernet = dev.kind == DeviceKind::kEthernet;
  const EthernetHeader* eth = ethernet ? view<EthernetHeader>(p->bytes()) : nullptr;
  if (!ethernet || (eth != nullptr && eth->type.host() == kEtherIpv4))
    mark_super_packet(*p, ethernet ? sizeof(EthernetHeader) : 0, dev.mtu);
  return {std::move(p), LeftOut::kNo};
}

}  // namespace nf
