#include "datapath/port/virtio_net.h"

#include <cstring>

#include "datapath/base/crc32c.h"
#include "datapath/packet/checksum.h"

namespace nf {
namespace {

using V = VirtioNetHeader;

constexpr uint16_t kEtherQinQ = 0x88a8;
constexpr size_t kIpv6HeaderLength = 40;

// Next header values of IPv6 that are followed by (next header, length) themselves. RFC 8200, 4.1.
constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestinationOptions = 60;

uint16_t load16(std::span<const uint8_t> b, size_t at) { return static_cast<uint16_t>(b[at] << 8 | b[at + 1]); }

struct Network {
  size_t transport;
  uint8_t protocol;
};

std::optional<Network> skip_ipv4(std::span<const uint8_t> frame, size_t at) {
  const Ipv4Header* ip = view<Ipv4Header>(frame, at);
  if (ip == nullptr || ip->header_length() < sizeof(Ipv4Header) || ip->fragment_offset() != 0) return std::nullopt;
  return Network{at + ip->header_length(), ip->protocol};
}

std::optional<Network> skip_ipv6(std::span<const uint8_t> frame, size_t at) {
  if (at + kIpv6HeaderLength > frame.size()) return std::nullopt;
  uint8_t next = frame[at + 6];
  at += kIpv6HeaderLength;
  while (next == kHopByHop || next == kRouting || next == kDestinationOptions || next == kFragment) {
    if (at + 8 > frame.size()) return std::nullopt;
    if (next == kFragment && (load16(frame, at + 2) & 0xfff8) != 0) return std::nullopt;
    const size_t length = next == kFragment ? 8 : (size_t{frame[at + 1]} + 1) * 8;
    next = frame[at];
    at += length;
  }
  return Network{at, next};
}

// The pseudo-header's sum into the checksum field, as CHECKSUM_PARTIAL has it.
void make_partial(Packet& p, const TransportPlace& place) {
  if (place.ipv6) return;
  const std::span<uint8_t> frame = p.bytes();
  const Ipv4Header& ip = *view<Ipv4Header>(frame, place.network);
  const Sum pseudo =
      checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(frame.size() - place.transport));
  *view<Be16>(frame, size_t{place.transport} + place.checksum_field) = Be16::from_raw(checksum_fold(pseudo));
  p.checksum = ChecksumState::kPartial;
}

// The field's offset says which checksum it is: SCTP's CRC stands at 8, where neither TCP nor UDP has a checksum.
constexpr size_t kSctpChecksumField = 8;

// twin: skb_checksum_help, skb_crc32c_csum_help
bool complete_at(std::span<uint8_t> frame, size_t start, size_t field) {
  if (field == kSctpChecksumField) {
    if (start + field + 4 > frame.size()) return false;
    uint8_t* crc = frame.data() + start + field;
    std::memset(crc, 0, 4);
    const uint32_t value = crc32c(frame.subspan(start));
    for (unsigned i = 0; i < 4; ++i) crc[i] = static_cast<uint8_t>(value >> 8 * i);  // RFC 9260, appendix A
    return true;
  }
  Be16* check = view<Be16>(frame, start + field);
  if (check == nullptr) return false;
  const Be16 value = checksum_finish(checksum_add(std::span<const uint8_t>(frame).subspan(start)));
  *check = value.raw() == 0 ? be16(0xffff) : value;
  return true;
}

}  // namespace

