#include "conntrack/gre_keymap.h"

#include <gtest/gtest.h>

#include "conntrack/connection.h"
#include "conntrack/conntrack.h"
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using test::Bytes;
using test::kHostA;
using test::kHostB;

Tuple gre(Be32 source, Be32 destination, uint16_t from, uint16_t to) {
  Tuple t;
  t.source = source;
  t.destination = destination;
  t.protocol = kProtoGre;
  t.source_id = be16(from);
  t.destination_id = be16(to);
  return t;
}
Bytes packet(uint8_t version, uint16_t call_id, uint16_t protocol = 0x880b) {
  Bytes b(8);
  b[0] = 0x30;
  b[1] = version;
  test::put16(b, 2, protocol);
  test::put16(b, 6, call_id);
  return test::ip_packet(kHostA, kHostB, kProtoGre, b);
}

// twin: nf_ct_gre_keymap_add: one entry for each direction of a master; the same call again is no error.
TEST(GreKeymap, OneCallForEachDirection) {
  GreKeymap map;
  const Connection one, two;
  EXPECT_TRUE(map.add(one, CtDirection::kOriginal, gre(kHostA, kHostB, 0x11, 0x22)));
  EXPECT_TRUE(map.add(one, CtDirection::kOriginal, gre(kHostA, kHostB, 0x11, 0x22)));
  EXPECT_FALSE(map.add(one, CtDirection::kOriginal, gre(kHostA, kHostB, 0x11, 0x23)));
  EXPECT_TRUE(map.add(one, CtDirection::kReply, gre(kHostB, kHostA, 0x22, 0x11)));
  EXPECT_TRUE(map.add(two, CtDirection::kOriginal, gre(kHostA, kHostB, 0x12, 0x22)));
  EXPECT_EQ(map.lookup(gre(kHostA, kHostB, 0, 0x22)), be16(0x11)) << "the older one";
  EXPECT_EQ(map.lookup(gre(kHostB, kHostA, 0, 0x11)), be16(0x22));
  EXPECT_EQ(map.lookup(gre(kHostA, kHostB, 0, 0x23)), Be16{});
  EXPECT_EQ(map.lookup(gre(kHostA, kHostA, 0, 0x22)), Be16{});
  map.destroy(one);
  EXPECT_EQ(map.lookup(gre(kHostA, kHostB, 0, 0x22)), be16(0x12));
  map.destroy(two);
  EXPECT_TRUE(map.empty());
}

// twin: gre_pkt_to_tuple: only version 1 asks.
TEST(GreKeymap, OnlyPptpIsLookedUp) {
  GreKeymap map;
  const Connection master;
  ASSERT_TRUE(map.add(master, CtDirection::kOriginal, gre(kHostA, kHostB, 0x11, 0x22)));
  const Connection other;
  ASSERT_TRUE(map.add(other, CtDirection::kOriginal, gre(kHostA, kHostB, 0x33, 0)));
  const struct {
    const char* what;
    Bytes packet;
    bool ok;
    uint16_t source_id, destination_id;
  } kCases[] = {
      {"of the call", packet(1, 0x22), true, 0x11, 0x22},
      {"with an acknowledgement", packet(0x81, 0x22), true, 0x11, 0x22},
      {"another call", packet(1, 0x21), true, 0, 0x21},
      {"call 0", packet(1, 0), true, 0x33, 0},
      {"version 0", packet(0, 0x22), true, 0, 0},
      {"version 2", packet(2, 0x22), true, 0, 0},
      {"not PPP", packet(1, 0x22, 0x0800), false, 0, 0},
  };
  for (const auto& c : kCases) {
    Tuple t;
    EXPECT_EQ(Conntrack::get_tuple(c.packet, t, &map), c.ok) << c.what;
    if (!c.ok) continue;
    EXPECT_EQ(t.source_id, be16(c.source_id)) << c.what;
    EXPECT_EQ(t.destination_id, be16(c.destination_id)) << c.what;
  }
  Tuple t;
  ASSERT_TRUE(Conntrack::get_tuple(packet(1, 0x22), t));
  EXPECT_EQ(t.source_id, Be16{}) << "nobody to ask";
  for (size_t size = 20; size < 28; ++size) {
    const Bytes whole = packet(1, 0x22);
    ASSERT_TRUE(Conntrack::get_tuple(std::span(whole).first(size), t, &map)) << size;
    EXPECT_EQ(t.source_id, Be16{});
    EXPECT_EQ(t.destination_id, Be16{});
  }
}

}  // namespace
}  // namespace nf::ct
