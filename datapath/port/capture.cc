#include "datapath/port/capture.h"

#include <cstring>

namespace nf {
namespace {

// Linux cooked headers, https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and ..._SLL2.html
struct SllHeader {
  Be16 packet_type;
  Be16 arphrd;
  Be16 address_length;
  uint8_t address[8];
  Be16 protocol;
};
static_assert(sizeof(SllHeader) == 16);

struct Sll2Header {
  Be16 protocol;
  Be16 reserved;
  Be32 ifindex;
  Be16 arphrd;
  uint8_t packet_type;
  uint8_t address_length;
  uint8_t address[8];
};
static_assert(sizeof(Sll2Header) == 20);

constexpr uint16_t kArphrdNetlink = 824;  // its protocol field is a netlink family
constexpr uint32_t kLongest = PacketPool::kLarge - PacketPool::kHeadroom;
constexpr uint8_t kAfInet = 2;

struct Inner {
  CaptureSkip skip = CaptureSkip::kNone;
  size_t offset = 0;
  PacketType type = PacketType::kHost;
};

PacketType packet_type(unsigned v) { return v <= 4 ? static_cast<PacketType>(v) : PacketType::kHost; }

// Behind the cooked header, tags of VLAN frames included.
Inner cooked(std::span<const uint8_t> b, size_t offset, uint16_t protocol, uint16_t arphrd, unsigned type) {
  struct Tag {
    Be16 tci, protocol;
  };
  if (arphrd == kArphrdNetlink) return {.skip = CaptureSkip::kNotIpv4};
  while (protocol == kEtherVlan || protocol == 0x88a8) {
    const Tag* tag = view<Tag>(b, offset);
    if (tag == nullptr) return {.skip = CaptureSkip::kShortLinkHeader};
    protocol = tag->protocol.host();
    offset += sizeof *tag;
  }
  if (protocol != kEtherIpv4) return {.skip = CaptureSkip::kNotIpv4};
  return {.offset = offset, .type = packet_type(type)};
}

Inner find_inner(LinkType link, std::span<const uint8_t> b) {
  switch (link) {
    case LinkType::kEthernet:
      return {};
    case LinkType::kRaw:
    case LinkType::kIpv4:
    case LinkType::kIpv6:
      if (b.empty() || b[0] >> 4 != 4) return {.skip = CaptureSkip::kNotIpv4};
      return {};
    case LinkType::kNull:
    case LinkType::kLoop:
      // AF_INET is 2 everywhere, and small in either byte order.
      if (b.size() < 4) return {.skip = CaptureSkip::kShortLinkHeader};
      if ((b[0] | b[1] | b[2] | b[3]) != kAfInet || (b[0] != kAfInet && b[3] != kAfInet))
        return {.skip = CaptureSkip::kNotIpv4};
      return {.offset = 4};
    case LinkType::kLinuxSll: {
      const SllHeader* h = view<SllHeader>(b);
      if (h == nullptr) return {.skip = CaptureSkip::kShortLinkHeader};
      return cooked(b, sizeof *h, h->protocol.host(), h->arphrd.host(), h->packet_type.host());
    }
    case LinkType::kLinuxSll2: {
      const Sll2Header* h = view<Sll2Header>(b);
      if (h == nullptr) return {.skip = CaptureSkip::kShortLinkHeader};
      return cooked(b, sizeof *h, h->protocol.host(), h->arphrd.host(), h->packet_type);
    }
  }
  return {.skip = CaptureSkip::kNotIpv4};
}

}  // namespace

std::string_view link_type_name(LinkType t) {
  switch (t) {
    case LinkType::kNull:
      return "NULL";
    case LinkType::kEthernet:
      return "EN10MB";
    case LinkType::kRaw:
      return "RAW";
    case LinkType::kLoop:
      return "LOOP";
    case LinkType::kLinuxSll:
      return "LINUX_SLL";
    case LinkType::kIpv4:
      return "IPV4";
    case LinkType::kIpv6:
      return "IPV6";
    case LinkType::kLinuxSll2:
      return "LINUX_SLL2";
  }
  return {};
}

PacketPtr decode_capture(const CapturedPacket& captured, PacketPool& pool, CaptureSkip& why) {
  const Inner inner = find_inner(captured.link, captured.bytes);
  why = inner.skip;
  if (inner.skip != CaptureSkip::kNone) return nullptr;
  const std::span<const uint8_t> b = captured.bytes.subspan(inner.offset);
  if (b.size() > kLongest) {
    why = CaptureSkip::kTooLong;
    return nullptr;
  }
  const uint32_t length = static_cast<uint32_t>(b.size());
  PacketPtr p = pool.allocate(length);
  if (length != 0) std::memcpy(p->put(length), b.data(), length);
  p->type = inner.type;
  return p;
}

int cooked_ifindex(const CapturedPacket& captured) {
  if (captured.link != LinkType::kLinuxSll2) return 0;
  const Sll2Header* h = view<Sll2Header>(captured.bytes);
  return h == nullptr ? 0 : static_cast<int>(h->ifindex.host());
}

}  // namespace nf
