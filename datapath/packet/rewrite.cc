#include "datapath/packet/rewrite.h"

#include <algorithm>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/pool.h"

namespace nf {
namespace {

// The checksum field of the transport header, or null when the protocol has none with a pseudo-header or the bytes
// are not there.
Be16* pseudo_checksum_field(Packet& p) {
  const Ipv4Header& ip = p.ip();
  if (ip.fragment_offset() != 0) return nullptr;
  switch (ip.protocol) {
    case kProtoTcp: {
      TcpHeader* tcp = view<TcpHeader>(p.transport());
      return tcp == nullptr ? nullptr : &tcp->checksum;
    }
    case kProtoUdp:
    case kProtoUdplite: {
      UdpHeader* udp = view<UdpHeader>(p.transport());
      return udp == nullptr ? nullptr : &udp->checksum;
    }
    default:
      return nullptr;
  }
}

bool udp_without_checksum(const Packet& p, const Be16& field) {
  return p.ip().protocol == kProtoUdp && field.raw() == 0 && p.checksum != ChecksumState::kPartial;
}

Be16 never_zero_for_udp(const Packet& p, Be16 value) {
  const uint8_t protocol = p.ip().protocol;
  const bool udp = protocol == kProtoUdp || protocol == kProtoUdplite;
  return udp && value.raw() == 0 ? be16(0xffff) : value;
}

}  // namespace

void set_address(Packet& p, ManipType which, Be32 address) {
  Ipv4Header& ip = p.ip();
  Be32& field = which == ManipType::kSource ? ip.source : ip.destination;
  const Be32 old = field;
  if (old == address) return;
  if (Be16* check = pseudo_checksum_field(p); check != nullptr && !udp_without_checksum(p, *check)) {
    if (p.checksum == ChecksumState::kPartial) {
      // The field holds an uncomplemented sum. twin: inet_proto_csum_replace4, CHECKSUM_PARTIAL branch
      const Sum sum = Sum{check->raw()} + static_cast<uint32_t>(~old.raw()) + address.raw();
      *check = Be16::from_raw(checksum_fold(sum));
    } else {
      *check = never_zero_for_udp(p, checksum_replace(*check, old, address));
    }
  }
  ip.checksum = checksum_replace(ip.checksum, old, address);
  field = address;
}

void set_port(Packet& p, ManipType which, Be16 port) {
  struct Ports {
    Be16 source, destination;
  };
  Ports* ports = view<Ports>(p.transport());
  if (ports == nullptr) return;
  Be16& field = which == ManipType::kSource ? ports->source : ports->destination;
  const Be16 old = field;
  if (old == port) return;
  field = port;
  if (p.checksum == ChecksumState::kPartial) return;  // ports are summed when the checksum is completed
  if (Be16* check = pseudo_checksum_field(p); check != nullptr && !udp_without_checksum(p, *check))
    *check = never_zero_for_udp(p, checksum_replace(*check, old, port));
}

void set_icmp_id(Packet& p, Be16 id) {
  IcmpHeader* icmp = view<IcmpHeader>(p.transport());
  if (icmp == nullptr) return;
  // Also when the id stays: a sum of 0xffff, of a message of zeros, becomes 0.
  icmp->checksum = checksum_replace(icmp->checksum, icmp->id, id);
  icmp->id = id;
}

void set_tcp_word(Packet& p, size_t offset, Be32 value) {
  // Whatever the packet is: an ICMP error may be taken for a segment (conntrack/seqadj.cc).
  Be32& field = *view<Be32>(p.transport(), offset);
  if (p.checksum != ChecksumState::kPartial) {
    Be16& check = view<TcpHeader>(p.transport())->checksum;
    check = checksum_replace(check, field, value);
  }
  field = value;
}

bool replace_payload(Packet& p, PacketPool& pool, uint8_t as, uint32_t offset, uint32_t length, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  const auto old_length = static_cast<uint16_t>(p.transport().size());
  if (size > length) {
    const uint32_t more = size - length;
    if (p.length() + more > 65535 || !pool.make_tailroom(p, more)) return false;
  }
  const uint32_t header = p.ip().header_length();
  const uint32_t rest = p.length() - header - offset - length;
  uint8_t* at = p.data() + header + offset;
  std::memmove(at + size, at + length, rest);
  std::copy(text.begin(), text.end(), at);
  if (size > length)
    p.put(size - length);
  else
    p.trim(p.length() - (length - size));

  Ipv4Header& ip = p.ip();
  ip.total_length = be16(static_cast<uint16_t>(p.length()));
  ip_send_check(ip);
  const auto new_length = static_cast<uint16_t>(p.transport().size());
  if (as == kProtoUdp) {
    UdpHeader& udp = *view<UdpHeader>(p.transport());
    udp.length = be16(new_length);
    if (udp.checksum.raw() == 0 && p.checksum != ChecksumState::kPartial) return true;
  }
  Be16& check = as == kProtoUdp ? view<UdpHeader>(p.transport())->checksum : view<TcpHeader>(p.transport())->checksum;
  if (p.checksum == ChecksumState::kPartial) {
    const Sum sum = Sum{check.raw()} + static_cast<uint16_t>(~be16(old_length).raw()) + be16(new_length).raw();
    check = Be16::from_raw(checksum_fold(sum));
    return true;
  }
  check = Be16::from_raw(checksum_fold(checksum_pseudo(ip.source, ip.destination, as, new_length)));
  p.checksum = ChecksumState::kPartial;
  if (ip.protocol == as) return true;
  // Where complete_checksum() would not look for it.
  const Be16 sum = checksum_finish(checksum_add(p.transport()));
  check = sum.raw() == 0 ? Be16::from_raw(0xffff) : sum;
  p.checksum = ChecksumState::kUnnecessary;
  return true;
}

void set_ttl(Packet& p, uint8_t ttl) {
  Ipv4Header& ip = p.ip();
  const Be16 from = be16(static_cast<uint16_t>(ip.ttl << 8 | ip.protocol));
  const Be16 to = be16(static_cast<uint16_t>(ttl << 8 | ip.protocol));
  ip.checksum = checksum_replace(ip.checksum, from, to);
  ip.ttl = ttl;
}

void decrease_ttl(Packet& p) {
  // ip_decrease_ttl adds 0x0100 with end-around carry, which differs from RFC 1624 eqn. 3 in how it writes zero.
  Ipv4Header& ip = p.ip();
  uint32_t check = ip.checksum.raw();
  check += be16(0x0100).raw();
  ip.checksum = Be16::from_raw(static_cast<uint16_t>(check + (check >= 0xffff)));
  --ip.ttl;
}

void set_tos(Packet& p, uint8_t tos) {
  Ipv4Header& ip = p.ip();
  const Be16 from = be16(static_cast<uint16_t>(ip.version_ihl << 8 | ip.tos));
  const Be16 to = be16(static_cast<uint16_t>(ip.version_ihl << 8 | tos));
  ip.checksum = checksum_replace(ip.checksum, from, to);
  ip.tos = tos;
}

bool transport_checksum_ok(const Packet& p) {
  if (p.checksum != ChecksumState::kNone) return true;
  const Ipv4Header& ip = p.ip();
  const std::span<const uint8_t> l4 = p.transport();
  switch (ip.protocol) {
    case kProtoIcmp:
      return checksum_fold(checksum_add(l4)) == 0xffff;
    case kProtoUdp: {
      const UdpHeader* udp = view<UdpHeader>(l4);
      if (udp != nullptr && udp->checksum.raw() == 0) return true;
      [[fallthrough]];
    }
    case kProtoTcp: {
      const Sum pseudo = checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(l4.size()));
      return checksum_fold(checksum_add(l4, pseudo)) == 0xffff;
    }
    default:
      return true;
  }
}

