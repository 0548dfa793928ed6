#include "datapath/port/virtio_net.h"

#include "datapath/base/crc32c.h"
#include "datapath/port/memory_port.h"
#include "datapath/port/test_frames.h"

namespace nf {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes ipv6_frame(const Bytes& extensions, uint8_t first_header, size_t transport) {
  Bytes b(14 + 40);
  b[12] = 0x86;
  b[13] = 0xdd;
  b[14] = 0x60;
  b[20] = first_header;
  b.insert(b.end(), extensions.begin(), extensions.end());
  Bytes tail(transport);
  if (transport > 12) tail[12] = 0x50;
  b.insert(b.end(), tail.begin(), tail.end());
  return b;
}

TEST(LocateTransport, Headers) {
  PacketPool pool;
  const auto frame = [](PacketPtr p) { return test::copy_bytes(*test::framed(std::move(p))); };
  Bytes options = frame(test::make_tcp(pool, 8));
  options[14] = 0x46;  // a word of IP options: TCP begins 4 bytes later
  options[14 + 24 + 12] = 0x50;
  Bytes fragment = frame(test::make_udp(pool, 8));
  fragment[21] = 1;
  Bytes two_tags = frame(test::make_udp(pool, 8));
  const Bytes tags = {0x88, 0xa8, 0, 1, 0x81, 0, 0, 2};
  two_tags.insert(two_tags.begin() + 12, tags.begin(), tags.end());
  Bytes short_offset = frame(test::make_tcp(pool, 8));
  short_offset[14 + 20 + 12] = 0x40;
  const Bytes hop_by_hop = {60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // 16 bytes, then destination options
  const Bytes destination = {6, 0, 0, 0, 0, 0, 0, 0};
  Bytes both = hop_by_hop;
  both.insert(both.end(), destination.begin(), destination.end());

  struct Case {
    const char* name;
    Bytes frame;
    bool found;
    uint16_t network = 0, transport = 0, payload = 0;
    bool tcp = false, ipv6 = false;
  };
  const Case cases[] = {
      {"UDP", frame(test::make_udp(pool, 8)), true, 14, 34, 42, false},
      {"TCP", frame(test::make_tcp(pool, 8)), true, 14, 34, 54, true},
      {"IP options", options, true, 14, 38, 58, true},
      {"two VLAN tags", two_tags, true, 22, 42, 50, false},
      {"later fragment", fragment, false},
      {"TCP offset below 5", short_offset, false},
      {"ICMP", frame(test::make_ip(pool, kProtoIcmp, Bytes(8))), false},
      {"IPv6", ipv6_frame({}, 6, 20), true, 14, 54, 74, true, true},
      {"IPv6 with extensions", ipv6_frame(both, 0, 20), true, 14, 78, 98, true, true},
      {"IPv6 first fragment", ipv6_frame({6, 0, 0, 1, 0, 0, 0, 9}, 44, 20), true, 14, 62, 82, true, true},
      {"IPv6 later fragment", ipv6_frame({6, 0, 0, 9, 0, 0, 0, 9}, 44, 20), false},
      {"IPv6 extension beyond the end", ipv6_frame({6, 9, 0, 0, 0, 0, 0, 0}, 0, 0), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto place = locate_transport(c.frame, true);
    ASSERT_EQ(place.has_value(), c.found);
    if (!c.found) continue;
    EXPECT_EQ(place->network, c.network);
    EXPECT_EQ(place->transport, c.transport);
    EXPECT_EQ(place->payload, c.payload);
    EXPECT_EQ(place->tcp, c.tcp);
    EXPECT_EQ(place->ipv6, c.ipv6);
    EXPECT_EQ(place->checksum_field, c.tcp ? 16 : 6);
    // No header is taken for whole when it is not.
    for (size_t length = 0; length < c.payload; ++length)
      EXPECT_FALSE(locate_transport(std::span(c.frame).first(length), true).has_value()) << length;
  }
}

// A frame with and without its Ethernet header: the header sent is what a receiver turns back into the same packet.
TEST(VirtioHeader, ThereAndBack) {
  PacketPool pool;
  for (const bool ethernet : {true, false}) {
    for (const bool tcp : {true, false}) {
      for (const bool gso : {true, false}) {
        PacketPtr p = tcp ? test::make_tcp(pool, 3000) : test::make_udp(pool, 3000);
        test::to_partial(*p);
        if (gso) {
          p->gso = tcp ? GsoType::kTcpv4 : GsoType::kUdpL4;
          p->gso_size = 1000;
          p->gso_ecn = tcp;
        }
        if (ethernet) p = test::framed(std::move(p));
        const VirtioNetHeader h = make_virtio_header(*p, ethernet);
        EXPECT_EQ(h.flags, VirtioNetHeader::kNeedsChecksum);
        EXPECT_EQ(h.checksum_start, ethernet ? 34 : 20);
        EXPECT_EQ(h.checksum_offset, tcp ? 16 : 6);
        EXPECT_EQ(h.gso_type, !gso ? 0 : tcp ? 0x81 : 5);
        EXPECT_EQ(h.gso_size, gso ? 1000 : 0);
        EXPECT_EQ(h.header_length, !gso ? 0 : (ethernet ? 14 : 0) + 20 + (tcp ? 20 : 8));

        PacketPtr q = pool.copy(*p);
        q->checksum = ChecksumState::kNone;
        q->gso = GsoType::kNone;
        q->gso_size = 0;
        q->gso_ecn = false;
        apply_virtio_header(h, *q, ethernet);
        EXPECT_EQ(q->checksum, ChecksumState::kPartial);
        EXPECT_EQ(q->gso, p->gso);
        EXPECT_EQ(q->gso_size, p->gso_size);
        EXPECT_EQ(q->gso_ecn, p->gso_ecn);
        EXPECT_EQ(q->gso_header, gso ? (tcp ? 40 : 28) : 0);
        EXPECT_EQ(test::copy_bytes(*q), test::copy_bytes(*p));
      }
    }
  }
}

TEST(VirtioHeader, TrustedAndPlain) {
  PacketPool pool;
  PacketPtr p = test::framed(test::make_udp(pool, 10));
  apply_virtio_header(VirtioNetHeader{}, *p, true);
  EXPECT_EQ(p->checksum, ChecksumState::kNone);
  apply_virtio_header(VirtioNetHeader{.flags = VirtioNetHeader::kDataValid}, *p, true);
  EXPECT_EQ(p->checksum, ChecksumState::kUnnecessary);
  EXPECT_EQ(make_virtio_header(*p, true).flags, 0);
}

// A partial checksum of an inner header (IP in IP) is finished, because a Packet could not say where it is.
TEST(VirtioHeader, InnerChecksumIsFinished) {
  PacketPool pool;
  PacketPtr inner = test::make_tcp(pool, 100);
  const Bytes finished = test::copy_bytes(*inner);
  test::to_partial(*inner);
  PacketPtr outer = test::make_ip(pool, 4, inner->bytes());
  ASSERT_NE(Bytes(outer->transport().begin(), outer->transport().end()), finished);
  apply_virtio_header(
      VirtioNetHeader{.flags = VirtioNetHeader::kNeedsChecksum, .checksum_start = 40, .checksum_offset = 16}, *outer,
      false);
  EXPECT_EQ(outer->checksum, ChecksumState::kUnnecessary);
  EXPECT_EQ(Bytes(outer->transport().begin(), outer->transport().end()), finished);
}

TEST(VirtioHeader, SctpChecksumIsFinished) {
  PacketPool pool;
  Bytes sctp = test::pattern(40);
  PacketPtr p = test::make_ip(pool, kProtoSctp, sctp);
  apply_virtio_header(
      VirtioNetHeader{.flags = VirtioNetHeader::kNeedsChecksum, .checksum_start = 20, .checksum_offset = 8}, *p, false);
  EXPECT_EQ(p->checksum, ChecksumState::kUnnecessary);
  std::fill(sctp.begin() + 8, sctp.begin() + 12, uint8_t{0});
  const uint32_t crc = crc32c(sctp);
  uint32_t stored;  // little-endian on the wire, as on this machine
  std::memcpy(&stored, p->transport().data() + 8, 4);
  EXPECT_EQ(stored, crc);
}

// Offsets that point nowhere change nothing.
TEST(VirtioHeader, HostileOffsets) {
  PacketPool pool;
  for (const unsigned start : {0u, 20u, 47u, 48u, 65535u}) {
    for (const unsigned offset : {0u, 6u, 8u, 16u, 65535u}) {
      PacketPtr p = test::make_ip(pool, 99, Bytes(28));
      const Bytes before = test::copy_bytes(*p);
      const VirtioNetHeader h{.flags = VirtioNetHeader::kNeedsChecksum,
                              .gso_type = VirtioNetHeader::kGsoTcpv4,
                              .gso_size = 100,
                              .checksum_start = static_cast<uint16_t>(start),
                              .checksum_offset = static_cast<uint16_t>(offset)};
      apply_virtio_header(h, *p, false);
      EXPECT_EQ(p->gso, GsoType::kNone);
      if (start + offset + (offset == 8 ? 4 : 2) > 48) {
        EXPECT_EQ(p->checksum, ChecksumState::kNone);
        EXPECT_EQ(test::copy_bytes(*p), before);
      }
    }
  }
}

// A super-packet whose checksum was finished goes out as the kernel expects it: with the pseudo-header's sum.
TEST(VirtioHeader, FinishedSuperPacketBecomesPartialAgain) {
  PacketPool pool;
  PacketPtr partial = test::make_tcp(pool, 3000), p = test::make_tcp(pool, 3000);
  test::to_partial(*partial);
  p->gso = GsoType::kTcpv4;
  p->gso_size = 1000;
  p->checksum = ChecksumState::kUnnecessary;
  const VirtioNetHeader h = make_virtio_header(*p, false);
  EXPECT_EQ(h.flags, VirtioNetHeader::kNeedsChecksum);
  EXPECT_EQ(test::copy_bytes(*p), test::copy_bytes(*partial));
}

TEST(MemoryPort, InAndOut) {
  PacketPool pool;
  MemoryPort port({.can_gso = true, .capacity = 2});
  EXPECT_TRUE(port.can_gso());
  EXPECT_FALSE(port.can_checksum());
  for (uint16_t i = 0; i < 5; ++i) port.inject(test::make_udp(pool, 4, i));
  std::vector<PacketPtr> got;
  EXPECT_EQ(port.receive(pool, got, 3), 3u);
  EXPECT_EQ(port.receive(pool, got, 3), 2u);
  EXPECT_EQ(port.receive(pool, got, 3), 0u);
  ASSERT_EQ(got.size(), 5u);
  for (uint16_t i = 0; i < 5; ++i) EXPECT_EQ(view<UdpHeader>(got[i]->transport())->destination, be16(i));
  EXPECT_TRUE(port.send(std::move(got[0])));
  EXPECT_TRUE(port.send(std::move(got[1])));
  EXPECT_FALSE(port.send(std::move(got[2])));
  EXPECT_EQ(port.take_sent().size(), 2u);
  EXPECT_TRUE(port.sent().empty());
  got.clear();
  EXPECT_EQ(pool.in_use(), 0u);
}

}  // namespace
}  // namespace nf
