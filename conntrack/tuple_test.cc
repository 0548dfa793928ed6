#include "conntrack/tuple.h"

#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using namespace test;

struct Case {
  const char* name;
  Bytes packet;
  bool ok;
  uint16_t source_id = 0, destination_id = 0;
};

Bytes with_fragment(Bytes b, uint16_t field) {
  put16(b, 6, field);
  return b;
}
Bytes cut(Bytes b, size_t n) {
  b.resize(n);
  return b;
}
Bytes with_ihl(Bytes b, unsigned words) {
  b[0] = static_cast<uint8_t>(0x40 | words);
  return b;
}

TEST(Tuple, OfAPacket) {
  const Bytes tcp = tcp_packet(kHostA, 4000, kHostB, 80, {.flags = "S"});
  const Bytes udp = udp_packet(kHostA, 4000, kHostB, 53);
  const Bytes ping = icmp_packet(kHostA, kHostB, 8, 7);
  const Case cases[] = {
      {"tcp", tcp, true, 4000, 80},
      {"tcp, ports only", cut(tcp, 24), true, 4000, 80},
      {"tcp, less than the ports", cut(tcp, 23), false},
      {"udp", udp, true, 4000, 53},
      {"first fragment", with_fragment(udp, kIpMoreFragments), true, 4000, 53},
      {"later fragment", with_fragment(udp, 1), false},
      {"icmp", ping, true, 7, 8 << 8},
      {"icmp, seven bytes", cut(ping, 27), false},
      {"sctp", ip_packet(kHostA, kHostB, kProtoSctp, {0, 1, 0, 2}), true, 1, 2},
      {"udplite", ip_packet(kHostA, kHostB, kProtoUdplite, {0, 1, 0, 2}), true, 1, 2},
      {"unknown", ip_packet(kHostA, kHostB, 99, {1, 2, 3, 4}), true, 0, 0},
      {"unknown, empty", ip_packet(kHostA, kHostB, 99, {}), true, 0, 0},
      {"gre", ip_packet(kHostA, kHostB, kProtoGre, {0x20, 0, 8, 0, 0, 0, 0, 9}), true, 0, 0},
      {"gre, empty", ip_packet(kHostA, kHostB, kProtoGre, {}), true, 0, 0},
      {"gre of pptp", ip_packet(kHostA, kHostB, kProtoGre, {0x20, 1, 0x88, 0x0b, 0, 0, 0, 9}), true, 0, 9},
      {"gre of pptp, not ppp", ip_packet(kHostA, kHostB, kProtoGre, {0x20, 1, 8, 0, 0, 0, 0, 9}), false},
      {"header longer than the packet", with_ihl(cut(tcp, 40), 11), false},
      {"no ip header", cut(tcp, 19), false},
      {"nothing", {}, false},
  };
  for (const Case& c : cases) {
    Tuple t;
    ASSERT_EQ(Conntrack::get_tuple(c.packet, t), c.ok) << c.name;
    if (!c.ok) continue;
    EXPECT_EQ(t.source, kHostA) << c.name;
    EXPECT_EQ(t.destination, kHostB) << c.name;
    EXPECT_EQ(t.source_id.host(), c.source_id) << c.name;
    EXPECT_EQ(t.destination_id.host(), c.destination_id) << c.name;
    EXPECT_EQ(t.protocol, c.packet[9]) << c.name;
    EXPECT_EQ(t.direction, CtDirection::kOriginal) << c.name;
  }
}

TEST(Tuple, InverseOfPorts) {
  Tuple t, inverse, back;
  ASSERT_TRUE(Conntrack::get_tuple(udp_packet(kHostA, 4000, kHostB, 53), t));
  t.zone = 3;
  ASSERT_TRUE(Conntrack::invert(inverse, t));
  EXPECT_EQ(inverse.source, kHostB);
  EXPECT_EQ(inverse.source_id.host(), 53);
  EXPECT_EQ(inverse.destination_id.host(), 4000);
  EXPECT_EQ(inverse.direction, CtDirection::kReply);
  EXPECT_EQ(inverse.zone, 3);
  ASSERT_TRUE(Conntrack::invert(back, inverse));
  EXPECT_EQ(std::memcmp(&back, &t, sizeof t), 0);
  ASSERT_TRUE(Conntrack::invert(t, t)) << "into itself";
  EXPECT_EQ(std::memcmp(&inverse, &t, sizeof t), 0);
}

// RFC 792 and RFC 950: the queries and their replies.
TEST(Tuple, InverseOfIcmp) {
  constexpr std::pair<int, int> kPairs[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
  int invertible = 0;
  for (unsigned type = 0; type < 256; ++type) {
    Tuple t, inverse;
    t.protocol = kProtoIcmp;
    t.source_id = be16(7);
    t.set_icmp(static_cast<uint8_t>(type), 1);
    if (!Conntrack::invert(inverse, t)) continue;
    ++invertible;
    EXPECT_EQ(inverse.source_id.host(), 7);
    EXPECT_EQ(inverse.icmp_code(), 1);
    bool paired = false;
    for (const auto& [query, reply] : kPairs)
      paired |=
          (int(type) == query && inverse.icmp_type() == reply) || (int(type) == reply && inverse.icmp_type() == query);
    EXPECT_TRUE(paired) << type;
  }
  EXPECT_EQ(invertible, 8);
}

}  // namespace
}  // namespace nf::ct
