#include "datapath/packet/rewrite.h"

#include <gtest/gtest.h>

#include <functional>

#include "datapath/packet/testing.h"

namespace nf {
namespace {

using testing_packets::from_hex;
using testing_packets::random_packet;
using testing_packets::to_hex;

constexpr uint8_t kProtocols[] = {kProtoTcp, kProtoUdp, kProtoUdplite, kProtoIcmp, kProtoSctp, kProtoGre, 253};

bool header_checksum_ok(const Packet& p) {
  return checksum_fold(checksum_add(p.bytes().first(p.ip().header_length()))) == 0xffff;
}
// By the definition (RFC 793, 768, 792), not by transport_checksum_ok.
bool transport_sums_up(const Packet& p) {
  const Ipv4Header& ip = p.ip();
  const auto size = static_cast<uint32_t>(p.transport().size());
  const Sum pseudo = ip.protocol == kProtoIcmp ? 0 : checksum_pseudo(ip.source, ip.destination, ip.protocol, size);
  return checksum_fold(checksum_add(p.transport(), pseudo)) == 0xffff;
}
bool has_checksum(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoIcmp;
}

// Random changes leave every checksum right, and undoing them in reverse order restores every byte.
TEST(Rewrite, KeepsChecksumsAndInverseRestores) {
  PacketPool pool;
  Random random(21);
  for (int round = 0; round < 20000; ++round) {
    const uint8_t protocol = kProtocols[random.below(std::size(kProtocols))];
    PacketPtr p = random_packet(pool, random, protocol);
    fill_transport_checksum(*p);
    p->checksum = ChecksumState::kNone;
    const std::string before = to_hex(p->bytes());

    std::vector<std::function<void()>> undo;
    const uint32_t changes = 1 + random.below(6);
    for (uint32_t i = 0; i < changes; ++i) {
      Packet& q = *p;
      const auto which = random.below(2) == 0 ? ManipType::kSource : ManipType::kDestination;
      const bool source = which == ManipType::kSource;
      switch (random.below(5)) {
        case 0: {
          const Be32 old = source ? q.ip().source : q.ip().destination;
          set_address(q, which, Be32::from_raw(random.u32()));
          undo.emplace_back([&q, which, old] { set_address(q, which, old); });
          break;
        }
        case 1: {
          if (protocol == kProtoIcmp || protocol == kProtoGre || protocol == 253) break;
          const Be16 old = view<UdpHeader>(q.transport())->*(source ? &UdpHeader::source : &UdpHeader::destination);
          set_port(q, which, Be16::from_raw(random.u16()));
          undo.emplace_back([&q, which, old] { set_port(q, which, old); });
          break;
        }
        case 2: {
          if (protocol != kProtoIcmp) break;
          const Be16 old = view<IcmpHeader>(q.transport())->id;
          set_icmp_id(q, Be16::from_raw(random.u16()));
          undo.emplace_back([&q, old] { set_icmp_id(q, old); });
          break;
        }
        case 3: {
          const uint8_t old = q.ip().ttl;
          set_ttl(q, static_cast<uint8_t>(random.u32()));
          undo.emplace_back([&q, old] { set_ttl(q, old); });
          break;
        }
        default: {
          const uint8_t old = q.ip().tos;
          set_tos(q, static_cast<uint8_t>(random.u32()));
          undo.emplace_back([&q, old] { set_tos(q, old); });
          break;
        }
      }
      ASSERT_TRUE(header_checksum_ok(*p)) << "round " << round;
      if (has_checksum(protocol)) {
        ASSERT_TRUE(transport_sums_up(*p)) << "round " << round << " protocol " << unsigned{protocol};
      }
      ASSERT_TRUE(transport_checksum_ok(*p));
    }
    for (auto it = undo.rbegin(); it != undo.rend(); ++it) (*it)();
    ASSERT_EQ(to_hex(p->bytes()), before) << "round " << round;
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

// A partial checksum survives rewriting: completed afterwards it is the checksum of the rewritten packet.
TEST(Rewrite, PartialChecksum) {
  PacketPool pool;
  Random random(22);
  for (int round = 0; round < 5000; ++round) {
    const uint8_t protocol = random.below(2) == 0 ? kProtoTcp : kProtoUdp;
    PacketPtr p = random_packet(pool, random, protocol);
    Be16& field =
        protocol == kProtoTcp ? view<TcpHeader>(p->transport())->checksum : view<UdpHeader>(p->transport())->checksum;
    const auto size = static_cast<uint32_t>(p->transport().size());
    field = Be16::from_raw(checksum_fold(checksum_pseudo(p->ip().source, p->ip().destination, protocol, size)));
    p->checksum = ChecksumState::kPartial;
    set_address(*p, ManipType::kSource, Be32::from_raw(random.u32()));
    set_port(*p, ManipType::kSource, Be16::from_raw(random.u16()));
    set_address(*p, ManipType::kDestination, Be32::from_raw(random.u32()));
    set_port(*p, ManipType::kDestination, Be16::from_raw(random.u16()));
    ASSERT_TRUE(transport_checksum_ok(*p));
    complete_checksum(*p);
    ASSERT_NE(p->checksum, ChecksumState::kPartial);
    ASSERT_TRUE(transport_sums_up(*p)) << "round " << round;
    if (protocol == kProtoUdp) {
      ASSERT_NE(field.raw(), 0);
    }
    const Be16 done = field;
    complete_checksum(*p);
    ASSERT_EQ(field, done);
  }
}

// Linux 6.18 wrote 0xffff into a reset whose sum came out as zero; left to itself TCP has no such rule.
TEST(Rewrite, ACompletedSumIsNeverZero) {
  PacketPool pool;
  Random random(12);
  PacketPtr p = random_packet(pool, random, kProtoTcp);
  TcpHeader& tcp = *view<TcpHeader>(p->transport());
  const auto size = static_cast<uint32_t>(p->transport().size());
  const Be16 unfinished =
      Be16::from_raw(checksum_fold(checksum_pseudo(p->ip().source, p->ip().destination, kProtoTcp, size)));
  tcp.urgent = Be16{};
  tcp.checksum = unfinished;
  // What is missing to 0xffff goes into a field that was zero.
  tcp.urgent = checksum_finish(checksum_add(p->transport()));
  ASSERT_EQ(checksum_finish(checksum_add(p->transport())).raw(), 0);
  p->checksum = ChecksumState::kPartial;
  complete_checksum(*p);
  EXPECT_EQ(tcp.checksum.raw(), 0xffff);
}

struct UdpPacket {
  PacketPool pool;
  PacketPtr p;
  UdpHeader& udp() { return *view<UdpHeader>(p->transport()); }
  explicit UdpPacket(const char* rest) : p(pool.allocate(100)) {
    testing_packets::append(*p, from_hex("4500002000010000401100000a0000010a000002"));
    testing_packets::append(*p, from_hex(rest));
    ip_send_check(p->ip());
  }
};

TEST(Rewrite, UdpWithoutChecksumStaysWithout) {
  UdpPacket u("03e807d0000c0000aabbccdd");
  set_address(*u.p, ManipType::kSource, ip4(192, 0, 2, 1));
  set_port(*u.p, ManipType::kDestination, be16(53));
  EXPECT_EQ(u.udp().checksum, be16(0));
  EXPECT_TRUE(header_checksum_ok(*u.p));
  EXPECT_TRUE(transport_checksum_ok(*u.p));
}

// Among all ports there is one that makes the sum 0xffff, that is a checksum of zero: it is written as 0xffff.
TEST(Rewrite, UdpChecksumIsNeverWrittenAsZero) {
  UdpPacket u("03e807d0000c0000aabbccdd");
  fill_transport_checksum(*u.p);
  u.p->checksum = ChecksumState::kNone;
  int ones = 0;
  for (uint32_t port = 0; port <= 0xffff; ++port) {
    set_port(*u.p, ManipType::kSource, be16(static_cast<uint16_t>(port)));
    ASSERT_NE(u.udp().checksum.raw(), 0) << port;
    ASSERT_TRUE(transport_sums_up(*u.p)) << port;
    if (u.udp().checksum.raw() == 0xffff) ++ones;
  }
  EXPECT_EQ(ones, 1);
}

// A later fragment carries no transport header, so only the IP header changes.
TEST(Rewrite, LaterFragment) {
  PacketPool pool;
  Random random(23);
  for (const uint8_t protocol : {kProtoTcp, kProtoUdp}) {
    PacketPtr p = random_packet(pool, random, protocol);
    p->ip().fragment = be16(185);
    ip_send_check(p->ip());
    const std::string l4 = to_hex(p->transport());
    set_address(*p, ManipType::kSource, ip4(192, 0, 2, 1));
    EXPECT_EQ(to_hex(p->transport()), l4);
    EXPECT_TRUE(header_checksum_ok(*p));
  }
}

TEST(Rewrite, TruncatedTransport) {
  PacketPool pool;
  PacketPtr p = pool.allocate(100);
  testing_packets::append(*p, from_hex("4500001700010000400600000a0000010a000002010203"));
  ip_send_check(p->ip());
  set_address(*p, ManipType::kSource, ip4(192, 0, 2, 1));
  set_port(*p, ManipType::kSource, be16(9));
  set_icmp_id(*p, be16(9));
  EXPECT_EQ(to_hex(p->transport()), "010203");
  EXPECT_TRUE(header_checksum_ok(*p));
}

// The kernel's ip_decrease_ttl adds 0x0100 to the field; a field of 0xffff can only come about that way.
TEST(Rewrite, DecreaseTtl) {
  PacketPool pool;
  Random random(24);
  for (int round = 0; round < 20000; ++round) {
    PacketPtr p = random_packet(pool, random, kProtoTcp);
    const uint8_t ttl = p->ip().ttl;
    if (ttl == 0) continue;
    decrease_ttl(*p);
    ASSERT_EQ(p->ip().ttl, ttl - 1);
    ASSERT_TRUE(header_checksum_ok(*p));
  }
}

TEST(Rewrite, TransportChecksumOk) {
  PacketPool pool;
  Random random(25);
  for (const uint8_t protocol : {kProtoTcp, kProtoUdp, kProtoIcmp}) {
    PacketPtr p = random_packet(pool, random, protocol);
    fill_transport_checksum(*p);
    EXPECT_TRUE(transport_sums_up(*p));
    EXPECT_TRUE(transport_checksum_ok(*p));
    p->checksum = ChecksumState::kNone;
    EXPECT_TRUE(transport_checksum_ok(*p));
    p->transport()[0] ^= 1;
    EXPECT_FALSE(transport_checksum_ok(*p));
    p->checksum = ChecksumState::kUnnecessary;
    EXPECT_TRUE(transport_checksum_ok(*p));
    p->checksum = ChecksumState::kPartial;
    EXPECT_TRUE(transport_checksum_ok(*p));
  }
}

TEST(Rewrite, VerifiedOnceIsTrustedAfterwards) {
  PacketPool pool;
  Random random(26);
  PacketPtr p = random_packet(pool, random, kProtoTcp);
  fill_transport_checksum(*p);
  p->checksum = ChecksumState::kNone;
  p->transport()[0] ^= 1;
  EXPECT_FALSE(verify_transport_checksum(*p));
  EXPECT_EQ(p->checksum, ChecksumState::kNone);
  p->transport()[0] ^= 1;
  EXPECT_TRUE(verify_transport_checksum(*p));
  EXPECT_EQ(p->checksum, ChecksumState::kUnnecessary);
}

TEST(Rewrite, ATcpWordKeepsTheSum) {
  PacketPool pool;
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    PacketPtr p = random_packet(pool, random, kProtoTcp);
    fill_transport_checksum(*p);
    p->checksum = ChecksumState::kNone;
    const size_t offset = random.below(2) == 0 ? offsetof(TcpHeader, sequence) : offsetof(TcpHeader, acknowledgment);
    const Be32 value = Be32::from_raw(random.u32());
    set_tcp_word(*p, offset, value);
    ASSERT_EQ(*view<Be32>(p->transport(), offset), value);
    ASSERT_TRUE(transport_sums_up(*p)) << round;
  }
}

// Against the same done to a string of the payload.
TEST(Rewrite, ReplacesPayload) {
  PacketPool pool;
  Random random(8);
  for (int round = 0; round < 3000; ++round) {
    const uint8_t protocol = random.below(2) == 0 ? kProtoTcp : kProtoUdp;
    PacketPtr p = random_packet(pool, random, protocol);
    fill_transport_checksum(*p);
    // Summed already, or as a local process leaves it: the pseudo-header's sum alone.
    const bool partial = random.below(2) == 0;
    const bool no_sum = !partial && protocol == kProtoUdp && random.below(4) == 0;
    Be16& check =
        protocol == kProtoTcp ? view<TcpHeader>(p->transport())->checksum : view<UdpHeader>(p->transport())->checksum;
    const auto size = static_cast<uint32_t>(p->transport().size());
    if (partial)
      check = Be16::from_raw(checksum_fold(checksum_pseudo(p->ip().source, p->ip().destination, protocol, size)));
    if (no_sum) check = Be16{};
    p->checksum = partial ? ChecksumState::kPartial : ChecksumState::kNone;
    p->fragment_count = 2;

    std::string expected(reinterpret_cast<const char*>(p->transport().data()), size);
    const uint32_t header = protocol == kProtoTcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
    const uint32_t offset = header + random.below(size - header + 1), length = random.below(size - offset + 1);
    // Now and then more than the packet's buffer has room for.
    const std::string text(random.below(round % 50 == 0 ? 6000 : 40), 'x');
    expected.replace(offset, length, text);
    ASSERT_TRUE(replace_payload(*p, pool, protocol, offset, length, text));
    complete_checksum(*p);
    EXPECT_EQ(p->fragment_count, 0);
    ASSERT_EQ(p->ip().total_length.host(), p->length());
    ASSERT_EQ(p->transport().size(), expected.size());
    ASSERT_TRUE(header_checksum_ok(*p));
    if (protocol == kProtoUdp) {
      ASSERT_EQ(view<UdpHeader>(p->transport())->length.host(), expected.size());
    }
    if (no_sum) {
      EXPECT_EQ(view<UdpHeader>(p->transport())->checksum, Be16{});
    } else {
      ASSERT_TRUE(transport_sums_up(*p)) << round;
    }
    const std::string_view payload(reinterpret_cast<const char*>(p->transport().data()) + header,
                                   p->transport().size() - header);
    ASSERT_EQ(payload, std::string_view(expected).substr(header));
  }
}

TEST(Rewrite, NoPacketIsLongerThan65535) {
  PacketPool pool;
  Random random(3);
  PacketPtr p = random_packet(pool, random, kProtoUdp);
  const std::string before = to_hex(p->bytes());
  EXPECT_FALSE(replace_payload(*p, pool, kProtoUdp, sizeof(UdpHeader), 0, std::string(65536 - p->length(), 'x')));
  EXPECT_EQ(to_hex(p->bytes()), before);
  EXPECT_TRUE(replace_payload(*p, pool, kProtoUdp, sizeof(UdpHeader), 0, std::string(65535 - p->length(), 'x')));
  EXPECT_EQ(p->ip().total_length.host(), 65535);
}

}  // namespace
}  // namespace nf