bool netfilter_checksum_ok(const Packet& p) {
  if (p.checksum != ChecksumState::kNone) return true;
  const Ipv4Header& ip = p.ip();
  Sum start = 0;
  if (ip.protocol == kProtoTcp || ip.protocol == kProtoUdp)
    start = checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(p.transport().size()));
  return checksum_fold(checksum_add(p.bytes(), start)) == 0xffff;
}

bool verify_transport_checksum(Packet& p) {
  if (p.checksum != ChecksumState::kNone) return true;
  if (!transport_checksum_ok(p)) return false;
  p.checksum = ChecksumState::kUnnecessary;
  return true;
}

void complete_checksum(Packet& p) {
  if (p.checksum != ChecksumState::kPartial) return;
  p.checksum = ChecksumState::kUnnecessary;
  if (Be16* check = pseudo_checksum_field(p); check != nullptr) {
    const Be16 sum = checksum_finish(checksum_add(p.transport()));
    *check = sum.raw() == 0 ? Be16::from_raw(0xffff) : sum;  // TCP's, too. twin: skb_checksum_help, CSUM_MANGLED_0
  }
}

void fill_transport_checksum(Packet& p) {
  const Ipv4Header& ip = p.ip();
  if (ip.protocol == kProtoIcmp) {
    if (IcmpHeader* icmp = view<IcmpHeader>(p.transport()); icmp != nullptr) {
      icmp->checksum = Be16{};
      icmp->checksum = checksum_finish(checksum_add(p.transport()));
    }
  } else if (Be16* check = pseudo_checksum_field(p); check != nullptr) {
    *check = Be16{};
    const Sum pseudo =
        checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(p.transport().size()));
    *check = never_zero_for_udp(p, checksum_finish(checksum_add(p.transport(), pseudo)));
  }
  p.checksum = ChecksumState::kUnnecessary;
}

}  // namespace nf
