#include "nat/manip_packet.h"

#include "datapath/base/random.h"
#include "nat/test_net.h"

namespace nf::nat {
namespace {

std::string_view as_text(std::span<const uint8_t> b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

// A connection with both halves translated: `inside` -> `outside` becomes another pair.
ct::Connection translated(const ct::Tuple& before, const ct::Tuple& after) {
  ct::Connection c;
  c.tuple[0] = before;
  ct::Conntrack::invert(c.tuple[1], after);
  c.status = ct::kSrcNat | ct::kDstNat | ct::kSrcNatDone | ct::kDstNatDone;
  return c;
}

// Bytes of a 6.18 kernel: SNAT of an SCTP INIT to 10.2.0.9:5000; its TTL went down on the way.
TEST(ManipPacket, SctpChecksumIsComputedAnew) {
  TestNet net;
  PacketPtr p = net.packet(unhex(
      "45000034123440004084140c0a0100020a0200020bb80fa0000000008a39b30b010000140000000100010000000a000a00000001"));
  ct::Tuple before, after;
  before.protocol = kProtoSctp;
  before.source = ip4(10, 1, 0, 2);
  before.destination = ip4(10, 2, 0, 2);
  before.source_id = be16(3000);
  before.destination_id = be16(4000);
  after = before;
  after.source = ip4(10, 2, 0, 9);
  after.source_id = be16(5000);
  ct::Connection c;
  c.tuple[0] = before;
  c.tuple[1] = after;
  std::swap(c.tuple[1].source, c.tuple[1].destination);
  std::swap(c.tuple[1].source_id, c.tuple[1].destination_id);
  ASSERT_TRUE(nf_nat_manip_pkt(*p, c, ManipType::kSource, CtDirection::kOriginal));
  decrease_ttl(*p);
  EXPECT_EQ(hex(p->bytes()),
            "45000034123440003f8415040a0200090a02000213880fa00000000078f0c986010000140000000100010000000a000a00000001");
}

// --- properties

ct::Tuple random_tuple(Random& random, uint8_t protocol) {
  ct::Tuple t;
  t.protocol = protocol;
  t.source = be32(random.u32());
  t.destination = be32(random.u32());
  t.source_id = be16(random.u16());
  if (protocol == kProtoIcmp)
    t.set_icmp(kIcmpEcho, 0);
  else
    t.destination_id = be16(random.u16());
  return t;
}

// A packet of `t` with a payload and every checksum right; a UDP packet may go without.
PacketPtr random_packet(TestNet& net, Random& random, const ct::Tuple& t, bool udp_checksum) {
  const size_t header = t.protocol == kProtoTcp ? 20 : 8;
  Bytes b = TestNet::ip_bytes({t.source, t.destination, 0, 0}, t.protocol, header + random.below(40));
  for (size_t i = 20; i < b.size(); ++i) b[i] = static_cast<uint8_t>(random.u32());
  const std::span<uint8_t> l4 = std::span<uint8_t>(b).subspan(20);
  if (t.protocol == kProtoIcmp) {
    IcmpHeader& icmp = *view<IcmpHeader>(l4);
    icmp.type = kIcmpEcho;
    icmp.code = 0;
    icmp.id = t.source_id;
  } else {
    UdpHeader& ports = *view<UdpHeader>(l4);
    ports.source = t.source_id;
    ports.destination = t.destination_id;
  }
  PacketPtr p = net.packet(b);
  fill_transport_checksum(*p);
  p->checksum = ChecksumState::kNone;
  if (t.protocol == kProtoUdp && !udp_checksum) view<UdpHeader>(p->transport())->checksum = Be16{};
  return p;
}

bool checksums_right(const Packet& p) {
  const auto header = p.bytes().first(p.ip().header_length());
  return checksum_fold(checksum_add(header)) == 0xffff && transport_checksum_ok(p);
}

bool both_ends(Packet& p, const ct::Connection& c, CtDirection d) {
  return nf_nat_manip_pkt(p, c, ManipType::kDestination, d) && nf_nat_manip_pkt(p, c, ManipType::kSource, d);
}

constexpr uint8_t kProtocols[] = {kProtoTcp, kProtoUdp, kProtoIcmp};

TEST(ManipPacketProperty, InverseRestoresTheBytes) {
  TestNet net;
  Random random(20261121);
  for (int round = 0; round < 3000; ++round) {
    const uint8_t protocol = kProtocols[random.below(3)];
    const ct::Tuple before = random_tuple(random, protocol), after = random_tuple(random, protocol);
    const bool udp_checksum = random.below(4) != 0;
    PacketPtr p = random_packet(net, random, before, udp_checksum);
    const std::string sent(as_text(p->bytes()));

    ASSERT_TRUE(both_ends(*p, translated(before, after), CtDirection::kOriginal));
    EXPECT_EQ(p->ip().source, after.source);
    EXPECT_EQ(p->ip().destination, after.destination);
    EXPECT_TRUE(checksums_right(*p)) << round;
    if (protocol == kProtoUdp && !udp_checksum) {
      EXPECT_EQ(view<UdpHeader>(p->transport())->checksum.host(), 0);
    }
    ASSERT_TRUE(both_ends(*p, translated(after, before), CtDirection::kOriginal));
    ASSERT_EQ(as_text(p->bytes()), sent) << "round " << round;
  }
}

TEST(ManipPacketProperty, PartialChecksumCompletesToTheRightOne) {
  TestNet net;
  Random random(7);
  for (int round = 0; round < 1000; ++round) {
    const uint8_t protocol = kProtocols[random.below(2)];
    const ct::Tuple before = random_tuple(random, protocol), after = random_tuple(random, protocol);
    PacketPtr p = random_packet(net, random, before, true);
    const std::span<uint8_t> l4 = p->transport();
    Be16& check = protocol == kProtoTcp ? view<TcpHeader>(l4)->checksum : view<UdpHeader>(l4)->checksum;
    check = Be16::from_raw(
        checksum_fold(checksum_pseudo(before.source, before.destination, protocol, static_cast<uint32_t>(l4.size()))));
    p->checksum = ChecksumState::kPartial;
    ASSERT_TRUE(both_ends(*p, translated(before, after), CtDirection::kOriginal));
    complete_checksum(*p);
    p->checksum = ChecksumState::kNone;
    EXPECT_TRUE(checksums_right(*p)) << round;
  }
}

// An error about a translated packet, sent back through the same connection, quotes the packet as its sender wrote it.
TEST(ManipPacketProperty, IcmpErrorQuotesTheSendersPacket) {
  TestNet net;
  Random random(99);
  for (int round = 0; round < 2000; ++round) {
    const uint8_t protocol = kProtocols[random.below(3)];
    const ct::Tuple before = random_tuple(random, protocol), after = random_tuple(random, protocol);
    const ct::Connection c = translated(before, after);
    PacketPtr p = random_packet(net, random, before, random.below(4) != 0);
    const Bytes original(p->bytes().begin(), p->bytes().end());
    ASSERT_TRUE(both_ends(*p, c, CtDirection::kOriginal));

    // Whole transport headers only: of a cut TCP header the checksum is not there to compare.
    const size_t least = protocol == kProtoTcp ? 40 : 28;
    const size_t quoted = least + random.below(static_cast<uint32_t>(original.size() - least + 1));
    const Be32 reporter = random.below(2) == 0 ? after.destination : be32(random.u32());
    Bytes b = TestNet::ip_bytes({reporter, after.source, 0, 0}, kProtoIcmp, 8 + quoted);
    std::copy_n(p->data(), quoted, b.begin() + 28);
    view<IcmpHeader>(std::span<uint8_t>(b), 20)->type = kIcmpUnreachable;
    PacketPtr e = net.packet(b);
    fill_transport_checksum(*e);
    e->checksum = ChecksumState::kNone;

    // The reply direction: its destination is changed where the connection's source was, and the other way round.
    ASSERT_TRUE(nf_nat_icmp_reply_translation(*e, c, ManipType::kDestination, CtDirection::kReply));
    ASSERT_TRUE(nf_nat_icmp_reply_translation(*e, c, ManipType::kSource, CtDirection::kReply));
    EXPECT_EQ(e->ip().destination, before.source);
    EXPECT_EQ(e->ip().source, before.destination);
    EXPECT_TRUE(checksums_right(*e));
    EXPECT_EQ(hex(e->transport().subspan(8)), hex(std::span<const uint8_t>(original).first(quoted))) << round;
  }
}

// Whatever the length, nothing is read or written past the end (the sanitizer build watches), and what is too short
// is refused.
TEST(ManipPacketProperty, TruncatedPackets) {
  TestNet net;
  Random random(3);
  for (const uint8_t protocol : {uint8_t{kProtoTcp}, uint8_t{kProtoUdp}, uint8_t{kProtoIcmp}, uint8_t{kProtoGre},
                                 uint8_t{kProtoSctp}, uint8_t{kProtoUdplite}, uint8_t{99}}) {
    ct::Tuple before = random_tuple(random, protocol), after = random_tuple(random, protocol);
    for (size_t length = 0; length < 24; ++length) {
      PacketPtr p = net.packet(TestNet::ip_bytes({before.source, before.destination, 0, 0}, protocol, length));
      const bool ok = nf_nat_manip_pkt(*p, translated(before, after), ManipType::kSource, CtDirection::kOriginal);
      EXPECT_EQ(ok, protocol == 99 || length >= 8) << int{protocol} << " " << length;
    }
  }
}

struct GreRow {
  uint8_t version;
  ManipType manip;
  bool ok, call_id_changes;
};
// twin: gre_manip_pkt
TEST(ManipPacket, GreCallIdOfVersionOne) {
  constexpr GreRow kRows[] = {
      {0, ManipType::kDestination, true, false},
      {1, ManipType::kDestination, true, true},
      {1, ManipType::kSource, true, false},
      {2, ManipType::kDestination, false, false},
  };
  TestNet net;
  Random random(5);
  for (const GreRow& row : kRows) {
    const ct::Tuple before = random_tuple(random, kProtoGre), after = random_tuple(random, kProtoGre);
    PacketPtr p = net.packet(TestNet::ip_bytes({before.source, before.destination, 0, 0}, kProtoGre, 8));
    p->transport()[1] = row.version;
    EXPECT_EQ(nf_nat_manip_pkt(*p, translated(before, after), row.manip, CtDirection::kOriginal), row.ok);
    const uint16_t call_id = static_cast<uint16_t>(p->transport()[6] << 8 | p->transport()[7]);
    EXPECT_EQ(call_id, row.call_id_changes ? after.destination_id.host() : 0);
  }
}

}  // namespace
}  // namespace nf::nat