std::optional<TransportPlace> locate_transport(std::span<const uint8_t> frame, bool ethernet) {
  size_t at = 0;
  uint16_t type = kEtherIpv4;
  if (ethernet) {
    at = sizeof(EthernetHeader);
    if (frame.size() < at) return std::nullopt;
    type = load16(frame, 12);
    while (type == kEtherVlan || type == kEtherQinQ) {
      if (frame.size() < at + 4) return std::nullopt;
      type = load16(frame, at + 2);
      at += 4;
    }
  } else if (!frame.empty() && frame[0] >> 4 == 6) {
    type = kEtherIpv6;
  }
  const std::optional<Network> network = type == kEtherIpv4   ? skip_ipv4(frame, at)
                                         : type == kEtherIpv6 ? skip_ipv6(frame, at)
                                                              : std::nullopt;
  if (!network) return std::nullopt;

  size_t header;
  const bool tcp = network->protocol == kProtoTcp;
  if (tcp) {
    const TcpHeader* h = view<TcpHeader>(frame, network->transport);
    if (h == nullptr || h->header_length() < sizeof(TcpHeader)) return std::nullopt;
    header = h->header_length();
  } else if (network->protocol == kProtoUdp) {
    header = sizeof(UdpHeader);
  } else {
    return std::nullopt;
  }
  if (network->transport + header > frame.size()) return std::nullopt;
  return TransportPlace{.network = static_cast<uint16_t>(at),
                        .transport = static_cast<uint16_t>(network->transport),
                        .payload = static_cast<uint16_t>(network->transport + header),
                        .checksum_field = static_cast<uint16_t>(tcp ? 16 : 6),
                        .ipv6 = type == kEtherIpv6,
                        .tcp = tcp};
}

void apply_virtio_header(const VirtioNetHeader& header, Packet& p, bool ethernet, bool intact) {
  const bool partial = (header.flags & V::kNeedsChecksum) != 0;
  const uint8_t gso = header.gso_type & static_cast<uint8_t>(~V::kGsoEcn);
  if (!partial && gso == V::kGsoNone) {
    if ((header.flags & V::kDataValid) != 0) p.checksum = ChecksumState::kUnnecessary;
    return;
  }
  const std::optional<TransportPlace> place = locate_transport(p.bytes(), ethernet);
  if (!partial) {
    if ((header.flags & V::kDataValid) != 0) p.checksum = ChecksumState::kUnnecessary;
  } else if (place && header.checksum_start == place->transport && header.checksum_offset == place->checksum_field) {
    p.checksum = ChecksumState::kPartial;
  } else if (intact && complete_at(p.bytes(), header.checksum_start, header.checksum_offset)) {
    p.checksum = ChecksumState::kUnnecessary;
  }
  if (!place || header.gso_size == 0) return;
  switch (gso) {
    case V::kGsoTcpv4:
    case V::kGsoTcpv6:
      if (!place->tcp) return;
      p.gso = GsoType::kTcpv4;
      break;
    case V::kGsoUdpL4:
      if (place->tcp) return;
      p.gso = GsoType::kUdpL4;
      break;
    default:
      return;
  }
  p.gso_ecn = (header.gso_type & V::kGsoEcn) != 0;
  p.gso_size = header.gso_size;
  p.gso_header = static_cast<uint16_t>(place->payload - place->network);
}

VirtioNetHeader make_virtio_header(Packet& p, bool ethernet) {
  VirtioNetHeader header{};
  if (p.checksum != ChecksumState::kPartial && p.gso == GsoType::kNone) return header;
  const std::optional<TransportPlace> place = locate_transport(p.bytes(), ethernet);
  if (!place) return header;
  if (p.gso != GsoType::kNone && p.checksum != ChecksumState::kPartial) make_partial(p, *place);
  if (p.checksum == ChecksumState::kPartial) {
    header.flags = V::kNeedsChecksum;
    header.checksum_start = place->transport;
    header.checksum_offset = place->checksum_field;
  }
  if (p.gso != GsoType::kNone) {
    header.gso_size = p.gso_size;
    header.header_length = place->payload;
    header.gso_type = p.gso == GsoType::kUdpL4 ? V::kGsoUdpL4 : place->ipv6 ? V::kGsoTcpv6 : V::kGsoTcpv4;
    if (p.gso_ecn) header.gso_type |= V::kGsoEcn;
  }
  return header;
}

}  // namespace nf
