#include "datapath/port/responder.h"

#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"

namespace nf {
namespace {

constexpr uint8_t kDefaultTtl = 64;
constexpr uint8_t kEcnBits = 3;
constexpr uint8_t kProtoPim = 103;
constexpr uint8_t kLastIcmpType = 18;  // NR_ICMP_TYPES
constexpr uint8_t kProtocolUnreachable = 2, kPortUnreachable = 3;
constexpr Duration kJiffy = 4 * kMillisecond;
constexpr int64_t kMillisecondsPerDay = 86'400'000;

bool for_many(const Packet& p) {
  return p.dst.valid() && (p.dst.type == RouteType::kBroadcast || p.dst.type == RouteType::kMulticast);
}

// Whether TCP options let a reset be sent: as far as an MD5 signature could stand in them (RFC 2385) they must be
// readable, and have none and no AO (RFC 5925), since nobody here has a key. twin: tcp_do_parse_auth_options,
// tcp_v4_send_reset
bool can_be_reset(std::span<const uint8_t> options) {
  constexpr uint8_t kEnd = 0, kNop = 1, kMd5 = 19, kAo = 29;
  constexpr size_t kMd5Length = 18;
  while (options.size() >= kMd5Length) {
    const uint8_t kind = options[0];
    if (kind == kEnd) return true;
    size_t length = 1;
    if (kind != kNop) {
      length = options[1];
      if (kind == kMd5 || kind == kAo || length < 2 || length > options.size()) return false;
    }
    options = options.subspan(length);
  }
  return true;
}

}  // namespace

void Responder::deliver(PacketPtr p, Time now) {
  DropReason reason = DropReason::kNone;
  switch (p->ip().protocol) {
    case kProtoIcmp:
      reason = icmp(*p, now);
      break;
    case kProtoTcp:
      reason = tcp(*p);
      break;
    case kProtoUdp:
      reason = udp(*p);
      break;
    case kProtoUdplite:
      reason = udplite(*p);
      break;
    case kProtoIgmp:
    case kProtoPim:
      reason = DropReason::kNoSocket;
      break;
    default:
      reason = DropReason::kNoProtocol;
      if (icmp_error_) icmp_error_(*p, kIcmpUnreachable, kProtocolUnreachable, 0);
  }
  if (reason != DropReason::kNone) ++drops_[static_cast<size_t>(reason)];
}

DropReason Responder::icmp(const Packet& p, Time now) {
  if (!transport_checksum_ok(p)) return DropReason::kTransportChecksum;
  const std::span<const uint8_t> request = p.transport();
  const IcmpHeader* header = view<IcmpHeader>(request);
  if (header == nullptr) return DropReason::kTransportHeader;
  if (header->type > kLastIcmpType) return DropReason::kNoProtocol;
  const bool echo = header->type == kIcmpEcho;
  // Errors and replies are for sockets, of which there are none.
  if ((!echo && header->type != kIcmpTimestamp) || for_many(p)) return DropReason::kNoSocket;

  if (!echo && request.size() < sizeof(IcmpHeader) + 4) return DropReason::kTransportHeader;
  const uint32_t length = echo ? static_cast<uint32_t>(request.size()) : sizeof(IcmpHeader) + 12;
  PacketPtr reply = make_reply(p, kProtoIcmp, p.ip().tos, length);
  reply->ip().id = be16(next_id_ ? next_id_(reply->ip()) : next_id(reply->ip(), now));
  uint8_t* const l4 = reply->transport().data();
  std::memcpy(l4, request.data(), echo ? length : sizeof(IcmpHeader) + 4);
  IcmpHeader& answer = *view<IcmpHeader>(reply->transport());
  if (echo) {
    answer.type = kIcmpEchoReply;  // the code stays
  } else {
    answer.type = kIcmpTimestampReply;
    answer.code = 0;
    // Milliseconds since midnight UT, received and sent at once (RFC 792).
    const Be32 time = be32(static_cast<uint32_t>(now / kMillisecond % kMillisecondsPerDay));
    std::memcpy(l4 + 12, &time, sizeof time);
    std::memcpy(l4 + 16, &time, sizeof time);
  }
  finish(p, std::move(reply));
  return DropReason::kNone;
}

DropReason Responder::tcp(const Packet& p) {
  if (p.type != PacketType::kHost) return DropReason::kNoSocket;
  const std::span<const uint8_t> segment = p.transport();
  const TcpHeader* header = view<TcpHeader>(segment);
  if (header == nullptr || header->header_length() < sizeof(TcpHeader) || header->header_length() > segment.size())
    return DropReason::kTransportHeader;
  if (!transport_checksum_ok(p)) return DropReason::kTransportChecksum;
  if ((header->flags & kTcpRst) != 0 || (p.dst.valid() && p.dst.type != RouteType::kLocal))
    return DropReason::kNoSocket;
  if (!can_be_reset(segment.first(header->header_length()).subspan(sizeof(TcpHeader)))) return DropReason::kNoSocket;

  const TcpHeader& th = *header;
  PacketPtr reply = make_reply(p, kProtoTcp, static_cast<uint8_t>(p.ip().tos & ~kEcnBits), sizeof(TcpHeader));
  reply->ip().fragment = be16(kIpDontFragment);
  TcpHeader& rst = *view<TcpHeader>(reply->transport());
  rst = TcpHeader{};
  rst.source = th.destination;
  rst.destination = th.source;
  rst.offset_reserved = sizeof(TcpHeader) / 4 << 4;
  rst.flags = kTcpRst;
  if ((th.flags & kTcpAck) != 0) {
    rst.sequence = th.acknowledgment;
  } else {
    const uint32_t taken = ((th.flags & kTcpSyn) != 0) + ((th.flags & kTcpFin) != 0) +
                           static_cast<uint32_t>(segment.size()) - th.header_length();
    rst.flags |= kTcpAck;
    rst.acknowledgment = be32(th.sequence.host() + taken);
  }
  finish(p, std::move(reply));
  return DropReason::kNoSocket;
}

DropReason Responder::udp(Packet& p) {
  const UdpHeader* header = view<UdpHeader>(p.transport());
  if (header == nullptr) return DropReason::kTransportHeader;
  const uint32_t length = header->length.host();
  if (length > p.transport().size() || length < sizeof(UdpHeader)) {
    // A super-packet's length field may be anything; its real length is the frame's.
    if (p.gso != GsoType::kUdpL4) return DropReason::kTransportHeader;
  } else {
    // That the whole packet summed up says nothing about its beginning. twin: pskb_trim_rcsum
    if (length < p.transport().size() && p.checksum == ChecksumState::kUnnecessary && p.type != PacketType::kLoopback)
      p.checksum = ChecksumState::kNone;
    p.trim(p.ip().header_length() + length);
  }
  if (for_many(p)) return DropReason::kNoSocket;
  if (!transport_checksum_ok(p)) return DropReason::kTransportChecksum;
  if (icmp_error_) icmp_error_(p, kIcmpUnreachable, kPortUnreachable, 0);
  return DropReason::kNoSocket;
}

// twin: udplite_checksum_init, include/net/udplite.h
DropReason Responder::udplite(const Packet& p) {
  const std::span<const uint8_t> datagram = p.transport();
  const UdpHeader* header = view<UdpHeader>(datagram);
  if (header == nullptr) return DropReason::kTransportHeader;
  if (header->checksum.raw() == 0) return DropReason::kTransportChecksum;  // it is mandatory (RFC 3828, 3.1)
  const size_t field = header->length.host();
  if ((field != 0 && field < sizeof(UdpHeader)) || field > datagram.size()) return DropReason::kTransportHeader;
  if (for_many(p)) return DropReason::kNoSocket;
  if (p.checksum == ChecksumState::kNone) {
    const size_t coverage = field == 0 ? datagram.size() : field;
    const Sum pseudo =
        checksum_pseudo(p.ip().source, p.ip().destination, kProtoUdplite, static_cast<uint32_t>(datagram.size()));
    if (checksum_fold(checksum_add(datagram.first(coverage), pseudo)) != 0xffff) return DropReason::kTransportChecksum;
  }
  if (icmp_error_) icmp_error_(p, kIcmpUnreachable, kPortUnreachable, 0);
  return DropReason::kNoSocket;
}

PacketPtr Responder::make_reply(const Packet& to, uint8_t protocol, uint8_t tos, uint32_t transport_length) {
  const uint32_t length = static_cast<uint32_t>(sizeof(Ipv4Header)) + transport_length;
  PacketPtr reply = pool_.allocate(length);
  reply->put(length);
  reply->protocol = kEtherIpv4;
  Ipv4Header& ip = reply->ip();
  ip = Ipv4Header{};
  ip.version_ihl = 0x45;
  ip.tos = tos;
  ip.total_length = be16(static_cast<uint16_t>(length));
  ip.ttl = default_ttl_ ? default_ttl_() : kDefaultTtl;
  ip.protocol = protocol;
  ip.source = to.ip().destination;
  ip.destination = to.ip().source;
  return reply;
}

void Responder::finish(const Packet& to, PacketPtr reply) {
  fill_transport_checksum(*reply);
  if (reply->ip().protocol == kProtoIcmp) {
    // The kernel's copy-and-sum starts from ~0, so that even all zeros sum to 0xffff: it never writes 0xffff.
    IcmpHeader& icmp = *view<IcmpHeader>(reply->transport());
    if (icmp.checksum == be16(0xffff)) icmp.checksum = Be16{};
  }
  ip_send_check(reply->ip());
  if (reply_)
    reply_(to, std::move(reply));
  else
    emit(std::move(reply));
}

// twin: __ip_select_ident and ip_idents_reserve: a counter per (addresses, protocol) bucket that also moves on by
// chance with time.
uint16_t Responder::next_id(const Ipv4Header& ip, Time now) {
  const uint64_t mixed =
      (uint64_t{ip.destination.raw()} << 32 | ip.source.raw()) * 0x9e3779b97f4a7c15 + ip.protocol * 0xff51afd7ed558ccd;
  IdBucket& bucket = ids_[mixed >> 56];
  const int64_t jiffies = now / kJiffy;
  if (!bucket.used) {
    bucket = {.used = true, .id = random_.u32(), .stamp = jiffies};
  } else if (jiffies > bucket.stamp) {
    bucket.id += random_.below(static_cast<uint32_t>(jiffies - bucket.stamp));
    bucket.stamp = jiffies;
  }
  return static_cast<uint16_t>(bucket.id++);
}

}  // namespace nf
